"""The figures of a customer's page, from indexed aggregates."""

from datetime import date
from decimal import Decimal

from django.db.models import Count, DecimalField, Q, Sum, Value
from django.db.models.functions import Coalesce

from arfollow.shared.money import ZERO
from customers.models import Customer
from dunning.briefing import Totals
from invoices.models import CreditNote, Invoice, Payment


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


def _total(name: str, condition: Q | None = None) -> Coalesce:
    amount = DecimalField(max_digits=18, decimal_places=2)
    return Coalesce(Sum(name, filter=condition), Value(ZERO), output_field=amount)
