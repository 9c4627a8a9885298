"""One row of a notice's table from an attempt's item and the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from arfollow.shared.money import ZERO
from customers.models import Customer, ParentNotice, PaymentTerms
from dunning.models import AttemptItem, ItemPart
from dunning.wording.notice import Line
from invoices.models import CreditNote, Dispute, DisputeStatus, Instalment, Invoice

type Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the rows of one attempt need beside their invoices, in three queries."""

    instalments: dict[Key, Instalment]
    queries: dict[int, str]
    credit_notes: dict[str, CreditNote]
    terms: str
    customer_id: int

    @classmethod
    def of(cls, customer: Customer, rows: Iterable[AttemptItem]) -> "Ledger":
        """Read them for these items."""
        rows = list(rows)
        split = {row.invoice_id for row in rows if row.instalment_no}
        queried = {row.invoice_id for row in rows if row.part == ItemPart.IN_QUERY}
        labels = {row.label for row in rows if row.invoice_id is None}
        return cls(
            instalments=_instalments(split) if split else {},
            queries=_queries(queried) if queried else {},
            credit_notes=_credit_notes(customer, labels) if labels else {},
            terms=_named(customer.terms),
            customer_id=customer.pk,
        )


def _instalments(invoices: Iterable[int | None]) -> dict[Key, Instalment]:
    found = Instalment.objects.filter(invoice__in=invoices)
    return {(row.invoice_id, row.number): row for row in found}


def _queries(invoices: Iterable[int | None]) -> dict[int, str]:
    """What an item is in query for, in a word or two."""
    found = Dispute.objects.filter(invoice__in=invoices, status=DisputeStatus.OPEN)
    return {row.invoice_id: row.get_reason_display().lower() for row in found.order_by("pk")}


def _credit_notes(customer: Customer, labels: Iterable[str]) -> dict[str, CreditNote]:
    paid_for = Q(customer__parent=customer, customer__parent_notice=ParentNotice.PARENT)
    found = CreditNote.objects.filter(Q(customer=customer) | paid_for, number__in=labels)
    return {row.number: row for row in found}


def _named(terms: PaymentTerms | None) -> str:
    return terms.name if terms else ""


def line_of(row: AttemptItem, ledger: Ledger) -> Line:
    """The row in plain data; its amount is the part's own."""
    if row.invoice is None:
        return _credit(row, ledger)
    invoice = row.invoice
    part = ledger.instalments.get((invoice.pk, row.instalment_no))
    amount, still_open = (part.amount, part.open_amount) if part else _whole(invoice)
    is_due = row.part != ItemPart.NOT_YET_DUE
    return Line(
        number=invoice.number,
        open=row.amount,
        original=amount,
        paid=amount - still_open,
        issue_date=invoice.issue_date,
        due_date=part.due_date if part else invoice.due_date,
        days_late=max(row.days_late, 0) if is_due else 0,
        instalment_no=row.instalment_no,
        po_number=invoice.po_number,
        terms=invoice.terms_text or _named(invoice.terms) or ledger.terms,
        note=ledger.queries.get(invoice.pk, "") if row.part == ItemPart.IN_QUERY else "",
        account=str(invoice.customer) if invoice.customer_id != ledger.customer_id else "",
    )


def _whole(invoice: Invoice) -> tuple[Decimal, Decimal]:
    return invoice.amount, invoice.open_amount


def _credit(row: AttemptItem, ledger: Ledger) -> Line:
    """A credit note by its number, else money that came in and is not matched yet."""
    note = ledger.credit_notes.get(row.label)
    return Line(
        number=row.label or "Credit",
        open=row.amount,
        original=-note.amount if note else ZERO,
        issue_date=note.issue_date if note else None,
        kind="credit" if note else "unapplied",
    )
