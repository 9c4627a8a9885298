"""The promise as a model (issue 4, item 9): whatever happens in whatever order, no reminder is
lost, none goes twice, none goes to somebody who paid, disputes, promised or asked us to stop.

Hypothesis invents the story: runs, senders that die at named points, payments in the middle of
them, webhooks out of order, clocks that jump. The short form runs with every test run; the long
form by ``MODEL_STEPS`` (steps to do, see docs/reliability.md).
"""

import logging
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from arfollow.shared.events import SYSTEM
from customers.models import Contact, Customer, EmailState, LegalStop
from customers.services import save_contact_state, set_legal_stop, touch, update_customer
from dunning import outbox, outcomes, runs
from dunning.delivery import events
from dunning.delivery.events import Report
from dunning.models import (
    AttemptState,
    ContactAttempt,
    HeldFor,
    Hold,
    HoldReason,
    Inbound,
    SendSwitch,
    SwitchScope,
)
from dunning.outbox import NextMove, Settlement, switches
from dunning.outcomes import HoldInput, PromiseInput
from dunning.policy import ItemKey
from invoices.models import Dispute, DisputeStatus, Invoice, LedgerSource, Payment
from invoices.services import reverse_payment
from tests import make
from tests.dunning import model_checks
from tests.dunning.model_world import ANSWERS, World, made_of

