"""Disputes: the contested part leaves the ladder, the rest is still chased."""

from datetime import date
from decimal import Decimal

from django.db.models import Sum

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.shared.money import ZERO
from arfollow.staff.models import User
from invoices.models import Dispute, DisputeReason, DisputeStatus, Invoice
from invoices.services.base import (
    customer_of,
    leave_event,
    ledger_change,
    locked_invoice,
    money,
    positive,
)
from invoices.services.derived import refresh_invoices


def open_dispute(
    invoice_id: int,
    amount: Decimal | None,
    *,
    reason: str,
    raised_on: date,
    actor: Actor,
    raised_by: str = "",
    owner: User | None = None,
    target_date: date | None = None,
    note: str = "",
) -> Dispute:
    """Record that an amount is contested; None contests all that is open and not yet so."""
    customer_id = customer_of(invoice_id)
    with ledger_change(customer_id) as customer:
        invoice = locked_invoice(customer, invoice_id)
        free = invoice.open_amount - _contested(invoice)
        amount = free if amount is None else positive(amount)
        if amount <= 0 or amount > free:
            left = money(invoice.currency, max(free, ZERO))
            raise ServiceError(f"Only {left} of invoice {invoice.number} can still be disputed.")
        row = Dispute.objects.create(
            invoice=invoice,
            amount=amount,
            reason=DisputeReason(reason),
            raised_by=raised_by,
            raised_on=raised_on,
            owner=owner,
            target_date=target_date,
            note=note,
        )
        refresh_invoices([invoice_id])
        label = row.get_reason_display()
        summary = f"Dispute on {invoice.number}: {money(invoice.currency, amount)}, {label}"
        leave_event("dispute.opened", row, customer_id, summary, actor)
    return row


def _contested(invoice: Invoice) -> Decimal:
    contested = invoice.disputes.filter(status=DisputeStatus.OPEN).aggregate(sum=Sum("amount"))
    return contested["sum"] or ZERO


def resolve_dispute(
    dispute_id: int, status: str, *, on: date, resolution: str, actor: Actor
) -> Dispute:
    """End a dispute: accepted, rejected or credited. The days it ran never escalate (rule 1)."""
    row = Dispute.objects.select_related("invoice").get(pk=dispute_id)
    customer_id = row.invoice.customer_id
    with ledger_change(customer_id):
        row.refresh_from_db()
        if row.status != DisputeStatus.OPEN:
            raise ServiceError("This dispute was resolved already.")
        if status == DisputeStatus.OPEN or on < row.raised_on:
            raise ServiceError("A dispute ends on or after the day it was raised.")
        row.status, row.resolved_on, row.resolution = DisputeStatus(status), on, resolution
        row.save(update_fields=["status", "resolved_on", "resolution"])
        refresh_invoices([row.invoice_id])
        label = row.get_status_display().lower()
        summary = f"Dispute on {row.invoice.number} {label}: {resolution}"
        leave_event("dispute.resolved", row, customer_id, summary, actor)
    return row
