"""What time and money settle without anybody's doing; a run does this before it decides.

A promise is kept as soon as the money is there, and broken or part kept once its date and
the grace have passed (rule 8). A payment that crossed one of our firmer messages drafts a
thank-you (rule 7).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum

from arfollow.shared.events import SYSTEM
from arfollow.shared.money import with_currency
from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company
from customers.services import lock_customer, primary_contact, touch
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Promise,
    PromiseStatus,
    Tone,
)
from dunning.outbox import adopt_if_new
from dunning.outbox.calendars import customer_calendar
from dunning.outcomes.items import ZERO, list_items, open_items
from dunning.outcomes.notes import leave_event
from dunning.outcomes.words import say_day
from invoices.models import Allocation, Invoice, Payment

CROSSED_DAYS = 3
FIRM_OR_LATER = (Tone.FIRM, Tone.DIRECT, Tone.URGENT, Tone.FINAL)


@dataclass(frozen=True, slots=True)
class Settled:
    """How many promises a settling ended, by how they ended."""

    kept: int = 0
    part_kept: int = 0
    broken: int = 0


def settle_promises(today: date) -> Settled:
    """Settle every open promise that money or time has decided; the rest stays open."""
    company = Company.load()
    counts = {status: 0 for status in PromiseStatus}
    pending = Promise.objects.filter(status=PromiseStatus.OPEN, made_on__lte=today)
    for promise in pending.select_related("customer").order_by("customer_id", "id"):
        calendar = customer_calendar(promise.customer)
        over = is_over(promise, today, calendar, company.promise_grace_days)
        status = _verdict(promise, company.tolerance, today=today, over=over)
        if status != PromiseStatus.OPEN and _settle(promise, status, today):
            counts[status] += 1
    return Settled(
        kept=counts[PromiseStatus.KEPT],
        part_kept=counts[PromiseStatus.PART_KEPT],
        broken=counts[PromiseStatus.BROKEN],
    )


def is_over(promise: Promise, today: date, calendar: Calendar, grace: int) -> bool:
    """Whether the promise's date and the grace in business days have passed."""
    return today > calendar.add(promise.due_on, grace)


def paid_towards(promise: Promise, *, until: date) -> Decimal:
    """What came in for the promised items since it was made, and lies unapplied."""
    invoices = list(promise.items.values_list("invoice_id", flat=True))
    allocated = Allocation.objects.filter(
        invoice__in=invoices,
        payment__isnull=False,
        reversed_on__isnull=True,
        effective_on__gte=promise.made_on,
        effective_on__lte=until,
    ).aggregate(sum=Sum("amount"))["sum"]
    unapplied = Payment.objects.filter(
        customer_id=promise.customer_id,
        currency=promise.currency,
        reversed_on__isnull=True,
        received_on__gte=promise.made_on,
        received_on__lte=until,
    ).aggregate(sum=Sum("unapplied_amount"))["sum"]
    return min((allocated or ZERO) + (unapplied or ZERO), promise.amount)


def _verdict(promise: Promise, tolerance: Decimal, *, today: date, over: bool) -> PromiseStatus:
    paid = paid_towards(promise, until=today)
    promise.kept_amount = paid
    if paid >= promise.amount - tolerance and paid > 0:
        return PromiseStatus.KEPT
    if _moot(promise):
        return PromiseStatus.CANCELLED
    if not over:
        return PromiseStatus.OPEN
    return PromiseStatus.PART_KEPT if paid > 0 else PromiseStatus.BROKEN


def _moot(promise: Promise) -> bool:
    """Credited or written off meanwhile: there is nothing left to keep."""
    ids = promise.items.values("invoice_id")
    return not Invoice.objects.filter(pk__in=ids, open_amount__gt=0).exists()


def _settle(promise: Promise, status: PromiseStatus, today: date) -> bool:
    """Write the verdict, unless somebody was faster."""
    with transaction.atomic():
        lock_customer(promise.customer_id)
        mine = Promise.objects.filter(pk=promise.pk, status=PromiseStatus.OPEN)
        kept = promise.kept_amount
        if not mine.update(status=status, settled_on=today, kept_amount=kept):
            return False
        said = f"Promise of {promise} {status.label.lower()}"
        if status == PromiseStatus.PART_KEPT:
            said += f": {with_currency(kept, promise.currency)} came in"
        leave_event("promise.settled", promise, promise.customer_id, said, SYSTEM)
        touch(promise.customer_id)
    return True


def draft_thanks(today: date) -> int:
    """Draft "thank you, our message crossed" for payments soon after a firmer notice.

    A draft is held until somebody approves it; one a payment, ever. Answers how many.
    """
    return sum(_draft(payment, notice, today) for payment, notice in _crossed(today))


def _crossed(today: date) -> Iterable[tuple[Payment, ContactAttempt]]:
    since = today - timedelta(days=CROSSED_DAYS)
    notices = ContactAttempt.objects.filter(
        channel=Channel.EMAIL,
        state=AttemptState.SENT,
        kind=AttemptKind.LADDER,
        tone__in=FIRM_OR_LATER,
        done_on__gte=since - timedelta(days=CROSSED_DAYS),
    )
    of_customer = notices.filter(customer=OuterRef("customer"))
    payments = Payment.objects.filter(
        Exists(of_customer), received_on__gte=since, reversed_on__isnull=True
    )
    for payment in payments.select_related("customer"):
        notice = _notice_before(payment, notices)
        if notice is not None:
            yield payment, notice


def _notice_before(payment: Payment, notices: QuerySet[ContactAttempt]) -> ContactAttempt | None:
    """The notice that named an invoice which this payment paid, at most three days before."""
    paid = payment.allocations.filter(reversed_on__isnull=True).values("invoice_id")
    named = AttemptItem.objects.filter(attempt=OuterRef("pk"), invoice_id__in=paid)
    recent = notices.filter(
        Exists(named),
        customer=payment.customer,
        done_on__gte=payment.received_on - timedelta(days=CROSSED_DAYS),
        done_on__lte=payment.received_on,
    )
    return recent.order_by("-done_on").first()


def _crossing(payment: Payment, notice: ContactAttempt) -> str:
    told = say_day(notice.done_on or notice.planned_on)
    return f"Paid on {say_day(payment.received_on)}, after our message of {told}."


def _draft(payment: Payment, notice: ContactAttempt, today: date) -> int:
    key = f"thanks:{payment.pk}"
    contact = primary_contact(payment.customer_id)
    if contact is None or not contact.can_email:
        return 0
    adopt_if_new()
    with transaction.atomic():
        lock_customer(payment.customer_id)
        if ContactAttempt.objects.filter(dedupe_key=key).exists():
            return 0
        attempt = ContactAttempt.objects.create(
            customer=payment.customer,
            channel=Channel.EMAIL,
            kind=AttemptKind.THANKS,
            tone=Tone.COURTESY,
            language=payment.customer.language,
            exempt=True,
            needs_approval=True,
            state=AttemptState.HELD,
            held_for=HeldFor.APPROVAL,
            reason="crossed",
            reason_text=_crossing(payment, notice),
            planned_on=today,
            local_date=today,
            dedupe_key=key,
            content={
                "payment_amount": str(payment.amount),
                "payment_currency": payment.currency,
                "payment_date": payment.received_on.isoformat(),
            },
        )
        AttemptRecipient.objects.create(
            attempt=attempt, contact=contact, name=contact.name, address=contact.email
        )
        list_items(attempt, open_items(payment.customer_id), today=today)
    return 1
