"""What the office does in the model: it stops and lets go, decides, writes, prints, imports,
calls, merges accounts and hands them over, in any order and in the middle of a sender's work."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from arfollow.staff.models import Company
from customers.models import Contact, EmailState
from customers.services import save_contact_state, touch
from dunning import outbox, outcomes, runs, writing
from dunning.delivery import letters, posting, texts
from dunning.models import (
    AttemptState,
    CallOutcome,
    Channel,
    ContactAttempt,
    HeldFor,
    Inbound,
    Letter,
    LetterStatus,
    Placement,
    SendSwitch,
    SwitchScope,
    Tone,
)
from dunning.outbox import NextMove, Settlement, switches
from dunning.outcomes import Answer, CallInput
from dunning.outcomes.merging import merge
from invoices.imports.apply import Request, import_ledger
from invoices.imports.plan import EarlierDay
from invoices.models import Invoice, LedgerSource
from tests import outbox as made
from tests.dunning.model_people import DAY, People
from tests.dunning.model_world import World
from tests.rules.lists import own

WAITING = (AttemptState.PLANNED, AttemptState.HELD, AttemptState.CLAIMED)
WORDS = "Hello,\n\nplease look at this again:\n\n{{ invoice_table }}\n\n{{ signature }}"


class Office:
    """The staff; two of them may approve, so that nobody approves their own words."""

    def __init__(self, world: World, people: People) -> None:
        self.world, self.people = world, people
        self.serial = 0
        self.acts = [
            self.pause, self.switch, self.read, self.cancel, self.skip, self.stale, self.approve,
            self.write, self.edit, self.call, self.want_letter, self.print, self.post,
            self.take_out, self.report, self.enrol, self.hand_over, self.give_back, self.load,
            self.load, self.merge,
        ]  # fmt: skip

    def _next(self) -> int:
        self.serial += 1
        return self.serial

    # --- brakes ---------------------------------------------------------------------------

    def pause(self, how: int) -> None:
        if how % 3:
            self.world.decide(lambda: switches.resume(actor=self.world.boss))
        else:
            self.world.decide(lambda: switches.pause(actor=self.world.boss, reason="stop"))

    def switch(self, how: int) -> None:
        rows = list(SendSwitch.objects.filter(on=True).values_list("pk", flat=True))
        if rows and how % 3:
            self.world.decide(lambda: switches.switch_on_again(rows[0], actor=self.world.boss))
            return
        scope, target = [
            (SwitchScope.ALL, ""),
            (SwitchScope.CUSTOMER, str(self.people.customer(how).pk)),
            (SwitchScope.CHANNEL, ["email", "letter"][how % 2]),
            (SwitchScope.POLICY, ["p1", "p2", "p3"][how % 3]),
        ][how % 4]
        self.world.decide(
            lambda: switches.switch_off(scope, target, actor=self.world.boss, reason="stop")
        )

    # --- decisions --------------------------------------------------------------------------

    def read(self, how: int) -> None:
        for pk in Inbound.objects.filter(read_at=None).values_list("pk", flat=True):
            self.world.decide(
                partial(outcomes.read_reply, pk, actor=self.world.boss, now=self.world.now)
            )

    def cancel(self, how: int) -> None:
        pk = _one(_ids(state__in=WAITING), how)
        if pk is not None:
            self.world.decide(lambda: outbox.cancel(pk, actor=self.world.boss, reason="not now"))

    def skip(self, how: int) -> None:
        pk = _one(_ids(state__in=WAITING), how)
        if pk is not None:
            self.world.decide(
                lambda: outbox.skip(
                    pk, actor=self.world.boss, reason="not this one", today=self.world.today
                )
            )

    def approve(self, how: int) -> None:
        """All that waits for approval: approved, or declined with another day."""
        for pk in held(HeldFor.APPROVAL):
            if how % 4:
                self.world.decide(
                    partial(outbox.approve, pk, actor=self.world.other, now=self.world.now)
                )
            else:
                self._decline(pk)

    def _decline(self, pk: int) -> None:
        today = self.world.today
        self.world.decide(
            lambda: outbox.decline(
                pk,
                actor=self.world.boss,
                reason="not yet",
                next_move=NextMove.AGAIN,
                again_on=today + 4 * DAY,
                today=today,
            )  # fmt: skip
        )

    def let_go(self) -> None:
        """What is held for a pause or stale payment data goes on because somebody says so."""
        for pk in [*held(HeldFor.PAUSE), *held(HeldFor.STALE)]:
            self.world.decide(
                partial(outbox.release_held, pk, actor=self.world.boss, now=self.world.now)
            )

    def settle(self, how: Settlement) -> None:
        """Everything of which nobody knows whether it left."""
        for pk in _ids(state=AttemptState.UNKNOWN):
            self.world.decide(
                partial(outbox.settle_unknown, pk, how, actor=self.world.boss, now=self.world.now)
            )

    def try_again(self) -> None:
        """Whatever failed or came back is sent once more."""
        for pk in _ids(state__in=[AttemptState.FAILED, AttemptState.SENT], channel=Channel.EMAIL):
            self.world.decide(
                partial(outbox.try_again, pk, actor=self.world.boss, now=self.world.now)
            )

    # --- words of their own -------------------------------------------------------------------

    def write(self, how: int) -> None:
        """Somebody writes to a customer, at any hour; it leaves after a minute."""
        contact = Contact.objects.filter(customer=self.people.customer(how)).first()
        if contact is None:
            return
        if how % 3:
            sure = {"email_state": EmailState.VERIFIED}
            self.world.decide(
                lambda: save_contact_state(contact, sure, actor=self.world.boss, why="asked")
            )
        written = writing.Written(
            contact_id=contact.pk, subject="About your account", text=WORDS, table=True,
            tone=[Tone.FRIENDLY, Tone.FIRM][how % 2], token=UUID(int=self._next()),
        )  # fmt: skip
        self.world.decide(
            lambda: writing.write(
                contact.customer_id, written, actor=self.world.boss, now=self.world.now
            )
        )

    def edit(self, how: int) -> None:
        """Other words for a message that waits, or the old ones again."""
        pk = _one(_ids(state__in=WAITING, channel=Channel.EMAIL), how)
        if pk is None:
            return
        if how % 4 == 0:
            self.world.decide(lambda: texts.take_back_edit(pk, actor=self.world.boss))
        else:
            self.world.decide(
                lambda: texts.edit_message(
                    pk, "Your account", WORDS, actor=self.world.boss, today=self.world.today
                )
            )

    def call(self, how: int) -> None:
        """A call that was planned, or one that was not: nobody there, or somebody who says so."""
        planned = _one(_ids(state=AttemptState.PLANNED, channel=Channel.CALL), how)
        customer = self.people.customer(how).pk
        if planned is not None:
            customer = ContactAttempt.objects.get(pk=planned).customer_id
        said = [CallOutcome.NO_ANSWER, CallOutcome.VOICEMAIL, CallOutcome.SAYS_PAID,
                CallOutcome.PROMISE, CallOutcome.DISPUTES][how % 5]  # fmt: skip
        on = self.world.today + 5 * DAY
        answer = Answer(said, on=on if said is CallOutcome.PROMISE else None, reason="quality")
        call = CallInput(
            customer, (answer,), UUID(int=self._next()), at=self.world.now, attempt_id=planned
        )
        self.world.decide(
            lambda: outcomes.record_call(call, actor=self.world.boss, now=self.world.now)
        )

    # --- letters ------------------------------------------------------------------------------

    def want_letter(self, how: int) -> None:
        """A letter over something overdue, which waits for approval."""
        self._want(how, Channel.LETTER, Tone.DIRECT, f"letter-{self._next()}")

    def _want(self, how: int, channel: str, tone: str, step: str) -> None:
        invoice = self.people.invoice(how)
        if invoice is None or invoice.due_date >= self.world.today or invoice.collectible <= 0:
            return
        with self.world.at():
            drafted = made.draft(
                invoice.customer, invoice, channel=channel, tone=tone, step=step,
                needs_approval=True, planned_on=self.world.today, local_date=self.world.today,
                pay_by=self.world.today + 14 * DAY if channel == Channel.LETTER else None,
            )  # fmt: skip
            outbox.plan([drafted], now=self.world.now, company=Company.load())
            touch(invoice.customer_id)

    def print(self, how: int) -> None:
        ids = _ids(channel=Channel.LETTER, state=AttemptState.PLANNED)
        self.world.decide(
            lambda: letters.print_letters(ids, actor=self.world.boss, now=self.world.now)
        )

    def post(self, how: int) -> None:
        rows = Letter.objects.filter(status=LetterStatus.PRINTED).order_by("pk")
        entries = [posting.Entry(row) for row in rows]
        self.world.decide(
            lambda: posting.post_all(entries, self.world.today, actor=self.world.boss)
        )

    def take_out(self, how: int) -> None:
        with self.world.at():
            ids = [letter.pk for letter in posting.to_take_out()]
        self.world.decide(lambda: posting.take_out(ids, actor=self.world.boss, now=self.world.now))

    def report(self, how: int) -> None:
        """What the post says of a letter, in any order."""
        posted = Letter.objects.exclude(posted_on=None).order_by("pk")
        if posted:
            letter = posted[how % len(posted)]
            status = [LetterStatus.DELIVERED, LetterStatus.REFUSED, LetterStatus.IN_TRANSIT,
                      LetterStatus.UNDELIVERABLE][how % 4]  # fmt: skip
            self.world.decide(
                lambda: letters.mark_delivery(
                    letter.pk, status, self.world.today, actor=self.world.boss
                )
            )

    # --- accounts -----------------------------------------------------------------------------

    def enrol(self, how: int) -> None:
        """Another policy from now on."""
        policy = ["p1", "p2", "p3", "p4"][how % 4]
        self.world.decide(lambda: runs.enrol(policy, customer=self.people.customer(how).number))

    def hand_over(self, how: int) -> None:
        """An agency is to take it; somebody approves that at once, or later."""
        self._want(how, Channel.HANDOVER, Tone.INTERNAL, f"agency-{self._next()}")
        if how % 2:
            self.approve(1)

    def give_back(self, how: int) -> None:
        """The agency says that it has the account, or gives it back."""
        status = ["placed", "part", "recalled", "closed"][how % 4]
        rows = Placement.objects.filter(status__in=["pending", "placed", "part"])
        with self.world.at():
            for row in rows:
                Placement.objects.filter(pk=row.pk).update(status=status)
                touch(row.customer_id)

    def merge(self, how: int) -> None:
        """Two accounts were one customer all the time."""
        if len(self.people.customers) > 2 and how % 3 == 0:
            gone, stays = self.people.customer(how), self.people.customer(how + 1)
            boss, today = self.world.boss, self.world.today
            if self.world.decide(lambda: merge(gone.pk, stays.pk, actor=boss, today=today)):
                self.people.customers.remove(gone)

    # --- imports ------------------------------------------------------------------------------

    def stale(self, how: int) -> None:
        """An import of some day; without a source nothing can be too old."""
        as_of = self.world.today - [0, 1, 4, 12][how % 4] * DAY
        LedgerSource.objects.update_or_create(name="bank", defaults={"as_of": as_of})

    def load(self, how: int) -> None:
        """The ledger as a file: some rows missing, paid, disputed, dearer or due another day."""
        rows = [
            _line(invoice, how + number, self.world)
            for number, invoice in enumerate(Invoice.objects.order_by("pk"))
            if (how + number) % 5
        ]
        if not rows:
            return
        as_of = self.world.today - [0, 0, 1][how % 3] * DAY
        request = Request("ledger.csv", own(*rows), as_of, source="erp", actor=self.world.boss)
        try:
            self.world.decide(lambda: import_ledger(request))
        except EarlierDay:
            return  # refused as a whole: a later day is known


def _line(invoice: Invoice, how: int, world: World) -> dict[str, str]:
    """One row of the file, with one thing said otherwise, or nothing."""
    row = {
        "customer_number": invoice.customer.number,
        "customer_name": invoice.customer.name,
        "invoice_number": invoice.number,
        "issue_date": f"{invoice.issue_date}",
        "due_date": f"{invoice.due_date}",
        "amount": f"{invoice.amount}",
    }
    match how % 9:
        case 0 | 1:
            row |= {"paid_amount": f"{invoice.amount}", "paid_date": f"{world.today}"}
        case 2:
            half = (invoice.amount / 2).quantize(Decimal("0.01"))
            row |= {"paid_amount": f"{half}", "paid_date": f"{world.today}"}
        case 3:
            row["disputed"] = "yes"
        case 4:
            row["amount"] = f"{invoice.amount + 7}"
        case 5:
            row["due_date"] = f"{invoice.due_date + timedelta(days=10)}"
    return row


def held(why: HeldFor) -> list[int]:
    """What is held for that."""
    return _ids(state=AttemptState.HELD, held_for=why)


def _ids(**wanted: object) -> list[int]:
    rows = ContactAttempt.objects.filter(**wanted).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def _one(ids: Iterable[int], how: int) -> int | None:
    known = list(ids)
    return known[how % len(known)] if known else None
