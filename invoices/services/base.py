"""What every writer of the ledger does around its change."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Model

from arfollow.shared import events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from arfollow.shared.money import AmountError, CurrencyError, check_currency, round_half_up
from customers.models import Customer
from customers.services import lock_customer, touch
from invoices.models import Invoice


@contextmanager
def ledger_change(customer_id: int) -> Iterator[Customer]:
    """A transaction under the customer's lock; raises `ledger_seq` at its end."""
    with transaction.atomic():
        yield lock_customer(customer_id)
        touch(customer_id)


def positive(amount: Decimal, what: str = "The amount") -> Decimal:
    """The amount, where it is positive and has at most two decimals; else ServiceError."""
    try:
        exact = round_half_up(amount)
    except (AmountError, ArithmeticError) as error:
        raise ServiceError(f"{what} is not an amount.") from error
    if exact != amount or exact <= 0:
        raise ServiceError(f"{what} must be positive, with at most two decimals.")
    return exact


def known_currency(code: str) -> str:
    """The ISO code, where the ledger can hold its amounts; else ServiceError."""
    try:
        return check_currency(code)
    except CurrencyError as error:
        raise ServiceError(str(error)) from error


def locked_invoice(customer: Customer, invoice_id: int) -> Invoice:
    """The invoice, read under its customer's lock; refused where it is another's."""
    invoice = Invoice.objects.filter(pk=invoice_id, customer=customer).first()
    if invoice is None:
        raise ServiceError("This invoice belongs to another customer.")
    return invoice


def customer_of(invoice_id: int) -> int:
    """Id of the customer who owes an invoice."""
    return Invoice.objects.values_list("customer_id", flat=True).get(pk=invoice_id)


def money(currency: str, amount: Decimal) -> str:
    """An amount as events say it, for example "USD 1,234.50"."""
    return f"{currency} {amount:,.2f}"


def leave_event(
    verb: str,
    row: Model,
    customer_id: int,
    summary: str,
    actor: Actor,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Leave an event about a ledger row on its customer's timeline."""
    entry = Entry(
        verb=verb,
        object_type=row._meta.model_name or "",
        object_id=row.pk,
        summary=summary,
        customer_id=customer_id,
        values=values or {},
    )
    events.record(entry, actor=actor)


def numbers(invoices: Iterable[Invoice]) -> str:
    """Invoice numbers as a phrase."""
    return ", ".join(invoice.number for invoice in invoices)
