"""How customers pay: the habits behind two years of payments."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

FRIDAY = 4
WEEKEND = 5


@dataclass(frozen=True, slots=True)
class Habit:
    """When bills come and when they are paid; days are counted from the due date.

    `stopped`: bills that fell due in the last so many days are not paid any more.
    `every`: days between two orders; `size`: how large an order is (1 is an everyday one).
    """

    late: tuple[int, int]
    every: int = 60
    size: Decimal = Decimal("0.5")
    stopped: int | None = None
    weekday: int | None = None
    parts: float = 0.0
    takes_discount: bool = False


PROMPT = Habit((-4, 2), every=85)
EARLY = Habit((-21, -20), every=24, takes_discount=True)
SLOW_20 = Habit((13, 26), every=40)
SLOW_40 = Habit((33, 46), every=45)
SPORADIC = Habit((-3, 72), every=35)
WEEKLY = Habit((38, 43), every=7, size=Decimal("0.2"), weekday=FRIDAY)
PUBLIC = Habit((18, 44), every=50, size=Decimal("1.5"))
PRIVATE = Habit((2, 24), every=120, size=Decimal("0.1"), stopped=16)
MANY = Habit((20, 40), every=3, size=Decimal("0.08"), stopped=70)
IN_PARTS = Habit((15, 35), every=40, parts=0.7)


def stops(days: int, *, every: int = 32, size: str = "0.5") -> Habit:
    """Paid a little late, until so many days ago."""
    return Habit((8, 24), every=every, size=Decimal(size), stopped=days)


USUAL = (PROMPT, PROMPT, PROMPT, SLOW_20, SLOW_20, SLOW_40, SPORADIC)
"""What the customers without a story of their own are drawn from."""


def paid_on(habit: Habit, due: date, today: date, rng: Random) -> date | None:
    """The working day on which a bill is paid; None if that has not happened by today."""
    if habit.stopped is not None and due >= today - timedelta(days=habit.stopped):
        return None
    day = weekday(due + timedelta(days=rng.randint(*habit.late)))
    if habit.weekday is not None:
        day += timedelta(days=(habit.weekday - day.weekday()) % 7)
    return day if day <= today else None


def weekday(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= WEEKEND else day


def order_days(habit: Habit, count: int, first: date, last: date, rng: Random) -> list[date]:
    """`count` days of orders, the newest near `last`; never before `first`, closer if need be."""
    gap = min(habit.every, max(1, (last - first).days // max(count, 1)))
    newest = last - timedelta(days=rng.randint(0, max(0, gap // 2)))
    wobble = gap // 4
    days = (newest - timedelta(days=n * gap + rng.randint(0, wobble)) for n in range(count))
    return sorted(max(first, weekday(day - timedelta(days=2))) for day in days)
