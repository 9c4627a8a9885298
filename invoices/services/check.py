"""Proof that every derived amount of the ledger equals its rows. Reads only."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F, Model, Q, QuerySet, Sum

from arfollow.shared.money import ZERO
from invoices.models import Allocation, Charge, CreditNote, Invoice, Payment
from invoices.services.derived import PAGE, load_derived, settle, settle_instalments

DERIVED = ("open_amount", "disputed_amount", "next_due_date", "closed_on")


@dataclass(frozen=True, slots=True)
class Breach:
    """One stored value that its rows do not give."""

    kind: str
    id: int
    label: str
    column: str
    stored: str
    derived: str


def breaches() -> Iterator[Breach]:
    """Everything in the ledger that does not add up; empty for a sound one."""
    for invoices in _pages(Invoice.objects.order_by("pk")):
        yield from _of_invoices(invoices)
    for payments in _pages(Payment.objects.order_by("pk")):
        yield from _of_money_in(payments, "payment_id")
    for notes in _pages(CreditNote.objects.order_by("pk")):
        yield from _of_money_in(notes, "credit_note_id")
    for charges in _pages(Charge.objects.order_by("pk")):
        yield from _of_charges(charges)
    yield from _strangers()


def _pages[Row: Model](rows: QuerySet[Row]) -> Iterator[list[Row]]:
    """By primary key, so that memory stays flat however large the ledger is."""
    last = 0
    while page := list(rows.filter(pk__gt=last)[:PAGE]):
        yield page
        last = page[-1].pk


def _breach(row: Model, column: str, stored: object, derived: object) -> Breach:
    kind = row._meta.model_name or ""
    return Breach(kind, row.pk, str(row), column, str(stored), str(derived))


def _of_invoices(invoices: Sequence[Invoice]) -> Iterator[Breach]:
    derived = load_derived([invoice.pk for invoice in invoices])
    for invoice in invoices:
        parts = derived.instalments[invoice.pk]
        stored = _values([invoice], DERIVED) + _values(parts, ("open_amount",))
        settled = derived.settled[invoice.pk]
        settle(invoice, settled, derived.disputed[invoice.pk])
        settle_instalments(invoice, parts)
        yield from _differences(stored)
        if settled.amount > invoice.amount:
            yield _breach(invoice, "amount", invoice.amount, f"{settled.amount} settled")
        total = sum((part.amount for part in parts), ZERO)
        if parts and total != invoice.amount:
            yield _breach(invoice, "instalments", invoice.amount, total)


def _values(rows: Iterable[Model], columns: Sequence[str]) -> list[tuple[Model, str, Any]]:
    """What the rows hold now, to be compared when it has been derived anew."""
    return [(row, column, getattr(row, column)) for row in rows for column in columns]


def _differences(stored: list[tuple[Model, str, Any]]) -> Iterator[Breach]:
    for row, column, before in stored:
        if getattr(row, column) != before:
            yield _breach(row, column, before, getattr(row, column))


def _of_money_in(rows: Sequence[Payment] | Sequence[CreditNote], key: str) -> Iterator[Breach]:
    """What is not allocated must be what is kept as unapplied; of a reversed payment nothing."""
    used = _allocated(key, [row.pk for row in rows])
    for row in rows:
        reversed_on = getattr(row, "reversed_on", None)
        left = ZERO if reversed_on else row.amount - used.get(row.pk, ZERO)
        if left != row.unapplied_amount:
            yield _breach(row, "unapplied_amount", row.unapplied_amount, left)
        if reversed_on and used.get(row.pk):
            yield _breach(row, "reversed_on", reversed_on, f"{used[row.pk]} still allocated")


def _of_charges(rows: Sequence[Charge]) -> Iterator[Breach]:
    used = _allocated("charge_id", [row.pk for row in rows])
    for row in rows:
        left = ZERO if row.waived_on else row.amount - used.get(row.pk, ZERO)
        if left != row.open_amount:
            yield _breach(row, "open_amount", row.open_amount, left)


def _allocated(key: str, ids: Sequence[int]) -> dict[int, Decimal]:
    live = Allocation.objects.filter(Q((f"{key}__in", ids)), reversed_on=None)
    return dict(live.values_list(key).annotate(used=Sum("amount")))


def _strangers() -> Iterator[Breach]:
    """Money of one customer, or of one currency, set against another's invoice."""
    for money_in in ("payment", "credit_note"):
        same = Q(
            (f"{money_in}__customer_id", F("invoice__customer_id")),
            (f"{money_in}__currency", F("invoice__currency")),
        )
        rows = Allocation.objects.filter(
            Q((f"{money_in}__isnull", False)), invoice__isnull=False, reversed_on=None
        ).exclude(same)
        for row in rows:
            yield _breach(row, money_in, getattr(row, f"{money_in}_id"), "another customer's")
