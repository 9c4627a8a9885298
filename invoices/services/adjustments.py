"""Amounts given up, and amounts added: write-offs, interest and fees."""

from datetime import date
from decimal import Decimal

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from invoices.models import Charge, WriteOff
from invoices.services.base import (
    customer_of,
    leave_event,
    ledger_change,
    locked_invoice,
    money,
    positive,
)
from invoices.services.derived import refresh_invoices


def write_off(invoice_id: int, amount: Decimal, *, on: date, reason: str, actor: Actor) -> WriteOff:
    """Give up part of an invoice, with a reason (R18)."""
    customer_id = customer_of(invoice_id)
    with ledger_change(customer_id) as customer:
        invoice = locked_invoice(customer, invoice_id)
        if positive(amount) > invoice.open_amount:
            raise ServiceError("More is written off than is open.")
        if not reason.strip():
            raise ServiceError("A write-off needs a reason.")
        row = WriteOff.objects.create(
            invoice=invoice, amount=amount, written_off_on=on, reason=reason
        )
        refresh_invoices([invoice_id])
        summary = f"Wrote off {money(invoice.currency, amount)} of {invoice.number}: {reason}"
        leave_event("invoice.written_off", row, customer_id, summary, actor)
    return row


def add_charge(
    invoice_id: int, kind: str, amount: Decimal, *, on: date, basis: str, actor: Actor
) -> Charge:
    """Charge interest or a fee; a kind is charged once per invoice and day (L11)."""
    customer_id = customer_of(invoice_id)
    with ledger_change(customer_id) as customer:
        invoice = locked_invoice(customer, invoice_id)
        if invoice.charges.filter(kind=kind, charged_on=on, waived_on=None).exists():
            raise ServiceError("This was charged already.")
        row = Charge.objects.create(
            invoice=invoice,
            kind=Charge.Kind(kind),
            charged_on=on,
            amount=positive(amount),
            open_amount=amount,
            basis=basis,
        )
        summary = f"Charged {money(invoice.currency, amount)} on {invoice.number}: {basis}"
        leave_event("charge.added", row, customer_id, summary, actor)
    return row


def waive_charge(charge_id: int, *, on: date, actor: Actor) -> Charge:
    """Give up what is left of a charge."""
    row = Charge.objects.select_related("invoice").get(pk=charge_id)
    customer_id = row.invoice.customer_id
    with ledger_change(customer_id):
        row.refresh_from_db()
        if row.waived_on or row.open_amount == 0:
            raise ServiceError("Nothing of this charge is open.")
        waived = row.open_amount
        row.waived_on, row.open_amount = on, Decimal(0)
        row.save(update_fields=["waived_on", "open_amount"])
        summary = f"Waived {money(row.invoice.currency, waived)} of {row.kind}"
        leave_event("charge.waived", row, customer_id, summary, actor)
    return row
