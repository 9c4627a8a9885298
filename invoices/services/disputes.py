"""Disputes: the contested part leaves the ladder, the rest is still chased."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.shared.money import ZERO
from arfollow.staff.models import User
from invoices.models import CreditNote, Dispute, DisputeReason, DisputeStatus, Invoice
from invoices.services.base import (
    customer_of,
    leave_event,
    ledger_change,
    locked_invoice,
    money,
    positive,
)
from invoices.services.cash import add_credit_note
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


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit note that ends a dispute; one with this number that exists is taken as it is."""

    number: str
    amount: Decimal


def resolve_dispute(
    dispute_id: int,
    status: str,
    *,
    on: date,
    resolution: str,
    actor: Actor,
    credit: Credit | None = None,
) -> Dispute:
    """End a dispute: accepted, rejected or credited. The days it ran never escalate (rule 1).

    ``credit`` makes the credit note of a credited one and sets it against the invoice.
    """
    row = Dispute.objects.select_related("invoice").get(pk=dispute_id)
    customer_id = row.invoice.customer_id
    with ledger_change(customer_id):
        row.refresh_from_db()
        if row.status != DisputeStatus.OPEN:
            raise ServiceError("This dispute was resolved already.")
        if status == DisputeStatus.OPEN or on < row.raised_on:
            raise ServiceError("A dispute ends on or after the day it was raised.")
        row.status, row.resolved_on, row.resolution = DisputeStatus(status), on, resolution
        row.credit_note = _credited(row, credit, on, actor) if credit else None
        row.save(update_fields=["status", "resolved_on", "resolution", "credit_note"])
        refresh_invoices([row.invoice_id])
        label = row.get_status_display().lower()
        noted = f" (credit note {row.credit_note.number})" if row.credit_note else ""
        summary = f"Dispute on {row.invoice.number} {label}{noted}: {resolution}"
        leave_event("dispute.resolved", row, customer_id, summary, actor)
    return row


def _credited(row: Dispute, credit: Credit, on: date, actor: Actor) -> CreditNote:
    """The credit note of a dispute that ended as credited; made unless it is there already."""
    invoice = row.invoice
    if row.status != DisputeStatus.CREDITED:
        raise ServiceError("A credit note belongs to a dispute that ends as credited.")
    if credit.amount > row.amount:
        most = money(invoice.currency, row.amount)
        raise ServiceError(f"The credit is at most what was disputed: {most}.")
    known = CreditNote.objects.filter(
        customer_id=invoice.customer_id, number=credit.number, currency=invoice.currency
    ).first()
    return known or add_credit_note(
        invoice.customer_id,
        credit.number,
        actor=actor,
        issue_date=on,
        currency=invoice.currency,
        amount=credit.amount,
        invoice_id=invoice.pk,
        reason=f"Dispute: {row.get_reason_display().lower()}",
    )


def assign_dispute(
    dispute_id: int,
    *,
    owner: User | None,
    target_date: date | None,
    actor: Actor,
    note: str = "",
) -> Dispute:
    """Another owner or target date for an open dispute; what was said is added to its note."""
    row = Dispute.objects.select_related("invoice", "owner").get(pk=dispute_id)
    customer_id = row.invoice.customer_id
    with ledger_change(customer_id):
        row.refresh_from_db()
        if row.status != DisputeStatus.OPEN:
            raise ServiceError("This dispute was resolved already.")
        if target_date is not None and target_date < row.raised_on:
            raise ServiceError("The target date lies on or after the day it was raised.")
        before = {"owner": str(row.owner or ""), "target_date": str(row.target_date or "")}
        row.owner, row.target_date = owner, target_date
        row.note = "\n".join(filter(None, [row.note, note.strip()]))
        row.save(update_fields=["owner", "target_date", "note"])
        after = {"owner": str(owner or ""), "target_date": str(target_date or "")}
        by = f", settled by {target_date:%d %b %Y}" if target_date else ""
        summary = f"Dispute on {row.invoice.number} is with {owner or 'nobody'}{by}"
        values = {"before": before, "after": after, "note": note.strip()}
        leave_event("dispute.assigned", row, customer_id, summary, actor, values)
    return row
