"""The figures of the dashboard and of a customer's page, each from one indexed aggregate."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from arfollow.shared.money import ZERO
from customers.models import Customer
from dunning.models import Promise, PromiseStatus
from invoices.models import CreditNote, Invoice, Payment

BUCKETS = (
    ("Not due", None, 0),
    ("1–30", 1, 30),
    ("31–60", 31, 60),
    ("61–90", 61, 90),
    ("91–120", 91, 120),
    ("120+", 121, None),
)


@dataclass(slots=True)
class Totals:
    """The open ledger of one currency; ``buckets`` in the order of ``BUCKETS``."""

    currency: str
    open: Decimal = ZERO
    overdue: Decimal = ZERO
    disputed: Decimal = ZERO
    open_invoices: int = 0
    overdue_invoices: int = 0
    overdue_customers: int = 0
    unapplied: Decimal = ZERO
    buckets: list[tuple[str, Decimal]] = field(default_factory=list)

    @property
    def over_90(self) -> Decimal:
        """Open more than 90 days after the due date."""
        return sum((amount for _, amount in self.buckets[4:]), ZERO)


def ledger_totals(today: date, customer: Customer | None = None) -> list[Totals]:
    """The open ledger in each currency, largest overdue amount first."""
    rows = Invoice.objects.filter(open_amount__gt=0)
    rows = rows.filter(customer=customer) if customer else rows
    late = Q(next_due_date__lt=today)
    found = (
        rows.order_by()
        .values("currency")
        .annotate(
            open=_sum(),
            overdue=_sum(late),
            disputed=_total("disputed_amount"),
            open_invoices=Count("id"),
            overdue_invoices=Count("id", filter=late),
            overdue_customers=Count("customer", filter=late, distinct=True),
            **{f"bucket{n}": _sum(_aged(today, *ages)) for n, (_, *ages) in enumerate(BUCKETS)},
        )
    )
    spare = _unapplied(customer)
    totals = [_totals(row, spare) for row in found]
    return sorted(totals, key=lambda total: -total.overdue)


def _totals(row: dict[str, Any], spare: dict[str, Decimal]) -> Totals:
    amounts = [(label, row.pop(f"bucket{n}")) for n, (label, _, _) in enumerate(BUCKETS)]
    return Totals(**row, unapplied=spare.get(row["currency"], ZERO), buckets=amounts)


def _aged(today: date, first: int | None, last: int | None) -> Q:
    """Items that many days past due; no ``first`` is everything not late yet."""
    condition = Q()
    if first is not None:
        condition &= Q(next_due_date__lte=today - timedelta(days=first))
    if last is not None:
        condition &= Q(next_due_date__gte=today - timedelta(days=last))
    return condition


def _sum(condition: Q | None = None) -> Coalesce:
    return _total("open_amount", condition)


def _total(name: str, condition: Q | None = None) -> Coalesce:
    amount = DecimalField(max_digits=18, decimal_places=2)
    return Coalesce(Sum(name, filter=condition), Value(ZERO), output_field=amount)


def _unapplied(customer: Customer | None) -> dict[str, Decimal]:
    """Cash and credit notes not set against any invoice, in each currency."""
    found: dict[str, Decimal] = {}
    sources: tuple[QuerySet[Any, Any], ...] = (Payment.objects.all(), CreditNote.objects.all())
    for rows in sources:
        spare = rows.filter(unapplied_amount__gt=0)
        spare = spare.filter(customer=customer) if customer else spare
        for row in spare.values("currency").annotate(amount=_total("unapplied_amount")):
            found[row["currency"]] = found.get(row["currency"], ZERO) + row["amount"]
    return found


def promised_this_week(today: date) -> tuple[int, dict[str, Decimal]]:
    """How many open promises fall due until Sunday, and their amounts in each currency."""
    sunday = today + timedelta(days=6 - today.weekday())
    open_ones = Promise.objects.filter(status=PromiseStatus.OPEN, due_on__range=(today, sunday))
    rows = open_ones.values("currency").annotate(
        total=Coalesce(
            Sum("amount"),
            Value(ZERO),
            output_field=DecimalField(max_digits=18, decimal_places=2),
        ),
        count=Count("id"),
    )
    return sum(row["count"] for row in rows), {row["currency"]: row["total"] for row in rows}
