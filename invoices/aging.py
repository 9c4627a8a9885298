"""Ageing: how late open amounts are, and the buckets they are counted in (FACTS section 4).

Pure. The amounts given are those open at the end of the as-of day, whatever was paid later
(L26); days past due are as-of minus due date, and day 0 is not yet due.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from arfollow.shared.money import ZERO

NOT_DUE = "not_due"
BOUNDS = ((30, "1-30"), (60, "31-60"), (90, "61-90"), (120, "91-120"))
OLDEST = "120+"
BUCKETS = (NOT_DUE, *(name for _, name in BOUNDS), OLDEST)


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An invoice or instalment with what was open of it at the end of a day."""

    customer_id: int
    currency: str
    due_date: date
    amount: Decimal
    invoice_id: int = 0


@dataclass(frozen=True, slots=True)
class Spare:
    """Money of a customer not set against any item: a credit note's rest or unapplied cash."""

    customer_id: int
    currency: str
    amount: Decimal


@dataclass(slots=True)
class Bucket:
    """How many items, and how much of them is open."""

    count: int = 0
    amount: Decimal = ZERO

    def add(self, amount: Decimal, count: int = 1) -> None:
        """Count items with their open amount."""
        self.count += count
        self.amount += amount


def _empty_buckets() -> dict[str, Bucket]:
    return {name: Bucket() for name in BUCKETS}


@dataclass(slots=True)
class Ageing:
    """One currency's totals; credits and unapplied stand beside the buckets, not in them."""

    buckets: dict[str, Bucket] = field(default_factory=_empty_buckets)
    open_invoices: int = 0
    overdue_invoices: int = 0
    overdue_customers: int = 0
    credits: Decimal = ZERO
    unapplied: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        """Open amount of all items: not due plus every bucket."""
        return sum((bucket.amount for bucket in self.buckets.values()), ZERO)

    @property
    def overdue(self) -> Decimal:
        """Open amount past due."""
        return self.open - self.buckets[NOT_DUE].amount


def days_past_due(due_date: date, as_of: date) -> int:
    """Days late on that day; zero or less while it is not late (rule 7)."""
    return (as_of - due_date).days


def bucket_of(days: int) -> str:
    """The bucket of an item that many days past due; 121 is the first of the last."""
    if days <= 0:
        return NOT_DUE
    for last, name in BOUNDS:
        if days <= last:
            return name
    return OLDEST


def age(
    items: Iterable[OpenItem],
    as_of: date,
    *,
    credits: Iterable[Spare] = (),
    unapplied: Iterable[Spare] = (),
) -> dict[str, Ageing]:
    """The ageing of each currency, currencies in order of their code.

    An item with nothing open is left out. Counts are of invoices: two open instalments of
    one invoice count in each of their buckets, but once in the totals.
    """
    found: defaultdict[str, Ageing] = defaultdict(Ageing)
    open_ids: defaultdict[str, set[int]] = defaultdict(set)
    late_ids: defaultdict[str, set[int]] = defaultdict(set)
    late_customers: defaultdict[str, set[int]] = defaultdict(set)
    for item in items:
        if not item.amount:
            continue
        name = bucket_of(days_past_due(item.due_date, as_of))
        found[item.currency].buckets[name].add(item.amount)
        open_ids[item.currency].add(item.invoice_id)
        if name != NOT_DUE:
            late_ids[item.currency].add(item.invoice_id)
            late_customers[item.currency].add(item.customer_id)
    for spare in credits:
        found[spare.currency].credits += spare.amount
    for spare in unapplied:
        found[spare.currency].unapplied += spare.amount
    for currency, ageing in found.items():
        ageing.open_invoices = len(open_ids[currency])
        ageing.overdue_invoices = len(late_ids[currency])
        ageing.overdue_customers = len(late_customers[currency])
    return dict(sorted(found.items()))
