"""What time and money settle of promises, without anybody's doing (rule 8).

A promise is kept as soon as the money is there, and broken or part kept once its date and
the grace have passed. A tick compares only promises whose date has passed and those of
customers whose ledger moved since the last look.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from django.db import transaction
from django.db.models import F, Q, QuerySet

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company
from customers.services import lock_customer, touch
from dunning.facts import received_by_promise
from dunning.models import Promise, PromiseStatus
from dunning.outbox.calendars import customer_calendar
from dunning.outcomes.messages import ask_for_rest, drop_messages
from dunning.outcomes.notes import leave_event
from dunning.outcomes.record import keep_record
from dunning.outcomes.words import promise_words
from invoices.models import Invoice


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
    pending = promises_to_look_at(today, company.promise_grace_days)
    for customer_id, rows in groupby(pending, key=lambda row: row.customer_id):
        for status in _settle_customer(customer_id, list(rows), company, today):
            counts[status] += 1
    return Settled(
        kept=counts[PromiseStatus.KEPT],
        part_kept=counts[PromiseStatus.PART_KEPT],
        broken=counts[PromiseStatus.BROKEN],
    )


def promises_to_look_at(today: date, grace: int) -> QuerySet[Promise]:
    """Open promises past their date and at least so many days, or with news in the ledger."""
    late = Q(due_on__lt=today - timedelta(days=grace))
    moved = Q(looked_seq__lt=F("customer__ledger_seq"))
    rows = Promise.objects.filter(late | moved, status=PromiseStatus.OPEN, made_on__lte=today)
    return rows.select_related("customer").order_by("customer_id", "id")


def is_over(promise: Promise, today: date, calendar: Calendar, grace: int) -> bool:
    """Whether the promise's date and the grace in business days have passed."""
    return today > calendar.add(promise.due_on, grace)


def _settle_customer(
    customer_id: int, rows: list[Promise], company: Company, today: date
) -> Iterable[PromiseStatus]:
    """All open promises of a customer share its money, so they are looked at together."""
    others = Promise.objects.filter(customer_id=customer_id, status=PromiseStatus.OPEN)
    known = {row.pk: row for row in others.filter(made_on__lte=today)} | {r.pk: r for r in rows}
    received = received_by_promise(customer_id, list(known.values()), until=today)
    calendar = customer_calendar(rows[0].customer)
    seen = rows[0].customer.ledger_seq
    for promise in rows:
        over = is_over(promise, today, calendar, company.promise_grace_days)
        status = _verdict(promise, received[promise.pk], company.tolerance, over=over)
        if status == PromiseStatus.OPEN:
            came = received[promise.pk]
            Promise.objects.filter(pk=promise.pk).update(looked_seq=seen, kept_amount=came)
        elif _settle(promise, status, today):
            yield status


def _verdict(promise: Promise, paid: Decimal, tolerance: Decimal, *, over: bool) -> PromiseStatus:
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
    """Write the verdict, unless somebody was faster; what still waits about it goes."""
    with transaction.atomic():
        lock_customer(promise.customer_id)
        mine = Promise.objects.filter(pk=promise.pk, status=PromiseStatus.OPEN)
        kept = promise.kept_amount
        if not mine.update(status=status, settled_on=today, kept_amount=kept, nudge_on=None):
            return False
        promise.status = status
        said = promise_words(promise)
        drop_messages(said, promise_id=promise.pk)
        leave_event("promise.settled", promise, promise.customer_id, said, SYSTEM)
        if status == PromiseStatus.PART_KEPT:
            ask_for_rest(promise, now=clock.now(), today=today)
        keep_record(promise.customer_id)
        touch(promise.customer_id)
    return True
