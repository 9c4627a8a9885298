"""What changed since our last business day: counts and amounts by currency."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum

from dunning.models import AttemptState, Channel, ContactAttempt, Promise, PromiseStatus
from invoices.models import Dispute, Invoice, Payment

ONE_DAY = timedelta(days=1)
BOOKED_WITHIN = timedelta(days=60)
NOT_KEPT = (PromiseStatus.BROKEN, PromiseStatus.PART_KEPT)
SENT = {Channel.EMAIL: "E-mails sent", Channel.LETTER: "Letters posted", Channel.CALL: "Calls made"}


@dataclass(slots=True)
class Change:
    """One kind of thing that happened; ``key`` tells pages where it can be looked at."""

    key: str
    label: str
    count: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)


def changes_since(since: date, today: date, *, zone: str) -> list[Change]:
    """What happened from the start of ``since`` on, in our time zone; also what did not."""
    midnight = datetime.combine(since, time(), ZoneInfo(zone))
    return [
        _newly_overdue(since, today),
        _paid(since, midnight),
        _change("promised", "Promises made", _promises(made_on__gte=since)),
        _change("broken", "Promises broken", _promises(status__in=NOT_KEPT, settled_on__gte=since)),
        _disputed(since),
        *_sent(midnight),
    ]


def _change(key: str, label: str, rows: Iterable[tuple[str, int, Decimal]]) -> Change:
    change = Change(key, label)
    for currency, count, amount in rows:
        change.count += count
        change.amounts[currency] = amount
    return change


def _newly_overdue(since: date, today: date) -> Change:
    """Overdue on the day after it was due, so those due from the day before ``since`` on."""
    due = Invoice.objects.filter(open_amount__gt=0, next_due_date__range=(
        since - ONE_DAY, today - ONE_DAY))  # fmt: skip
    sums = due.order_by().values_list("currency")
    return _change(
        "overdue", "Newly overdue", sums.annotate(count=Count("id"), sum=Sum("open_amount"))
    )


def _paid(since: date, midnight: datetime) -> Change:
    """Booked since then, whatever their value date (the last sixty days are searched)."""
    rows = Payment.objects.filter(
        received_on__gte=since - BOOKED_WITHIN, recorded_at__gte=midnight, reversed_on=None
    ).order_by()
    sums = rows.values_list("currency").annotate(count=Count("id"), sum=Sum("amount"))
    return _change("paid", "Payments booked", sums)


def _promises(**which: object) -> Iterable[tuple[str, int, Decimal]]:
    rows = Promise.objects.filter(**which).order_by().values_list("currency")
    return rows.annotate(count=Count("id"), sum=Sum("amount"))


def _disputed(since: date) -> Change:
    rows = Dispute.objects.filter(raised_on__gte=since).order_by().values_list("invoice__currency")
    sums = rows.annotate(count=Count("id"), sum=Sum("amount"))
    return _change("disputed", "Disputes opened", sums)


def _sent(midnight: datetime) -> list[Change]:
    """Contacts made with customers; what went to colleagues does not count."""
    rows = ContactAttempt.objects.filter(
        sent_at__gte=midnight, state=AttemptState.SENT, customer_facing=True, channel__in=SENT
    ).order_by()
    counts = dict(rows.values_list("channel").annotate(count=Count("id")))
    return [Change(f"sent-{name}", label, counts.get(name, 0)) for name, label in SENT.items()]
