"""How a customer pays: lateness, its trend, invoices paid out of turn (R4, R59, R60).

Pure: dates are passed in, amounts are Decimal of one currency, days are whole days. Average
days late = Σ amount × (paid − due) / Σ amount over what was paid (FACTS section 4); what came
early counts below zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

YEAR, HALF_YEAR = timedelta(days=365), timedelta(days=183)
SAME = 3
"""A difference of so many days is no trend."""
ENOUGH = 3
"""So many paid invoices on either side are needed to speak of a trend."""
LATE_AFTER = 5
"""Somebody who pays later than this on average is a repeat late payer."""


@dataclass(frozen=True, slots=True)
class Item:
    """One invoice: ``closed_on`` None is open; ``by_payment`` tells cash from credits."""

    number: str
    due: date
    amount: Decimal
    closed_on: date | None = None
    by_payment: bool = True
    disputed: bool = False

    @property
    def days_late(self) -> int:
        """Days from due to paid, negative for early ones; 0 while it is open."""
        return (self.closed_on - self.due).days if self.closed_on else 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Figures for a page; None where too little is known to say."""

    paid: int
    average_late: int | None
    before: int | None
    lately: int | None
    out_of_turn: int
    skipped: tuple[str, ...]

    @property
    def trend(self) -> str:
        """The last six months against the time before, in words."""
        if self.before is None or self.lately is None:
            return "Too few payments to tell a trend."
        was, now = say_late(self.before), say_late(self.lately)
        if abs(self.lately - self.before) < SAME:
            return f"Unchanged: {now} in the last six months, {was} before."
        moved = "later" if self.lately > self.before else "earlier"
        days = abs(self.lately - self.before)
        return f"Pays {days} days {moved} than before: {now} in the last six months, {was} before."

    @property
    def is_worse(self) -> bool:
        """Whether they pay clearly later than they used to."""
        known = self.before is not None and self.lately is not None
        return known and (self.lately or 0) - (self.before or 0) >= SAME

    @property
    def repeat_late(self) -> bool:
        """A repeat late payer (R4)."""
        return self.average_late is not None and self.average_late > LATE_AFTER


def say_late(days: int) -> str:
    """``12 days late``, ``on time``, ``2 days early``."""
    if days == 0:
        return "on time"
    number = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"{number} {'late' if days > 0 else 'early'}"


def behaviour(items: Iterable[Item], today: date) -> Behaviour:
    """What the invoices of a customer tell of its habits, looking back two years."""
    rows = list(items)
    paid = [i for i in rows if i.closed_on is not None and i.by_payment and i.amount > 0]
    lately = [i for i in paid if i.closed_on and i.closed_on > today - HALF_YEAR]
    earlier = [i for i in paid if i.closed_on and i.closed_on <= today - HALF_YEAR]
    last_year = [i for i in paid if i.closed_on and i.closed_on > today - YEAR]
    out_of_turn, skipped = _out_of_turn(rows)
    return Behaviour(
        paid=len(last_year),
        average_late=average_late(last_year),
        before=average_late(earlier) if len(earlier) >= ENOUGH else None,
        lately=average_late(lately) if len(lately) >= ENOUGH else None,
        out_of_turn=out_of_turn,
        skipped=skipped,
    )


def average_late(paid: Sequence[Item]) -> int | None:
    """Σ amount × days late / Σ amount, rounded; None where nothing was paid."""
    total = sum(item.amount for item in paid)
    late = sum(item.amount * item.days_late for item in paid)
    return round(late / total) if total else None


def _out_of_turn(rows: Iterable[Item]) -> tuple[int, tuple[str, ...]]:
    """How often a newer invoice was paid while an older one was left; those still skipped.

    An invoice in query is not skipped: they told us why they do not pay it.
    """
    rows = list(rows)
    newest_paid = max((i.due for i in rows if i.closed_on and i.by_payment), default=date.min)
    count, latest, pending, skipped = 0, date.min, date.min, []
    day = date.min
    for item in sorted(rows, key=lambda i: (i.due, i.number)):
        if item.due > day:  # those of one day are no older than each other
            latest, day = max(latest, pending), item.due
        closed = item.closed_on or date.max
        if item.closed_on is not None and item.by_payment and closed < latest:
            count += 1
        if not item.disputed:
            pending = max(pending, closed)
            if item.closed_on is None and item.due < newest_paid:
                skipped.append(item.number)
    return count, tuple(skipped)
