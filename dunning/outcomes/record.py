"""A customer's promise record: how much of what was promised came (R61, R62).

Computed here and nowhere else. The columns of `CustomerFollowUp` keep it for lists and for
the priority of the worklist; they are renewed whenever a promise is settled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from arfollow.shared.money import ZERO
from dunning.models import CustomerFollowUp, Promise, PromiseStatus

SETTLED = (PromiseStatus.KEPT, PromiseStatus.PART_KEPT, PromiseStatus.BROKEN)


@dataclass(frozen=True, slots=True)
class PromiseRecord:
    """Settled promises by how they ended.

    `reliability` is kept ÷ settled in whole percent, a part-kept promise counting with its
    part; None while nothing is settled.
    """

    kept: int = 0
    part_kept: int = 0
    broken: int = 0
    reliability: int | None = None

    @property
    def settled(self) -> int:
        """Promises that came to an end and were not taken back."""
        return self.kept + self.part_kept + self.broken

    @property
    def words(self) -> str:
        """`kept 3 of 4 promises, 1 in part` as a page says it."""
        if not self.settled:
            return "no promise settled yet"
        noun = "promise" if self.settled == 1 else "promises"
        part = f", {self.part_kept} in part" if self.part_kept else ""
        return f"kept {self.kept} of {self.settled} {noun}{part}"


def promise_record(customer_id: int) -> PromiseRecord:
    """The record of one customer, from its promises."""
    return promise_records([customer_id])[customer_id]


def promise_records(customer_ids: Iterable[int]) -> dict[int, PromiseRecord]:
    """The records of many customers in one query; everyone asked for is in the answer."""
    rows = Promise.objects.filter(customer__in=list(customer_ids), status__in=SETTLED)
    ends: dict[int, list[tuple[str, Decimal]]] = {pk: [] for pk in customer_ids}
    for customer_id, status, amount, kept in rows.values_list(
        "customer_id", "status", "amount", "kept_amount"
    ):
        ends[customer_id].append((status, _share(status, amount, kept)))
    return {pk: _record(found) for pk, found in ends.items()}


def _share(status: str, amount: Decimal, kept: Decimal) -> Decimal:
    if status == PromiseStatus.KEPT:
        return Decimal(1)
    return min(kept / amount, Decimal(1)) if status == PromiseStatus.PART_KEPT else ZERO


def _record(ends: list[tuple[str, Decimal]]) -> PromiseRecord:
    if not ends:
        return PromiseRecord()
    statuses = [status for status, _ in ends]
    return PromiseRecord(
        kept=statuses.count(PromiseStatus.KEPT),
        part_kept=statuses.count(PromiseStatus.PART_KEPT),
        broken=statuses.count(PromiseStatus.BROKEN),
        reliability=int(100 * sum((share for _, share in ends), ZERO) / len(ends)),
    )


def keep_record(customer_id: int) -> PromiseRecord:
    """Write the record where lists read it; call it under the customer's lock."""
    record = promise_record(customer_id)
    CustomerFollowUp.objects.update_or_create(
        customer_id=customer_id,
        defaults={
            "promises_settled": record.settled,
            "promises_broken": record.broken,
            "promise_reliability": record.reliability,
        },
    )
    return record
