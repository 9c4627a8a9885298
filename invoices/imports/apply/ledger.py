"""Writing the ledger of a plan: invoices with their lines, payments, credits, disputes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from arfollow.shared.events import Entry
from arfollow.shared.money import ZERO, with_currency
from customers.models import PaymentTerms
from invoices.imports.apply.known import PAGE, Loaded, flagged, pages, payment_key
from invoices.imports.plan import (
    EndedDispute,
    InvoiceUpdate,
    KnownInvoice,
    NewInvoice,
    NewPayment,
    Plan,
)
from invoices.models import (
    Allocation,
    CatalogueItem,
    CreditNote,
    Dispute,
    DisputeStatus,
    Invoice,
    InvoiceLine,
    Payment,
)
from invoices.services.derived import Settled, refresh_invoices, settle

FOUR_PLACES = Decimal("0.0001")
UPDATED = (
    *("issue_date", "due_date", "amount", "terms_text", "po_number"),
    *("open_amount", "disputed_amount", "closed_on"),
)


@dataclass(slots=True)
class Ledger:
    """The writer's memory: ids by the source's keys, and what will be told as events."""

    source: str
    loaded: Loaded
    customer_ids: Mapping[str, int]
    invoice_ids: dict[str, int] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    events: list[Entry] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)

    def tell(
        self, verb: str, kind: str, pk: int, summary: str, customer_id: int, **values: object
    ) -> None:
        """Note an event of a row that was written."""
        self.events.append(Entry(verb, kind, pk, summary, customer_id, values))
        self.touched.add(customer_id)


def write_ledger(plan: Plan, ledger: Ledger) -> None:
    """Everything of the plan but customers, in the order the rows refer to each other."""
    for number, known in ledger.loaded.known.invoices.items():
        ledger.invoice_ids[number] = known.id
        ledger.owners[number] = known.customer_id
    _update(plan.updates, ledger)
    payments = _sum_by_number(plan.payments)
    _book(plan, ledger, payments)
    _post(plan, ledger)
    _credit(plan, ledger)
    _dispute(plan, ledger)
    _end_disputes(plan.ended, ledger)
    # Whatever touched a known invoice, its payments and disputes too, made it an update.
    refresh_invoices(one.invoice_id for one in plan.updates)


def _sum_by_number(payments: Iterable[NewPayment]) -> Mapping[str, NewPayment]:
    return {payment.number: payment for payment in payments}


# --- Invoices -------------------------------------------------------------------------------


def _book(plan: Plan, ledger: Ledger, payments: Mapping[str, NewPayment]) -> None:
    disputed = {one.number: one.amount for one in plan.disputes if one.resolved_on is None}
    terms = _known_terms()
    for page in pages(plan.invoices):
        rows = [
            _invoice(one, ledger, payments.get(one.number), disputed.get(one.number, ZERO), terms)
            for one in page
        ]
        for row in Invoice.objects.bulk_create(rows):
            ledger.invoice_ids[row.external_id] = row.pk
            ledger.owners[row.external_id] = row.customer_id
            what = f"Invoice {row.number} over {with_currency(row.amount, row.currency)}"
            summary = f"{what}, due {row.due_date}"
            ledger.tell("invoice.added", "invoice", row.pk, summary, row.customer_id)
        _write_lines(page, ledger)


def _known_terms() -> dict[str, int]:
    """Ids of the terms we sell on, by name and code, for invoices that name them."""
    rows = PaymentTerms.objects.values_list("id", "name", "code")
    return {text.lower(): pk for pk, name, code in rows for text in (code, name)}


def _invoice(
    one: NewInvoice,
    ledger: Ledger,
    payment: NewPayment | None,
    disputed: Decimal,
    terms: Mapping[str, int],
) -> Invoice:
    row = Invoice(
        customer_id=ledger.customer_ids[one.customer_key],
        number=one.number,
        source=ledger.source,
        external_id=one.number,
        issue_date=one.issue_date,
        due_date=one.due_date,
        next_due_date=one.due_date,
        terms_id=terms.get(one.terms_text.lower()),
        terms_text=one.terms_text,
        currency=one.currency,
        amount=one.amount,
        po_number=one.po_number,
        chased_to=one.chased_to,
        chased_on=one.chased_on,
    )
    settled = Settled()
    if payment is not None:
        settled.add(min(payment.amount, one.amount), max(payment.received_on, one.issue_date))
    settle(row, settled, disputed)
    return row


def _write_lines(new: Sequence[NewInvoice], ledger: Ledger) -> None:
    items = _catalogue(new)
    InvoiceLine.objects.bulk_create(
        [
            InvoiceLine(
                invoice_id=ledger.invoice_ids[one.number],
                position=position,
                item_id=items.get(line.code),
                description=line.description or line.code,
                quantity=line.quantity.quantize(FOUR_PLACES),
                unit_price=None if line.unit_price is None else _four_places(line.unit_price),
                tax_amount=line.tax,
                amount=line.amount,
            )
            for one in new
            for position, line in enumerate(one.items, start=1)
        ],
        batch_size=PAGE,
    )


def _four_places(price: Decimal) -> Decimal:
    return price.quantize(FOUR_PLACES)


def _catalogue(new: Sequence[NewInvoice]) -> dict[str, int]:
    """Ids of the goods and services the lines name; those we lack are added (R7)."""
    codes = sorted({line.code for one in new for line in one.items if line.code})
    CatalogueItem.objects.bulk_create(
        [CatalogueItem(code=code, name=code) for code in codes],
        ignore_conflicts=True,
        batch_size=PAGE,
    )
    return {
        code: pk
        for page in pages(codes)
        for code, pk in CatalogueItem.objects.filter(code__in=page).values_list("code", "id")
    }


def _update(updates: Sequence[InvoiceUpdate], ledger: Ledger) -> None:
    """Set only the fields that the source states otherwise, each change told as a diff."""
    by_id = {one.invoice_id: one for one in updates if one.changes}
    for page in pages(by_id):
        rows = Invoice.objects.filter(pk__in=page)
        for row in rows:
            one = by_id[row.pk]
            for name, _, after in one.changes:
                setattr(row, name, after)
            diff = {name: [str(before), str(after)] for name, before, after in one.changes}
            summary = f"Changed by import: {', '.join(diff)} of {row.number}"
            ledger.tell("invoice.changed", "invoice", row.pk, summary, row.customer_id, **diff)
            _keep_within(row, ledger.loaded.known.invoices[one.number])
        Invoice.objects.bulk_update(rows, UPDATED)


def _keep_within(row: Invoice, before: KnownInvoice) -> None:
    """What is open follows the amount at once: the constraints allow no moment without."""
    row.open_amount = row.amount - (before.amount - before.open_amount)
    row.disputed_amount = min(row.disputed_amount, row.open_amount)
    closed_on = row.closed_on or row.issue_date
    row.closed_on = None if row.open_amount else closed_on


# --- Payments and credits -------------------------------------------------------------------


def _post(plan: Plan, ledger: Ledger) -> None:
    """Each stated payment with its allocation; what exceeds the invoice stays unapplied."""
    open_amounts = _open_amounts(plan, ledger)
    issued = {one.number: one.issue_date for one in plan.invoices}
    issued |= {number: one.issue_date for number, one in ledger.loaded.known.invoices.items()}
    for page in pages(plan.payments):
        shares = [min(one.amount, open_amounts[one.number]) for one in page]
        rows = [_payment(one, share, ledger) for one, share in zip(page, shares, strict=True)]
        Payment.objects.bulk_create(rows)
        days = [max(one.received_on, issued[one.number]) for one in page]
        _allocate(rows, list(zip(shares, days, strict=True)), ledger)


def _payment(one: NewPayment, share: Decimal, ledger: Ledger) -> Payment:
    count = ledger.loaded.stated.counts.get(one.number, 0) + 1
    return Payment(
        customer_id=ledger.customer_ids[one.customer_key],
        received_on=one.received_on,
        currency=one.currency,
        amount=one.amount,
        unapplied_amount=one.amount - share,
        reference=one.number,
        source=ledger.source,
        external_id=payment_key(one.number, count),
    )


def _open_amounts(plan: Plan, ledger: Ledger) -> dict[str, Decimal]:
    """What is open of each invoice once its amount is as the source states it."""
    amounts = {one.number: one.amount for one in plan.invoices}
    for number, known in ledger.loaded.known.invoices.items():
        amounts[number] = known.open_amount
    for update in plan.updates:
        known = ledger.loaded.known.invoices[update.number]
        for name, _, after in update.changes:
            if name == "amount" and isinstance(after, Decimal):
                amounts[update.number] = after - (known.amount - known.open_amount)
    return amounts


def _allocate(
    rows: Sequence[Payment], shares: Sequence[tuple[Decimal, date]], ledger: Ledger
) -> None:
    made = []
    for row, (share, on) in zip(rows, shares, strict=True):
        if share > 0:
            invoice_id = ledger.invoice_ids[row.reference]
            made.append(
                Allocation(payment=row, invoice_id=invoice_id, amount=share, effective_on=on)
            )
        paid = with_currency(row.amount, row.currency)
        summary = f"Payment of {paid} received on {row.received_on} for {row.reference}"
        ledger.tell(
            *("payment.recorded", "payment", row.pk, summary, row.customer_id),
            allocated=[[row.reference, str(share)]],
        )
    Allocation.objects.bulk_create(made)


def _credit(plan: Plan, ledger: Ledger) -> None:
    rows = CreditNote.objects.bulk_create(
        [
            CreditNote(
                customer_id=ledger.customer_ids[one.customer_key],
                number=one.number,
                source=ledger.source,
                external_id=one.number,
                issue_date=one.issue_date,
                currency=one.currency,
                amount=one.amount,
                unapplied_amount=one.amount,
            )
            for one in plan.credits
        ],
        batch_size=PAGE,
    )
    for row in rows:
        summary = f"Credit note {row.number} over {with_currency(row.amount, row.currency)}"
        ledger.tell("credit_note.added", "creditnote", row.pk, summary, row.customer_id)


# --- Disputes -------------------------------------------------------------------------------


def _dispute(plan: Plan, ledger: Ledger) -> None:
    rows = Dispute.objects.bulk_create(
        [
            Dispute(
                invoice_id=ledger.invoice_ids[one.number],
                amount=one.amount,
                raised_on=one.raised_on,
                status=DisputeStatus.REJECTED if one.resolved_on else DisputeStatus.OPEN,
                resolved_on=one.resolved_on,
                resolution="Paid in full" if one.resolved_on else "",
                note=flagged(ledger.source),
            )
            for one in plan.disputes
        ],
        batch_size=PAGE,
    )
    for one, row in zip(plan.disputes, rows, strict=True):
        state = f"settled {one.resolved_on}" if one.resolved_on else "open"
        summary = f"Dispute on {one.number}: {one.amount:,.2f}, {state}"
        ledger.tell("dispute.opened", "dispute", row.pk, summary, ledger.owners[one.number])


def _end_disputes(ended: Sequence[EndedDispute], ledger: Ledger) -> None:
    by_day: defaultdict[tuple[date, bool], list[EndedDispute]] = defaultdict(list)
    for one in ended:
        by_day[one.resolved_on, one.paid].append(one)
    for (on, paid), ones in by_day.items():
        resolution = "Paid in full" if paid else f"No longer flagged in {ledger.source}"
        for page in pages(one.dispute_id for one in ones):
            Dispute.objects.filter(pk__in=page, status=DisputeStatus.OPEN).update(
                status=DisputeStatus.REJECTED, resolved_on=on, resolution=resolution
            )
        for one in ones:
            summary = f"Dispute on {one.number} rejected: {resolution}"
            owner = ledger.owners[one.number]
            ledger.tell("dispute.resolved", "dispute", one.dispute_id, summary, owner)
