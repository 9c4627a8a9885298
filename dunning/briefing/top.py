"""The ten customers with the most overdue, and their share of all that is overdue."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Min, Sum

from arfollow.shared.money import ZERO, round_half_up
from customers.models import Customer
from invoices.models import Instalment, Invoice

SHOWN = 10
CANDIDATES = 2 * SHOWN
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Large:
    """A customer with what is overdue, its share in percent, and the oldest in days late."""

    customer: Customer
    overdue: Decimal
    share: Decimal
    days: int


@dataclass(frozen=True, slots=True)
class Largest:
    """The ten, and what they are of everything overdue, in percent."""

    rows: list[Large] = field(default_factory=list)
    overdue: Decimal = ZERO
    share: Decimal = ZERO


def largest(currency: str, today: date, all_overdue: Decimal | None) -> Largest:
    """The ten largest of one currency; ``all_overdue`` is what they are set against."""
    if not all_overdue:
        return Largest()
    sums = _overdue(currency, today)
    people = Customer.objects.select_related("owner").in_bulk([pk for pk, _, _ in sums])
    rows = [
        Large(people[pk], amount, _share(amount, all_overdue), (today - oldest).days)
        for pk, amount, oldest in sums
    ]
    overdue = sum((row.overdue for row in rows), ZERO)
    return Largest(rows, overdue, _share(overdue, all_overdue))


def _overdue(currency: str, today: date) -> list[tuple[int, Decimal, date]]:
    """Customer, overdue amount, oldest due date; of late invoices only the late instalments."""
    late = Invoice.objects.filter(currency=currency, open_amount__gt=0, next_due_date__lt=today)
    sums = late.order_by().values_list("customer").annotate(
        sum=Sum("open_amount"), oldest=Min("next_due_date")
    )  # fmt: skip
    found = list(sums.order_by("-sum", "customer")[:CANDIDATES])
    later = Instalment.objects.filter(
        invoice__in=late.filter(customer__in=[pk for pk, _, _ in found]),
        open_amount__gt=0,
        due_date__gte=today,
    )
    parts = dict(later.order_by().values_list("invoice__customer").annotate(sum=Sum("open_amount")))
    exact = [(pk, amount - parts.get(pk, ZERO), oldest) for pk, amount, oldest in found]
    return sorted(exact, key=lambda row: (-row[1], row[0]))[:SHOWN]


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return round_half_up(part / whole * HUNDRED, 0)
