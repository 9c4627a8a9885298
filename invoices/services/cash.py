"""Cash application: payments, credit notes, and what they are set against."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from customers.models import Customer
from invoices.models import Allocation, CreditNote, Invoice, Payment
from invoices.services.base import (
    customer_of,
    known_currency,
    leave_event,
    ledger_change,
    locked_invoice,
    money,
    positive,
)
from invoices.services.derived import refresh_credits, refresh_invoices

type Shares = Sequence[tuple[int, Decimal]]


def record_payment(
    customer_id: int,
    *,
    actor: Actor,
    received_on: date,
    currency: str,
    amount: Decimal,
    allocate: Shares | None = None,
    method: str = "",
    reference: str = "",
    source: str = "manual",
    external_id: str = "",
) -> Payment:
    """Post cash. `allocate` names invoices and amounts; None settles the oldest due first.

    What is left over stays unapplied cash of the customer.
    """
    positive(amount)
    known_currency(currency)
    with ledger_change(customer_id) as customer:
        _refuse_repeat(source, external_id)
        payment = Payment.objects.create(
            customer=customer,
            received_on=received_on,
            currency=currency,
            amount=amount,
            unapplied_amount=amount,
            method=method,
            reference=reference,
            source=source,
            external_id=external_id,
        )
        shares = _oldest_first(customer, currency, amount) if allocate is None else allocate
        _apply(payment, customer, shares, received_on)
        payment.refresh_from_db()
        summary = f"Payment of {money(currency, amount)} received on {received_on}"
        values = {"allocated": [[invoice_id, str(part)] for invoice_id, part in shares]}
        leave_event("payment.recorded", payment, customer_id, summary, actor, values)
    return payment


def _refuse_repeat(source: str, external_id: str) -> None:
    taken = Payment.objects.filter(source=source, external_id=external_id)
    if external_id and taken.exists():
        raise ServiceError("This payment is in the ledger already.")


def _oldest_first(customer: Customer, currency: str, amount: Decimal) -> Shares:
    shares, left = [], amount
    for invoice_id, open_amount in _open(customer, currency).values_list("id", "open_amount"):
        if left <= 0:
            break
        part = min(open_amount, left)
        shares.append((invoice_id, part))
        left -= part
    return shares


def _open(customer: Customer, currency: str) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(customer=customer, currency=currency, open_amount__gt=0)
    return rows.order_by("next_due_date", "issue_date", "id")


def _apply(
    money_in: Payment | CreditNote, customer: Customer, shares: Shares, on: date
) -> list[Allocation]:
    """Set money against invoices of the same customer and currency, never beyond what is open."""
    invoices = [
        _checked(money_in, locked_invoice(customer, invoice_id), part)
        for invoice_id, part in shares
    ]
    if sum((part for _, part in shares), Decimal(0)) > money_in.unapplied_amount:
        raise ServiceError("More is allocated than there is to allocate.")
    made = Allocation.objects.bulk_create(
        Allocation(
            payment=money_in if isinstance(money_in, Payment) else None,
            credit_note=money_in if isinstance(money_in, CreditNote) else None,
            invoice=invoice,
            amount=part,
            effective_on=max(on, invoice.issue_date),
        )
        for invoice, (_, part) in zip(invoices, shares, strict=True)
    )
    _refresh([money_in], invoices)
    return made


def _checked(money_in: Payment | CreditNote, invoice: Invoice, part: Decimal) -> Invoice:
    positive(part, f"The amount for invoice {invoice.number}")
    if invoice.currency != money_in.currency:
        raise ServiceError(f"Invoice {invoice.number} is in {invoice.currency}.")
    if part > invoice.open_amount:
        open_amount = money(invoice.currency, invoice.open_amount)
        raise ServiceError(f"Only {open_amount} of invoice {invoice.number} is open.")
    return invoice


def _refresh(money_in: Iterable[Payment | CreditNote], invoices: Iterable[Invoice]) -> None:
    refresh_invoices(invoice.pk for invoice in invoices)
    rows = list(money_in)
    refresh_credits(
        [row.pk for row in rows if isinstance(row, Payment)],
        [row.pk for row in rows if isinstance(row, CreditNote)],
    )


def reverse_payment(payment_id: int, *, on: date, reason: str, actor: Actor) -> Payment:
    """Take a payment back (a bounced cheque): its invoices are open again (L13)."""
    customer_id = Payment.objects.values_list("customer_id", flat=True).get(pk=payment_id)
    with ledger_change(customer_id):
        payment = Payment.objects.get(pk=payment_id)
        if payment.reversed_on:
            raise ServiceError("This payment was reversed already.")
        if on < payment.received_on:
            raise ServiceError("A payment cannot be reversed before it was received.")
        payment.reversed_on, payment.reversal_reason = on, reason
        payment.save(update_fields=["reversed_on", "reversal_reason"])
        live = Allocation.objects.filter(payment=payment, reversed_on=None)
        invoices = list(Invoice.objects.filter(allocations__in=live).distinct())
        live.update(reversed_on=on)
        _refresh([payment], invoices)
        payment.refresh_from_db()
        summary = f"Payment of {money(payment.currency, payment.amount)} reversed: {reason}"
        values = {"invoices": [invoice.number for invoice in invoices]}
        leave_event("payment.reversed", payment, customer_id, summary, actor, values)
    return payment


def allocate(
    *,
    actor: Actor,
    invoice_id: int,
    amount: Decimal,
    on: date,
    payment_id: int | None = None,
    credit_note_id: int | None = None,
) -> Allocation:
    """Set unapplied cash, or a credit note, against an invoice of the same customer."""
    customer_id = customer_of(invoice_id)
    with ledger_change(customer_id) as customer:
        money_in = _money_in(customer, payment_id, credit_note_id)
        made = _apply(money_in, customer, [(invoice_id, amount)], on)[0]
        summary = f"Allocated {money(money_in.currency, amount)} of {money_in}"
        values = {"invoice": invoice_id, "amount": str(amount)}
        leave_event("allocation.made", made, customer_id, summary, actor, values)
    return made


def _money_in(
    customer: Customer, payment_id: int | None, credit_note_id: int | None
) -> Payment | CreditNote:
    row: Payment | CreditNote | None = None
    if payment_id is not None:
        row = Payment.objects.filter(pk=payment_id, customer=customer, reversed_on=None).first()
    elif credit_note_id is not None:
        row = CreditNote.objects.filter(pk=credit_note_id, customer=customer).first()
    if row is None:
        raise ServiceError("There is no such payment or credit note of this customer.")
    return row


def add_credit_note(
    customer_id: int,
    number: str,
    *,
    actor: Actor,
    issue_date: date,
    currency: str,
    amount: Decimal,
    reason: str = "",
    invoice_id: int | None = None,
    source: str = "manual",
    external_id: str = "",
) -> CreditNote:
    """Book a credit note; with `invoice_id` it is set against it, up to what is open there."""
    positive(amount)
    known_currency(currency)
    with ledger_change(customer_id) as customer:
        key = external_id or number
        if CreditNote.objects.filter(source=source, external_id=key).exists():
            raise ServiceError(f"Credit note {number} is in the ledger already.")
        credit = CreditNote.objects.create(
            customer=customer,
            number=number,
            source=source,
            external_id=key,
            issue_date=issue_date,
            currency=currency,
            amount=amount,
            unapplied_amount=amount,
            reason=reason,
        )
        if invoice_id is not None:
            invoice = locked_invoice(customer, invoice_id)
            part = min(amount, invoice.open_amount)
            _apply(credit, customer, [(invoice_id, part)] if part > 0 else [], issue_date)
            credit.refresh_from_db()
        summary = f"Credit note {number} over {money(currency, amount)}"
        leave_event("credit_note.added", credit, customer_id, summary, actor)
    return credit
