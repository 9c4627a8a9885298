"""The figures of the dashboard and of a customer's page, each from indexed aggregates."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, DecimalField, Q, Sum, Value
from django.db.models.functions import Coalesce

from arfollow.shared.money import ZERO
from customers.models import Customer
from dunning.models import Promise, PromiseStatus
from invoices.aging import NOT_DUE, OLDEST, Ageing
from invoices.models import CreditNote, Invoice, Payment
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


def customer_totals(customer: Customer, today: date) -> list[Totals]:
    """What one customer owes in each currency, the largest overdue amount first."""
    rows = Invoice.objects.filter(customer=customer, open_amount__gt=0).order_by()
    spare = _unapplied(customer)
    found = rows.values("currency").annotate(
        open=_total("open_amount"),
        overdue=_total("open_amount", Q(next_due_date__lt=today)),
        disputed=_total("disputed_amount"),
        open_invoices=Count("id"),
    )
    totals = [Totals(**row, unapplied=spare.pop(row["currency"], ZERO)) for row in found]
    totals += [Totals(code, ZERO, ZERO, ZERO, amount, 0) for code, amount in spare.items()]
    return sorted(totals, key=lambda total: -total.overdue)


def _unapplied(customer: Customer) -> dict[str, Decimal]:
    """The customer's cash and credit notes that are not set against any invoice."""
    found: dict[str, Decimal] = {}
    for rows in (Payment.objects.order_by(), CreditNote.objects.order_by()):
        spare = rows.filter(customer=customer, unapplied_amount__gt=0).values_list("currency")
        for currency, amount in spare.annotate(sum=Sum("unapplied_amount")):
            found[currency] = found.get(currency, ZERO) + amount
    return found


def promised_this_week(today: date) -> tuple[int, dict[str, Decimal]]:
    """How many open promises fall due until Sunday, and their amounts in each currency."""
    sunday = today + timedelta(days=6 - today.weekday())
    rows = Promise.objects.filter(status=PromiseStatus.OPEN, due_on__range=(today, sunday))
    found = list(rows.values_list("currency").annotate(sum=Sum("amount"), count=Count("id")))
    return sum(count for _, _, count in found), {code: amount for code, amount, _ in found}


def _total(name: str, condition: Q | None = None) -> Coalesce:
    amount = DecimalField(max_digits=18, decimal_places=2)
    return Coalesce(Sum(name, filter=condition), Value(ZERO), output_field=amount)
