"""Money of rule 8 and rule 3: credits against the oldest overdue items, and the three parts."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dunning.policy.types import (
    CreditFacts,
    CustomerFacts,
    ItemFacts,
)
from dunning.policy.words import (
    ZERO,
    ItemKey,
)


@dataclass(frozen=True, slots=True)
class Net:
    """What each item still asks for after credits.

    ``settled`` are the currencies whose overdue items credits cover down to the tolerance.
    """

    amounts: dict[ItemKey, Decimal]
    settled: frozenset[str]

    def covers(self, item: ItemFacts, tolerance: Decimal) -> bool:
        """Whether credits leave no more than the tolerance of a collectible item."""
        if item.currency in self.settled:
            return True
        return self.amounts[item.key] <= tolerance < item.collectible


def is_overdue(item: ItemFacts, today: date) -> bool:
    """Day 0 is not late: N days late is today less the due date (rule 7)."""
    return item.due_date < today


def oldest_first(item: ItemFacts) -> tuple[date, ItemKey]:
    """Order of every list of items, whatever order they came in."""
    return item.due_date, item.key


def net_of_credits(facts: CustomerFacts, today: date) -> Net:
    """Set credits and unapplied cash against the oldest items of their currency.

    Overdue items come first; what is left covers items not yet due, so that nobody is
    reminded of what their own money already pays. Amounts in each item's currency.
    """
    pools: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for credit in facts.credits:
        pools[credit.currency] += credit.amount
    amounts: dict[ItemKey, Decimal] = {}
    overdue: dict[str, Decimal] = defaultdict(lambda: ZERO)
    covered: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for item in sorted(facts.items, key=oldest_first):
        taken = min(pools[item.currency], item.collectible) if pools else ZERO
        amounts[item.key] = item.collectible - taken
        if taken:
            pools[item.currency] -= taken
        if is_overdue(item, today):
            overdue[item.currency] += item.collectible
            covered[item.currency] += taken
    tolerance = facts.settings.tolerance
    settled = frozenset(
        code
        for code, total in overdue.items()
        if covered[code] and total - covered[code] <= tolerance
    )
    return Net(amounts, settled)


def shared_out(
    facts: CustomerFacts, needed: dict[str, Decimal]
) -> list[tuple[CreditFacts, Decimal]]:
    """Which credits make up what was set against items, per currency, in their order."""
    left, used = dict(needed), []
    for credit in facts.credits:
        part = min(credit.amount, left.get(credit.currency, ZERO))
        if part > 0:
            left[credit.currency] -= part
            used.append((credit, part))
    return used
