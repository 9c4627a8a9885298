"""What must be true of a message in the model at its point of no return.

Read from the raw rows (allocations, disputes, promises, plans, holds), not through the policy,
so that the product is not asked whether it was right.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from arfollow.staff.models import Company
from customers.models import Contact
from customers.services import resolve
from dunning.dispatch.brakes import DRIFT
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    FrozenMessage,
    Hold,
    HoldReason,
    Inbound,
    PaymentPlan,
    Placement,
    Promise,
    SendSwitch,
)
from dunning.outbox.calendars import customer_calendar
from invoices.models import (
    Allocation,
    CreditNote,
    Dispute,
    Invoice,
    LedgerSource,
    Payment,
    WriteOff,
)
from tests.dunning.model_world import Departure, Key, World, zone_of

ZERO = Decimal("0.00")
ASKED = {
    "resend", "thanks", "manual", "call_back", "answer", "promise_confirmed", "plan_confirmed",
    "promise_nudge",
}  # fmt: skip
WITHOUT_LEDGER = {"test", "inbound", "morning"}
SOFT = {"courtesy", "friendly"}
LATER = timedelta(days=1)

# --- the ledger, counted again --------------------------------------------------------------


def owed(invoice: Invoice) -> Decimal:
    """Amount less what was really set against it."""
    paid = Allocation.objects.filter(invoice=invoice, reversed_on=None)
    lost = WriteOff.objects.filter(invoice=invoice, reversed_on=None)
    return invoice.amount - _sum(paid) - _sum(lost)


def contested(invoice: Invoice) -> Decimal:
    """What is in dispute of it."""
    rows = Dispute.objects.filter(invoice=invoice, status="open")
    return min(_sum(rows), owed(invoice))


def _sum(rows: QuerySet[Any]) -> Decimal:
    found = rows.aggregate(sum=Sum("amount"))["sum"]
    return Decimal(found or 0).quantize(ZERO)


def money_of_theirs(customer_id: int, currency: str) -> Decimal:
    """Cash and credit notes not set against anything."""
    cash = Payment.objects.filter(customer=customer_id, currency=currency, reversed_on=None)
    notes = CreditNote.objects.filter(customer=customer_id, currency=currency)
    used = Allocation.objects.filter(reversed_on=None)
    set_against = used.filter(Q(payment__in=cash) | Q(credit_note__in=notes))
    return _sum(cash) + _sum(notes) - _sum(set_against)


# --- the point of no return ------------------------------------------------------------------


def departure(world: World, attempt: ContactAttempt) -> Departure:
    """The message as it leaves; everything that is wrong with it goes to ``world.wrong``."""
    zone = zone_of(attempt.customer)
    local = (world.now + world.skew).astimezone(zone)
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
        taken=int(attempt.channel == Channel.LETTER),
    )
    name = f"attempt {attempt.pk} ({attempt.channel}, {attempt.kind}, {attempt.tone})"
    for fault in _faults(world, attempt, found, local):
        world.wrong.append(f"{name} left although {fault}")
    return found


def _keys(attempt: ContactAttempt) -> Iterator[Key]:
    for row in attempt.items.filter(completes=True):
        yield Key(row.invoice_id or 0, row.instalment_no, row.step_key, row.action_key,
                  row.repeat, row.cycle)  # fmt: skip


def _faults(
    world: World, attempt: ContactAttempt, leaving: Departure, local: datetime
) -> Iterator[str]:
    company = Company.load()
    yield from _braked(attempt, company)
    yield from _too_early(world, attempt)
    if attempt.kind in WITHOUT_LEDGER:
        return
    if attempt.customer.legal_stop:
        yield f"the law stops us: {attempt.customer.legal_stop}"
    if attempt.channel == Channel.EMAIL:
        yield from _unaddressed(attempt)
    if attempt.kind not in ASKED:
        yield from _stopped(attempt, company, local.date())
        yield from _untrue(attempt, local.date())
    if attempt.automatic and attempt.channel == Channel.EMAIL:
        yield from _too_much(world, attempt, leaving, company, local)


def _too_early(world: World, attempt: ContactAttempt) -> Iterator[str]:
    """By the true clock, whatever the machine's own says."""
    if attempt.channel == Channel.LETTER:
        return
    if abs(world.skew) > DRIFT:
        yield f"the worker's clock is {world.skew} off"
    if attempt.due_at is not None and attempt.due_at > world.now + DRIFT:
        yield f"its slot is {attempt.due_at}"


def _braked(attempt: ContactAttempt, company: Company) -> Iterator[str]:
    if company.paused:
        yield "sending is paused"
    targets = {("all", ""), ("customer", str(attempt.customer_id)), ("channel", attempt.channel)}
    if attempt.policy_version:
        targets.add(("policy", attempt.policy_version.policy.key))
    for row in SendSwitch.objects.filter(on=True):
        if row.scope == "all" or (row.scope, row.target) in targets:
            yield f"the switch {row.scope} {row.target} is off"


def _unaddressed(attempt: ContactAttempt) -> Iterator[str]:
    for address in FrozenMessage.objects.get(attempt=attempt).envelope["to"]:
        people = Contact.objects.filter(customer=attempt.customer, email__iexact=_bare(address))
        if not any(person.can_email for person in people):
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
    if Placement.objects.filter(
        customer=customer, status__in=["pending", "placed", "part"]
    ).exclude(attempt=attempt).exists():  # fmt: skip
        yield "an agency has the account"
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
    if any(_planned(invoice, today)):
        yield f"{invoice} is paid by a plan that is kept"
    if attempt.tone == "courtesy" and invoice.due_date < today:
        yield f"{invoice} is overdue and this is a courtesy"


def _planned(invoice: Invoice, today: date) -> Iterator[PaymentPlan]:
    """Plans over it of which no payment is missing."""
    for plan in PaymentPlan.objects.filter(status="active", invoices=invoice):
        parts = plan.instalments.all()
        if not any(part.due_on < today and part.paid_amount < part.amount for part in parts):
            yield plan


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
    calendar = customer_calendar(attempt.customer)
    if not company.send_every_day and not calendar.is_business_day(local.date()):
        yield f"{local.date()} is no business day of theirs"
    if not company.send_window_start <= local.hour < company.send_window_end:
        yield f"it is {local:%H:%M} for them"
    if not leaving.capped:
        return
    earlier = [d for d in world.departures if d.capped and d.taken]
    own = [d for d in earlier if resolve(d.customer) == attempt.customer_id]
    if any(d.day == leaving.day for d in own):
        yield "they had a message today"
    week = [d for d in own if leaving.day - 7 * LATER < d.day <= leaving.day]
    if len(week) >= company.weekly_cap:
        yield f"they had {len(week)} messages in a week"
    same = set(leaving.addresses)
    if any(d.day == leaving.day and same & set(d.addresses) for d in earlier):
        yield "the mailbox had a message today"