log = logging.getLogger(__name__)
STEPS = int(os.environ.get("MODEL_STEPS", "0"))
SHRINK = bool(os.environ.get("MODEL_SHRINK"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STARTS = [  # each in the hours before something happens to the calendar
    datetime(2026, 3, 2, 6, 0, tzinfo=UTC),  # an ordinary Monday
    datetime(2026, 3, 6, 5, 30, tzinfo=UTC),  # New York's clocks go forward on the 8th
    datetime(2026, 3, 27, 4, 0, tzinfo=UTC),  # Berlin's on the 29th
    datetime(2026, 10, 23, 3, 0, tzinfo=UTC),  # Berlin's go back on the 25th
    datetime(2028, 2, 27, 6, 0, tzinfo=UTC),  # 29 February, a Tuesday
    datetime(2026, 12, 22, 6, 0, tzinfo=UTC),  # Christmas and New Year
]
ZONES = ["America/New_York", "Europe/Berlin", "Pacific/Auckland"]
COUNTRIES = {"America/New_York": "US", "Europe/Berlin": "DE", "Pacific/Auckland": "NZ"}
POINTS = ["C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"]
BETWEEN = ["C2", "C3", "C4", "C6", "C8"]  # points at which another process may act
MAIL_EVENTS = ["queued", "deferred", "delivered", "bounced", "complained", "opened", "rejected"]
AMOUNTS = [Decimal("0.60"), Decimal("20.00"), Decimal("400.00"), Decimal("12500.00")]

chance = st.integers(min_value=0, max_value=10_000)


class Sending(RuleBasedStateMachine):
    """One installation, three customers, and everything that may happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.steps = 0

    @initialize(start=st.sampled_from(STARTS), zone=st.sampled_from(["UTC", *ZONES]),
                late=st.lists(st.integers(-6, 110), min_size=4, max_size=4),
                rests=st.sampled_from([False, False, False, True]))  # fmt: skip
    def move_in(self, start: datetime, zone: str, late: list[int], rests: bool) -> None:
        """Three customers on three policies and in three zones; two share a mailbox."""
        self.rests = rests
        self.world = World(start, zone)
        self.patches = made_of(self.world)
        self.patches.__enter__()
        self.world.look = lambda attempt: model_checks.departure(self.world, attempt)
        with self.world.at():
            self._people()
            for number, days in enumerate(late):
                self._invoice(number, days, AMOUNTS[2 + number % 2])

    def _people(self) -> None:
        self.customers: list[Customer] = []
        for number, zone in enumerate(ZONES):
            mail = "shared@example.test" if number else "ap@example.test"
            customer = make.customer(
                f"C-{number}", email=mail, time_zone=zone, country=COUNTRIES[zone]
            )
            runs.enrol(["p1", "p2", "p3"][number], customer=customer.number)
            self.customers.append(customer)

    def _invoice(self, number: int, late: int, amount: Decimal) -> None:
        due = self.world.today - late * DAY
        customer = self.customers[number % len(self.customers)]
        make.invoice(customer, amount, due, issued=min(due - 30 * DAY, self.world.today))

    def teardown(self) -> None:
        try:
            if hasattr(self, "patches") and self.rests:
                self._let_it_rest()
        finally:
            if hasattr(self, "patches"):
                self.patches.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)
            TOLD["steps"] += self.steps
            TOLD["stories"] += 1

    def _let_it_rest(self) -> None:
        """With every obstacle gone, everything comes to its end within days."""
        self._clear_the_way()
        for _ in range(4):
            self.world.now += DAY
            self._working_day()
        self.world.now += timedelta(minutes=1)
        self.world.tick()  # what moved since six o'clock
        before = ContactAttempt.objects.count()
        self._look_at_everybody()
        assert ContactAttempt.objects.count() == before, "a step was due that no run looked at"
        wrong = [*model_checks.after_every_step(self.world), *model_checks.stuck(self.world)]
        wrong += model_checks.at_rest(self.world)
        assert not wrong, wrong

    def _clear_the_way(self) -> None:
        with self.world.at():
            switches.resume(actor=self.world.boss)
            for pk in SendSwitch.objects.filter(on=True).values_list("pk", flat=True):
                switches.switch_on_again(pk, actor=self.world.boss)
            LedgerSource.objects.all().delete()
            Contact.objects.filter(do_not_email=True).update(do_not_email=False)
            for row in Inbound.objects.filter(read_at=None):
                outcomes.read_reply(row.pk, actor=self.world.boss, now=self.world.now)
        self._settle(Settlement.ARRIVED)
        for customer in self.customers:
            touch(customer.pk)

    def _working_day(self) -> None:
        """The planner at six; senders when it is ten in Berlin, New York and Auckland."""
        for hour in (6, 10, 15, 23):
            moment = datetime.combine(self.world.now.date(), datetime.min.time(), UTC)
            self.world.now = max(self.world.now, moment + hour * HOUR)
            if hour == 6:
                self.world.sweep()
                self.world.tick()
            if _due(self.world.now):
                self.world.send()

    # --- time -------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 2, 4, 7, 11]))
    def hours_pass(self, hours: int) -> None:
        self._forward(hours * HOUR)

    @rule(days=st.sampled_from([1, 2, 3, 5, 14]))
    def days_pass_without_a_beat(self, days: int) -> None:
        self._forward(days * DAY)

    @rule(days=st.sampled_from([1, 1, 3]))
    def ordinary_days(self, days: int) -> None:
        for _ in range(days):
            self._forward(DAY)
            self._working_day()

    @rule(back=st.sampled_from([HOUR, DAY]))
    def the_clock_jumps_back(self, back: timedelta) -> None:
        self.world.now -= back

    def _forward(self, by: timedelta) -> None:
        self.world.now += by

    # --- the machine ------------------------------------------------------------------------

    @rule(die_at=st.sampled_from(["", "", "", "C0", "C1"]))
    def run(self, die_at: str) -> None:
        self.world.die_at = die_at
        self.world.alive(self.world.tick)

    @rule()
    def run_twice(self) -> None:
        """Two beats, a minute apart and whatever moved: the second finds nothing to do."""
        self._look_at_everybody()
        before = ContactAttempt.objects.count()
        self._look_at_everybody()
        assert ContactAttempt.objects.count() == before

    def _look_at_everybody(self) -> None:
        self.world.now += timedelta(minutes=1)  # a new slot for the run
        for customer in self.customers:
            touch(customer.pk)
        self.world.alive(self.world.tick)

    @rule(
        answers=st.lists(st.sampled_from(list(ANSWERS)), max_size=3),
        die_at=st.sampled_from(["", "", *POINTS]),
        acts=st.dictionaries(st.sampled_from(BETWEEN), st.tuples(chance, chance), max_size=2),
    )
    def send(self, answers: list[str], die_at: str, acts: dict[str, tuple[int, int]]) -> None:
        """A sender at work, with a moody mail server, people acting meanwhile, and death."""
        world = self.world
        world.answers, world.die_at = list(answers), die_at
        world.acts = {name: self._act(which, how) for name, (which, how) in acts.items()}
        world.alive(world.send)

    @rule()
    def send_as_planned(self) -> None:
        self.world.alive(self.world.send)

    @rule()
    def send_at_the_slot(self) -> None:
        """To the next slot, and send."""
        due = ContactAttempt.objects.filter(state=AttemptState.PLANNED, due_at__gt=self.world.now)
        first = due.order_by("due_at").values_list("due_at", flat=True).first()
        if first is not None:
            self.world.now = first + timedelta(minutes=1)
        self.world.alive(self.world.send)

    @rule()
    def recover(self) -> None:
        """The leases of whoever died run out; the sweeper comes."""
        self.world.now += timedelta(minutes=4)
        self.world.alive(self.world.sweep)

    @rule()
    def sweep(self) -> None:
        self.world.alive(self.world.sweep)

    # --- people -----------------------------------------------------------------------------

    @rule(which=chance, how=chance)
    def somebody_acts(self, which: int, how: int) -> None:
        self._act(which, how)()

    def _act(self, which: int, how: int) -> Any:
        """One thing of many that people do; also used in the middle of a sender's work."""
        acts = [
            self._pay, self._pay, self._overpay, self._reverse, self._credit, self._dispute,
            self._settle_dispute, self._promise, self._hold, self._release, self._opt_out,
            self._do_not_mail, self._pause, self._switch, self._reply, self._read, self._law,
            self._bill, self._cancel, self._stale, self._quiet, self._debit,
        ]  # fmt: skip
        return lambda: acts[which % len(acts)](how)

    def _any_customer(self, how: int) -> Customer:
        return self.customers[how % len(self.customers)]

    def _any_invoice(self, how: int) -> Invoice | None:
        rows = Invoice.objects.filter(open_amount__gt=0).order_by("pk")
        return rows[how % len(rows)] if rows else None

    def _pay(self, how: int) -> None:
        invoice = self._any_invoice(how)
        if invoice is not None:
            part = invoice.open_amount if how % 3 else max(invoice.open_amount / 2, Decimal("0.01"))
            amount = part.quantize(Decimal("0.01"))
            self.world.decide(
                lambda: make.payment(invoice.customer, amount, self.world.today, invoice)
            )

    def _overpay(self, how: int) -> None:
        customer = self._any_customer(how)
        amount = [Decimal("5.00"), Decimal("450.00"), Decimal("30000.00")][how % 3]
        self.world.decide(lambda: make.payment(customer, amount, self.world.today))

    def _reverse(self, how: int) -> None:
        rows = Payment.objects.filter(reversed_on=None).order_by("pk")
        if rows:
            row = rows[how % len(rows)]
            on = max(self.world.today, row.received_on)
            self.world.decide(
                lambda: reverse_payment(row.pk, on=on, reason="bounced", actor=SYSTEM)
            )

    def _credit(self, how: int) -> None:
        invoice = self._any_invoice(how)
        if invoice is not None:
            amount = [Decimal("10.00"), invoice.open_amount][how % 2]
            to = invoice if how % 4 else None
            self.world.decide(
                lambda: make.credit_note(invoice.customer, amount, self.world.today, invoice=to)
            )

    def _dispute(self, how: int) -> None:
        invoice = self._any_invoice(how)
        if invoice is not None:
            part = None if how % 2 else (invoice.open_amount / 2).quantize(Decimal("0.01"))
            self.world.decide(lambda: make.dispute(invoice, part, on=self.world.today))

    def _settle_dispute(self, how: int) -> None:
        rows = Dispute.objects.filter(status=DisputeStatus.OPEN).order_by("pk")
        if rows:
            row = rows[how % len(rows)]
            self.world.decide(lambda: model_checks.reject(row, on=self.world.today))

    def _promise(self, how: int) -> None:
        invoice = self._any_invoice(how)
        if invoice is not None:
            due = self.world.today + [0, 3, 9, 30][how % 4] * DAY
            items = () if how % 3 else (ItemKey(invoice.pk),)
            self.world.decide(
                lambda: outcomes.add_promise(
                    invoice.customer_id,
                    PromiseInput(due, items=items),
                    actor=self.world.boss,
                    today=self.world.today,
                )
            )

    def _hold(self, how: int) -> None:
        invoice = self._any_invoice(how)
        if invoice is not None:
            until = self.world.today + [0, 2, 10][how % 3] * DAY
            items = () if how % 2 else (ItemKey(invoice.pk),)
            wanted = HoldInput(HoldReason.SAYS_PAID, until, items=items, ours=bool(how % 5))
            self.world.decide(
                lambda: outcomes.add_hold(
                    invoice.customer_id, wanted, actor=self.world.boss, today=self.world.today
                )
            )

    def _release(self, how: int) -> None:
        rows = Hold.objects.filter(released_on=None).order_by("pk")
        if rows:
            row = rows[how % len(rows)]
            self.world.decide(
                lambda: outcomes.release_hold(row.pk, on=self.world.today, actor=self.world.boss)
            )

    def _opt_out(self, how: int) -> None:
        customer = self._any_customer(how)
        customer.refresh_from_db()
        change = {"opted_out_soft": not customer.opted_out_soft}
        self.world.decide(lambda: update_customer(customer.pk, change, actor=self.world.boss))

    def _do_not_mail(self, how: int) -> None:
        contact = Contact.objects.filter(customer=self._any_customer(how)).first()
        if contact is not None:
            change: dict[str, Any] = (
                {"do_not_email": not contact.do_not_email}
                if how % 2
                else {"email_state": EmailState.UNVERIFIED}
            )
            self.world.decide(
                lambda: save_contact_state(contact, change, actor=self.world.boss, why="said so")
            )

    def _pause(self, how: int) -> None:
        if how % 3:
            self.world.decide(lambda: switches.resume(actor=self.world.boss))
        else:
            self.world.decide(lambda: switches.pause(actor=self.world.boss, reason="stop"))

    def _switch(self, how: int) -> None:
        rows = list(SendSwitch.objects.filter(on=True).values_list("pk", flat=True))
        if rows and how % 3:
            self.world.decide(lambda: switches.switch_on_again(rows[0], actor=self.world.boss))
            return
        scope, target = [
            (SwitchScope.ALL, ""),
            (SwitchScope.CUSTOMER, str(self._any_customer(how).pk)),
            (SwitchScope.CHANNEL, "email"),
            (SwitchScope.POLICY, ["p1", "p2", "p3"][how % 3]),
        ][how % 4]
        self.world.decide(
            lambda: switches.switch_off(scope, target, actor=self.world.boss, reason="stop")
        )

    def _reply(self, how: int) -> None:
        with self.world.at():
            customer = self._any_customer(how)
            Inbound.objects.create(
                customer=customer, received_at=self.world.now, auto_reply=not how % 4
            )
            touch(customer.pk)

    def _read(self, how: int) -> None:
        for row in Inbound.objects.filter(read_at=None):
            self.world.decide(
                lambda row=row: outcomes.read_reply(
                    row.pk, actor=self.world.boss, now=self.world.now
                )
            )

    def _law(self, how: int) -> None:
        kind = LegalStop.INSOLVENT if how % 4 == 0 else ""
        self.world.decide(
            lambda: set_legal_stop(
                self._any_customer(how).pk, kind, on=self.world.today, actor=SYSTEM, why="letter"
            )
        )

    def _bill(self, how: int) -> None:
        with self.world.at():
            self._invoice(how, [-10, -3, 0, 1, 30, 95][how % 6], AMOUNTS[how % len(AMOUNTS)])

    def _cancel(self, how: int) -> None:
        rows = ContactAttempt.objects.filter(state__in=["planned", "held", "claimed"])
        ids = list(rows.order_by("pk").values_list("pk", flat=True))
        if ids:
            pk = ids[how % len(ids)]
            self.world.decide(lambda: outbox.cancel(pk, actor=self.world.boss, reason="not now"))

    def _stale(self, how: int) -> None:
        """An import of some day; without a source nothing can be too old."""
        as_of: date = self.world.today - [0, 1, 4, 12][how % 4] * DAY
        LedgerSource.objects.update_or_create(name="bank", defaults={"as_of": as_of})

    def _quiet(self, how: int) -> None:
        customer = self._any_customer(how)
        wanted = HoldInput(HoldReason.QUIET, self.world.today + [1, 4][how % 2] * DAY)
        self.world.decide(
            lambda: outcomes.add_hold(
                customer.pk, wanted, actor=self.world.boss, today=self.world.today
            )
        )

    def _debit(self, how: int) -> None:
        change = {"direct_debit_until": self.world.today + 3 * DAY if how % 3 == 0 else None}
        self.world.decide(
            lambda: update_customer(self._any_customer(how).pk, change, actor=self.world.boss)
        )

    # --- approvers, settlers, providers -----------------------------------------------------

    @rule(yes=st.booleans())
    @precondition(lambda self: _held(HeldFor.APPROVAL))
    def approve_or_decline(self, yes: bool) -> None:
        for pk in _held(HeldFor.APPROVAL):
            if yes:
                self.world.decide(
                    lambda pk=pk: outbox.approve(pk, actor=self.world.boss, now=self.world.now)
                )
            else:
                self.world.decide(
                    lambda pk=pk: outbox.decline(
                        pk,
                        actor=self.world.boss,
                        reason="not yet",
                        next_move=NextMove.AGAIN,
                        again_on=self.world.today + 4 * DAY,
                        today=self.world.today,
                    )
                )

    @rule()
    @precondition(lambda self: _held(HeldFor.PAUSE) or _held(HeldFor.STALE))
    def release_what_is_held(self) -> None:
        for pk in [*_held(HeldFor.PAUSE), *_held(HeldFor.STALE)]:
            self.world.decide(
                lambda pk=pk: outbox.release_held(pk, actor=self.world.boss, now=self.world.now)
            )

    @rule(how=st.sampled_from(list(Settlement)))
    @precondition(lambda self: ContactAttempt.objects.filter(state="unknown").exists())
    def settle_unknown(self, how: Settlement) -> None:
        self._settle(how)

    def _settle(self, how: Settlement) -> None:
        for row in ContactAttempt.objects.filter(state=AttemptState.UNKNOWN):
            self.world.decide(
                lambda row=row: outbox.settle_unknown(
                    row.pk, how, actor=self.world.boss, now=self.world.now
                )
            )

    @rule(
        which=chance,
        kinds=st.lists(st.sampled_from(MAIL_EVENTS), min_size=1, max_size=3),
        again=st.booleans(),
    )
    def webhook(self, which: int, kinds: list[str], again: bool) -> None:
        """What the provider reports of something it took, in any order, perhaps twice."""
        ids = [d.attempt for d in self.world.departures if d.taken]
        if not ids:
            return
        attempt = ContactAttempt.objects.get(pk=ids[which % len(ids)])
        for kind in kinds * (2 if again else 1):
            with self.world.at():
                stored = events.store(_report(attempt, kind), now=self.world.now)
                if stored is not None:
                    events.apply(stored, now=self.world.now)

    # --- what must be true ---------------------------------------------------------------------

    @invariant()
    def the_promise_holds(self) -> None:
        if not hasattr(self, "patches"):
            return
        self.steps += 1
        wrong = list(model_checks.after_every_step(self.world))
        assert not wrong, "\n".join(wrong)


TOLD = {"steps": 0, "stories": 0}


def _held(why: HeldFor) -> list[int]:
    rows = ContactAttempt.objects.filter(state=AttemptState.HELD, held_for=why)
    return list(rows.values_list("pk", flat=True))


def _due(now: datetime) -> bool:
    rows = ContactAttempt.objects.filter(state=AttemptState.PLANNED, due_at__lte=now)
    return rows.exists()


def _report(attempt: ContactAttempt, kind: str) -> Report:
    return Report(
        provider="sink",
        event_type=kind,
        event_id=f"{kind}-{attempt.uuid}",
        message_id=attempt.message_id,
        recipient=attempt.recipients.values_list("address", flat=True).first() or "",
        attempt=str(attempt.uuid),
        reject_reason="bounced" if kind == "bounced" else "",
    )


def tell_stories(stories: int, steps: int) -> None:
    """So many stories of so many steps each."""
    run_state_machine_as_test(
        Sending,
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not STEPS,  # the short form tells the same stories until code changes
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
            report_multiple_bugs=False,
            print_blob=False,
        ),
    )


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.timeout(0 if STEPS else 300)
@pytest.mark.django_db
def test_the_promise_holds_in_every_invented_story() -> None:
    TOLD.update(steps=0, stories=0)
    while TOLD["steps"] < max(STEPS, 1):
        tell_stories(10, 40)
        log.warning("the model: %(steps)d steps in %(stories)d stories", TOLD)
    assert TOLD["stories"] >= 10
