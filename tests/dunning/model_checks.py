"""What must be true in the model: at the point of no return, and after every step.

Read from the raw rows (allocations, disputes, promises, holds), not through the policy, so that
the product is not asked whether it was right.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Sum

from arfollow.shared import chains
from arfollow.shared.events import SYSTEM
from arfollow.staff.models import Company
from customers.models import Contact
from dunning.dispatch.audit import audit
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    FollowUp,
    FollowUpState,
    FrozenMessage,
    Hold,
    HoldReason,
    Inbound,
    Promise,
    SendSwitch,
    Task,
    TaskStatus,
)
from dunning.models.documents import Document
from dunning.outbox.calendars import customer_calendar, our_calendar
from invoices.models import (
    Allocation,
    CreditNote,
    Dispute,
    DisputeStatus,
    Invoice,
    LedgerSource,
    Payment,
    WriteOff,
)
from invoices.services import resolve_dispute
from invoices.services.check import breaches
from tests.dunning.model_world import Departure, Key, World, zone_of

ZERO = Decimal("0.00")
ASKED = {
    "resend", "thanks", "manual", "call_back", "answer", "promise_confirmed", "plan_confirmed",
    "promise_nudge",
}  # fmt: skip
WITHOUT_LEDGER = {"test", "inbound", "morning"}
SOFT = {"courtesy", "friendly"}
ENDED = {"sent", "failed", "cancelled", "skipped"}
NOBODY_SWEPT = "D2-forgotten"  # true while no sweeper ran; at rest nothing may be in flight
LATEST = timedelta(days=4)


# --- the ledger, counted again --------------------------------------------------------------


def owed(invoice: Invoice) -> Decimal:
    """Amount less what was really set against it."""
    paid = Allocation.objects.filter(invoice=invoice, reversed_on=None)
    lost = WriteOff.objects.filter(invoice=invoice)
    return invoice.amount - _sum(paid) - _sum(lost)


def contested(invoice: Invoice) -> Decimal:
    """What is in dispute of it."""
    rows = Dispute.objects.filter(invoice=invoice, status="open")
    return min(_sum(rows), owed(invoice))


def _sum(rows: object) -> Decimal:
    found = rows.aggregate(sum=Sum("amount"))["sum"]  # type: ignore[attr-defined]
    return Decimal(found or 0).quantize(ZERO)


def money_of_theirs(customer_id: int, currency: str) -> Decimal:
    """Cash and credit notes not set against anything."""
    left = ZERO
    cash = Payment.objects.filter(customer=customer_id, currency=currency, reversed_on=None)
    for row in [*cash, *CreditNote.objects.filter(customer=customer_id, currency=currency)]:
        left += row.amount - _sum(row.allocations.filter(reversed_on=None))
    return left


def reject(row: Dispute, *, on: date) -> None:
    """The dispute is rejected: everything is owed again."""
    resolve_dispute(
        row.pk, DisputeStatus.REJECTED, on=max(on, row.raised_on), resolution="no", actor=SYSTEM
    )


# --- the point of no return ------------------------------------------------------------------


def departure(world: World, attempt: ContactAttempt) -> Departure:
    """The message as it leaves; everything that is wrong with it goes to ``world.wrong``."""
    zone = zone_of(attempt.customer)
    local = (world.now + world.skew).astimezone(zone)
    frozen = FrozenMessage.objects.get(attempt=attempt)
    capped = attempt.automatic and attempt.customer_facing and not attempt.exempt
    found = Departure(
        attempt=attempt.pk,
        customer=attempt.customer_id,
        channel=attempt.channel,
        capped=capped and attempt.channel == Channel.EMAIL,
        day=local.date(),
        at=world.now,
        keys=frozenset(_keys(attempt)),
        addresses=tuple(sorted(row["address"] for row in attempt.recipients.values("address"))),
    )
    name = f"attempt {attempt.pk} ({attempt.channel}, {attempt.kind}, {attempt.tone})"
    for fault in _faults(world, attempt, found, local, frozen):
        world.wrong.append(f"{name} left although {fault}")
    return found


def _keys(attempt: ContactAttempt) -> Iterator[Key]:
    for row in attempt.items.filter(completes=True):
        yield Key(row.invoice_id or 0, row.instalment_no, row.step_key, row.action_key,
                  row.repeat, row.cycle)  # fmt: skip


def _faults(
    world: World,
    attempt: ContactAttempt,
    leaving: Departure,
    local: datetime,
    frozen: FrozenMessage,
) -> Iterator[str]:
    company = Company.load()
    yield from _braked(attempt, company)
    if attempt.kind in WITHOUT_LEDGER:
        return
    customer = attempt.customer
    if customer.legal_stop:
        yield f"the law stops us: {customer.legal_stop}"
    if attempt.channel == Channel.EMAIL:
        yield from _unaddressed(attempt, frozen)
    if attempt.kind not in ASKED:
        yield from _stopped(attempt, company, local.date())
        yield from _untrue(attempt, local.date())
    if attempt.automatic:
        yield from _too_much(world, attempt, leaving, company, local)


def _braked(attempt: ContactAttempt, company: Company) -> Iterator[str]:
    if company.paused:
        yield "sending is paused"
    targets = {("all", ""), ("customer", str(attempt.customer_id)), ("channel", attempt.channel)}
    if attempt.policy_version:
        targets.add(("policy", attempt.policy_version.policy.key))
    for row in SendSwitch.objects.filter(on=True):
        if row.scope == "all" or (row.scope, row.target) in targets:
            yield f"the switch {row.scope} {row.target} is off"


def _unaddressed(attempt: ContactAttempt, frozen: FrozenMessage) -> Iterator[str]:
    for address in frozen.envelope["to"]:
        people = Contact.objects.filter(customer=attempt.customer, email__iexact=_bare(address))
        if people and not any(person.can_email for person in people):
            yield f"{address} must not be written to"
    others = ContactAttempt.objects.filter(
        customer=attempt.customer, state=AttemptState.UNKNOWN, channel=Channel.EMAIL
    )
    if others.exclude(pk=attempt.pk).exists():
        yield "an earlier message is unknown"


def _bare(address: str) -> str:
    return address.rpartition("<")[2].rstrip(">")


def _stopped(attempt: ContactAttempt, company: Company, today: date) -> Iterator[str]:
    customer = attempt.customer
    if customer.direct_debit_until and customer.direct_debit_until >= today:
        yield "a direct debit is pending"
    if Inbound.objects.filter(customer=customer, read_at=None, auto_reply=False).exists():
        yield "a reply is unread"
    if customer.opted_out_soft and attempt.tone in SOFT and attempt.channel == Channel.EMAIL:
        yield "they want no soft reminders"
    if any(_on_hold(customer.pk, None, today)):
        yield "the customer is on hold"
    known = LedgerSource.objects.exclude(as_of=None).order_by("-as_of").first()
    if known is not None and known.as_of is not None:
        last = customer_calendar(customer).add(known.as_of, company.freshness_days)
        if today > last:
            yield f"payment data is of {known.as_of}"


def _on_hold(customer_id: int, invoice_id: int | None, today: date) -> Iterator[Hold]:
    rows = Hold.objects.filter(customer=customer_id, invoice=invoice_id)
    for row in rows.exclude(reason=HoldReason.QUIET).filter(starts_on__lte=today):
        if today <= row.ends_on and (row.released_on is None or today < row.released_on):
            yield row


def _untrue(attempt: ContactAttempt, today: date) -> Iterator[str]:
    rows = list(attempt.items.select_related("invoice"))
    for row in rows:
        if row.completes and row.invoice is not None:
            yield from _not_owed(row, row.invoice, attempt, today)
    if attempt.channel == Channel.EMAIL:
        yield from _wrong_sums(attempt, rows)


def _not_owed(
    row: AttemptItem, invoice: Invoice, attempt: ContactAttempt, today: date
) -> Iterator[str]:
    left = owed(invoice)
    if left <= Decimal("1.00"):
        yield f"{invoice} is paid"
    elif left - contested(invoice) <= 0:
        yield f"{invoice} is disputed"
    if any(_on_hold(attempt.customer_id, invoice.pk, today)):
        yield f"{invoice} is on hold"
    promised = Promise.objects.filter(status="open", due_on__gte=today, items__invoice=invoice)
    if promised.exists():
        yield f"{invoice} is promised"
    if attempt.tone == "courtesy" and invoice.due_date < today:
        yield f"{invoice} is overdue and this is a courtesy"


def _wrong_sums(attempt: ContactAttempt, rows: list[AttemptItem]) -> Iterator[str]:
    """The three parts of each invoice are what is owed of it; credits are their own money."""
    credits: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        if row.invoice_id is None:
            credits[row.currency] -= row.amount
    for code, used in credits.items():
        if used > money_of_theirs(attempt.customer_id, code):
            yield f"credits of {used} {code} are not theirs"
    yield from _wrong_parts(rows, covered=bool(credits))
    yield from _wrong_total(attempt, rows)


def _wrong_parts(rows: list[AttemptItem], *, covered: bool) -> Iterator[str]:
    parts: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        if row.invoice_id:
            parts[row.invoice_id] += row.amount
    for invoice in Invoice.objects.filter(pk__in=parts):
        if parts[invoice.pk] != owed(invoice) and not covered:
            yield f"{invoice} owes {owed(invoice)}, not {parts[invoice.pk]}"


def _wrong_total(attempt: ContactAttempt, rows: list[AttemptItem]) -> Iterator[str]:
    asked: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        if row.part == "please_pay":
            asked[row.currency] += row.amount
    for code, total in asked.items():
        if total <= 0:
            yield f"it asks for {total} {code}"
        elif f"{total:,.2f}" not in attempt.frozen.text:
            yield f"its text does not ask for {total} {code}"


def _too_much(
    world: World, attempt: ContactAttempt, leaving: Departure, company: Company, local: datetime
) -> Iterator[str]:
    internal = attempt.channel == Channel.INTERNAL
    if internal:
        return
    calendar = customer_calendar(attempt.customer)
    if not company.send_every_day and not calendar.is_business_day(local.date()):
        yield f"{local.date()} is no business day of theirs"
    if not company.send_window_start <= local.hour < company.send_window_end:
        yield f"it is {local:%H:%M} for them"
    if not leaving.capped:
        return
    earlier = [d for d in world.departures if d.capped and d.taken]
    own = [d for d in earlier if d.customer == attempt.customer_id]
    if any(d.day == leaving.day for d in own):
        yield "they had a message today"
    week = [d for d in own if leaving.day - timedelta(days=7) < d.day <= leaving.day]
    if len(week) >= company.weekly_cap:
        yield f"they had {len(week)} messages in a week"
    same = set(leaving.addresses)
    if any(d.day == leaving.day and same & set(d.addresses) for d in earlier):
        yield "the mailbox had a message today"


# --- after every step ---------------------------------------------------------------------------


def after_every_step(world: World) -> Iterator[str]:
    """Everything that does not hold at this moment."""
    yield from world.wrong
    yield from _taken_twice(world)
    yield from _lost(world)
    yield from _invisible()
    for breach in audit(world.now):
        if breach.code == NOBODY_SWEPT:
            continue
        yield f"audit {breach.code}: {breach.text} {breach.attempts}"


def at_rest(world: World) -> Iterator[str]:
    """What is too slow for every step: chains, the ledger, the bytes."""
    for fault in chains.verify().faults:
        yield f"chain {fault.chain} #{fault.seq}: {fault.text}"
    for breach in breaches():
        yield f"ledger: {breach}"
    if Document.objects.filter(data=b"").exists():
        yield "a document is empty"


def _taken_twice(world: World) -> Iterator[str]:
    for attempt, times in world.taken.items():
        if times > 1:
            yield f"message {attempt} was taken {times} times"
    live = set(ContactAttempt.objects.filter(live=True).values_list("pk", flat=True))
    said: Counter[Key] = Counter()
    for one in world.departures:
        if one.taken and one.attempt in live:
            said.update(key for key in one.keys)
    for key, times in said.items():
        if times > 1:
            yield f"{key} was said {times} times"


def _lost(world: World) -> Iterator[str]:
    """Every attempt has ended, or waits for a moment, or stands where a person sees it."""
    for row in ContactAttempt.objects.exclude(state__in=ENDED):
        name = f"attempt {row.pk} ({row.channel}, {row.state})"
        machine = row.channel in (Channel.EMAIL, Channel.INTERNAL)
        if row.state == AttemptState.PLANNED and machine and row.due_at is None:
            yield f"{name} waits for no moment"
        if row.state == AttemptState.HELD and not (row.held_for and row.reason_text):
            yield f"{name} is held for nothing"
        if row.state in (AttemptState.CLAIMED, AttemptState.SENDING) and row.lease_until is None:
            yield f"{name} has no lease"
        if row.state == AttemptState.UNKNOWN and not _task(row):
            yield f"{name} is on nobody's desk"
    ended = ContactAttempt.objects.filter(state__in=["failed", "cancelled", "skipped"])
    for row in ended.filter(reason_text=""):
        yield f"attempt {row.pk} ended as {row.state} without a word"


def _task(attempt: ContactAttempt) -> bool:
    return Task.objects.filter(attempt=attempt, status=TaskStatus.OPEN).exists()


def _invisible() -> Iterator[str]:
    """A follow-up that is not closed has a reason, and a day or a person who ends it."""
    rows = FollowUp.objects.exclude(state=FollowUpState.CLOSED)
    for row in rows.select_related("customer"):
        if not row.reason or not row.reason_text:
            yield f"follow-up of {row.invoice_id} has no reason"
        if row.next_on is None and not _somebody(row):
            yield f"follow-up of {row.invoice_id} ({row.reason}) waits for nobody"


def _somebody(row: FollowUp) -> bool:
    open_tasks = Task.objects.filter(customer=row.customer, status=TaskStatus.OPEN)
    held = ContactAttempt.objects.filter(customer=row.customer, state__in=["held", "unknown"])
    by_their_money = row.reason in ("paid", "tolerance", "disputed", "covered", "placed")
    return by_their_money or bool(row.customer.legal_stop) or open_tasks.exists() or held.exists()


def stuck(world: World) -> Iterator[str]:
    """Days after the last obstacle went: nothing waits past its slot, nothing is in flight."""
    for row in ContactAttempt.objects.filter(state__in=["planned", "claimed", "sending"]):
        late = row.due_at is not None and world.now - row.due_at > LATEST
        if row.channel in (Channel.EMAIL, Channel.INTERNAL) and (late or row.state != "planned"):
            yield f"attempt {row.pk} ({row.state}) is stuck since {row.due_at}"
    own = our_calendar(Company.load())
    for follow in FollowUp.objects.exclude(state=FollowUpState.CLOSED).exclude(next_on=None):
        if own.add(follow.next_on, 2) < world.today:  # type: ignore[arg-type]
            yield f"follow-up of {follow.invoice_id} was to be looked at on {follow.next_on}"
