"""What is open in each currency, and what is promised: tied to ``manage.py aging``."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Sum

from arfollow.shared.money import ZERO
from dunning.models import Promise, PromiseStatus
from invoices.aging import NOT_DUE, OLDEST, Ageing
from invoices.models import Invoice
from invoices.queries import current_ageing

LABELS = {NOT_DUE: "Not due"}
OVER_90 = ("91-120", OLDEST)


@dataclass(frozen=True, slots=True)
class Totals:
    """The open ledger of one currency, of everybody or of one customer."""

    currency: str
    open: Decimal
    overdue: Decimal
    disputed: Decimal
    unapplied: Decimal
    open_invoices: int
    overdue_customers: int = 0
    over_90: Decimal = ZERO
    buckets: tuple[tuple[str, Decimal], ...] = ()


def ledger_totals(today: date) -> list[Totals]:
    """The open ledger in each currency, the largest overdue amount first."""
    disputed = _disputed()
    found = [
        _totals(currency, ageing, disputed.get(currency, ZERO))
        for currency, ageing in current_ageing(today).items()
        if ageing.open_invoices
    ]
    return sorted(found, key=lambda totals: -totals.overdue)


def _totals(currency: str, ageing: Ageing, disputed: Decimal) -> Totals:
    return Totals(
        currency=currency,
        open=ageing.open,
        overdue=ageing.overdue,
        disputed=disputed,
        unapplied=ageing.credits + ageing.unapplied,
        open_invoices=ageing.open_invoices,
        overdue_customers=ageing.overdue_customers,
        over_90=sum((ageing.buckets[name].amount for name in OVER_90), ZERO),
        buckets=tuple(
            (LABELS.get(name, name.replace("-", "–")), bucket.amount)
            for name, bucket in ageing.buckets.items()
        ),
    )


def _disputed() -> dict[str, Decimal]:
    rows = Invoice.objects.filter(open_amount__gt=0, disputed_amount__gt=0).order_by()
    return dict(rows.values_list("currency").annotate(sum=Sum("disputed_amount")))


def promised_this_week(today: date) -> dict[str, tuple[int, Decimal]]:
    """Open promises that fall due from today to Sunday: how many, and how much, by currency."""
    sunday = today + timedelta(days=6 - today.weekday())
    rows = Promise.objects.filter(status=PromiseStatus.OPEN, due_on__range=(today, sunday))
    found = rows.order_by().values_list("currency").annotate(count=Count("id"), sum=Sum("amount"))
    return {currency: (count, amount) for currency, count, amount in found}
