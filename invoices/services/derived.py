"""Columns that follow from other rows: open, disputed and unapplied amounts.

Set-based: a fixed number of queries per page of rows, so that an import and a single
payment take the same path. `check_ledger` proves the result.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from arfollow.shared.money import ZERO
from invoices.models import (
    Allocation,
    CreditNote,
    Dispute,
    DisputeStatus,
    Instalment,
    Invoice,
    Payment,
    WriteOff,
)

PAGE = 500


@dataclass(slots=True)
class Settled:
    """What was taken off an invoice so far, and the last day that happened."""

    amount: Decimal = ZERO
    last_on: date | None = None

    def add(self, amount: Decimal, on: date) -> None:
        self.amount += amount
        self.last_on = on if self.last_on is None else max(self.last_on, on)


@dataclass(slots=True)
class Derived:
    """The inputs of a page of invoices."""

    settled: defaultdict[int, Settled] = field(default_factory=lambda: defaultdict(Settled))
    disputed: defaultdict[int, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    instalments: defaultdict[int, list[Instalment]] = field(
        default_factory=lambda: defaultdict(list)
    )


def refresh_invoices(invoice_ids: Iterable[int]) -> None:
    """Bring `open_amount`, `disputed_amount`, `next_due_date` and `closed_on` up to date."""
    ids = sorted(set(invoice_ids))
    for start in range(0, len(ids), PAGE):
        _refresh_page(ids[start : start + PAGE])


def _refresh_page(ids: list[int]) -> None:
    derived = load_derived(ids)
    invoices = list(Invoice.objects.filter(pk__in=ids))
    parts: list[Instalment] = []
    for invoice in invoices:
        settle(invoice, derived.settled[invoice.pk], derived.disputed[invoice.pk])
        parts += settle_instalments(invoice, derived.instalments[invoice.pk])
    Invoice.objects.bulk_update(
        invoices, ["open_amount", "disputed_amount", "next_due_date", "closed_on"]
    )
    Instalment.objects.bulk_update(parts, ["open_amount"])


def load_derived(ids: list[int]) -> Derived:
    """The inputs of some invoices, in one query of each kind."""
    derived = Derived()
    allocated = Allocation.objects.filter(invoice_id__in=ids, reversed_on=None)
    for invoice_id, amount, on in allocated.values_list("invoice_id", "amount", "effective_on"):
        derived.settled[invoice_id or 0].add(amount, on)
    given_up = WriteOff.objects.filter(invoice_id__in=ids, reversed_on=None)
    for invoice_id, amount, on in given_up.values_list("invoice_id", "amount", "written_off_on"):
        derived.settled[invoice_id].add(amount, on)
    contested = Dispute.objects.filter(invoice_id__in=ids, status=DisputeStatus.OPEN)
    for invoice_id, amount in contested.values_list("invoice_id", "amount"):
        derived.disputed[invoice_id] += amount
    for part in Instalment.objects.filter(invoice_id__in=ids).order_by("due_date", "number"):
        derived.instalments[part.invoice_id].append(part)
    return derived


def settle(invoice: Invoice, settled: Settled, disputed: Decimal) -> None:
    """Set an invoice's derived amounts (in memory) from what was settled and contested."""
    invoice.open_amount = max(invoice.amount - settled.amount, ZERO)
    invoice.disputed_amount = min(disputed, invoice.open_amount)
    closed = invoice.open_amount == 0
    invoice.closed_on = (settled.last_on or invoice.issue_date) if closed else None


def settle_instalments(invoice: Invoice, parts: list[Instalment]) -> list[Instalment]:
    """What was paid fills the oldest instalment first; the next due date is the rest's."""
    left = invoice.amount - invoice.open_amount
    for part in parts:
        taken = min(part.amount, left)
        part.open_amount, left = part.amount - taken, left - taken
    due = [part.due_date for part in parts if part.open_amount > 0]
    invoice.next_due_date = min(due) if due else invoice.due_date
    return parts


def refresh_credits(payment_ids: Iterable[int] = (), credit_note_ids: Iterable[int] = ()) -> None:
    """Bring `unapplied_amount` of payments and credit notes up to date."""
    _refresh_unapplied(Payment.objects.filter(pk__in=list(payment_ids)), "payment_id")
    _refresh_unapplied(CreditNote.objects.filter(pk__in=list(credit_note_ids)), "credit_note_id")


def _refresh_unapplied[Credit: (Payment, CreditNote)](rows: QuerySet[Credit], key: str) -> None:
    found = list(rows)
    used = _used(key, [row.pk for row in found])
    for row in found:
        reversed_on = getattr(row, "reversed_on", None)
        row.unapplied_amount = ZERO if reversed_on else row.amount - used.get(row.pk, ZERO)
    rows.model._default_manager.bulk_update(found, ["unapplied_amount"], batch_size=PAGE)


def _used(key: str, ids: list[int]) -> Mapping[int, Decimal]:
    live = Allocation.objects.filter(Q((f"{key}__in", ids)), reversed_on=None)
    return dict(live.values_list(key).annotate(used=Sum("amount")))
