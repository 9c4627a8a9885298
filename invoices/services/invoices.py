"""New invoices and their original PDFs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from invoices.models import CatalogueItem, Instalment, Invoice, InvoiceLine
from invoices.services.base import (
    customer_of,
    known_currency,
    leave_event,
    ledger_change,
    locked_invoice,
    money,
    positive,
)
from invoices.services.derived import refresh_invoices

MAX_ORIGINAL_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to be invoiced; `amount` is the line's total as stated."""

    description: str
    amount: Decimal
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = None
    tax_amount: Decimal = Decimal(0)
    item: CatalogueItem | None = None


@dataclass(frozen=True, slots=True)
class NewInstalment:
    """A part of an invoice that falls due on its own day."""

    due_date: date
    amount: Decimal


def add_invoice(
    customer_id: int,
    number: str,
    *,
    actor: Actor,
    issue_date: date,
    due_date: date,
    currency: str,
    amount: Decimal,
    lines: Sequence[NewLine] = (),
    instalments: Sequence[NewInstalment] = (),
    source: str = "manual",
    external_id: str = "",
    **fields: Any,
) -> Invoice:
    """Book an invoice. Instalments must add up to its amount; the number is unique per source."""
    _check(issue_date, due_date, positive(amount), instalments)
    known_currency(currency)
    with ledger_change(customer_id) as customer:
        key = external_id or number
        if Invoice.objects.filter(source=source, external_id=key).exists():
            raise ServiceError(f"Invoice {number} is in the ledger already.")
        invoice = Invoice.objects.create(
            customer=customer,
            number=number,
            source=source,
            external_id=key,
            issue_date=issue_date,
            due_date=due_date,
            next_due_date=due_date,
            currency=currency,
            amount=amount,
            open_amount=amount,
            **fields,
        )
        _add_parts(invoice, lines, instalments)
        refresh_invoices([invoice.pk])
        invoice.refresh_from_db()
        summary = f"Invoice {number} over {money(currency, amount)}, due {due_date}"
        leave_event("invoice.added", invoice, customer_id, summary, actor)
    return invoice


def _check(
    issue_date: date, due_date: date, amount: Decimal, instalments: Sequence[NewInstalment]
) -> None:
    if due_date < issue_date:
        raise ServiceError("The due date lies before the issue date.")
    if instalments and sum(part.amount for part in instalments) != amount:
        raise ServiceError("The instalments do not add up to the invoice.")


def _add_parts(
    invoice: Invoice, lines: Sequence[NewLine], instalments: Sequence[NewInstalment]
) -> None:
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            position=position,
            item=line.item,
            description=line.description,
            quantity=line.quantity,
            unit_price=line.unit_price,
            tax_amount=line.tax_amount,
            amount=line.amount,
        )
        for position, line in enumerate(lines, start=1)
    )
    Instalment.objects.bulk_create(
        Instalment(
            invoice=invoice,
            number=number,
            due_date=part.due_date,
            amount=part.amount,
            open_amount=part.amount,
        )
        for number, part in enumerate(instalments, start=1)
    )


def attach_original(invoice_id: int, name: str, data: bytes, *, actor: Actor) -> Invoice:
    """Keep the invoice's own PDF; refused unless it is a PDF of at most 10 MB."""
    if len(data) > MAX_ORIGINAL_BYTES:
        raise ServiceError("The file is larger than 10 MB.")
    if not data.startswith(b"%PDF-"):
        raise ServiceError("The file is not a PDF.")
    customer_id = customer_of(invoice_id)
    with ledger_change(customer_id) as customer:
        invoice = locked_invoice(customer, invoice_id)
        digest = hashlib.sha256(data).hexdigest()
        before = invoice.original_sha256
        invoice.original.save(f"{digest[:16]}.pdf", ContentFile(data), save=False)
        invoice.original_sha256 = digest
        invoice.save(update_fields=["original", "original_sha256"])
        values = {"name": name, "before": before, "after": digest}
        summary = f"Original PDF of {invoice.number} attached"
        leave_event("invoice.original", invoice, customer_id, summary, actor, values)
    return invoice
