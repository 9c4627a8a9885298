"""How pressing a customer is: amount × age × risk × promises, in numbers and in words.

Each factor is a small table that fits on a page (docs/worklist.md); nothing is learned, nothing
is weighted behind the scenes, so that whoever reads the list can say why a row stands where it
does. Amounts are taken against the average overdue amount of a customer in that currency, since
we keep no exchange rates.
"""

from dataclasses import dataclass
from decimal import Decimal

from arfollow.shared.money import round_half_up, with_currency

FULL_AGE = 180
"""Days late after which age adds nothing more."""
DAYS_PER_STEP = 30
HABITS = ((60, Decimal("1.5")), (30, Decimal("1.25")), (5, Decimal("1.1")))
"""Usual days late above which the risk is so much larger (R4)."""
NEVER_PAID, CANNOT_PAY = Decimal("1.2"), Decimal("1.5")
OUT_OF_HABIT_DAYS, OUT_OF_HABIT = 30, Decimal("1.25")
"""So many days later than they usually pay: behaviour has changed (R59)."""
PER_BROKEN, MOST_BROKEN = Decimal("0.25"), 4
UNRELIABLE_BELOW, UNRELIABLE = 50, Decimal("0.25")
RELIABLE_FROM, RELIABLE = 90, Decimal("0.9")
ONE = Decimal(1)
SCALE = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a customer. ``typical`` is the average overdue amount of a customer.

    ``usual_late`` are days late on average in a year (None: nothing was ever paid);
    ``broken`` promises of the last year of which nothing or only a part came;
    ``reliability`` how much of all that was promised came, in percent (R61, R62).
    """

    currency: str
    overdue: Decimal
    typical: Decimal
    days: int
    usual_late: int | None = None
    broken: int = 0
    reliability: int | None = None
    cannot_pay: bool = False


def score(known: Standing) -> int:
    """The product of the four factors, in thousandths; nothing overdue counts nothing."""
    product = amount_factor(known) * age_factor(known) * risk_factor(known) * promise_factor(known)
    return int(round_half_up(product * SCALE, 0))


def amount_factor(known: Standing) -> Decimal:
    """What is overdue against what a customer has overdue on average in that currency."""
    if known.overdue <= 0:
        return Decimal(0)
    return known.overdue / known.typical if known.typical > 0 else ONE


def age_factor(known: Standing) -> Decimal:
    """1 on the due date, one more for each thirty days late, 7 at the most."""
    return ONE + Decimal(min(max(known.days, 0), FULL_AGE)) / DAYS_PER_STEP


def risk_factor(known: Standing) -> Decimal:
    """How they pay: the habit of a year, more where this is later than the habit."""
    if known.usual_late is None:
        habit = NEVER_PAID
    else:
        habit = next((risk for days, risk in HABITS if known.usual_late > days), ONE)
    if out_of_habit(known):
        habit *= OUT_OF_HABIT
    return max(habit, CANNOT_PAY) if known.cannot_pay else habit


def out_of_habit(known: Standing) -> bool:
    """Whether this is much later than they usually pay."""
    usual = known.usual_late
    return usual is not None and known.days > max(usual, 0) + OUT_OF_HABIT_DAYS


def promise_factor(known: Standing) -> Decimal:
    """Each broken promise of the year adds a quarter; reliable promisers wait a little."""
    if known.broken == 0:
        kept = known.reliability is not None and known.reliability >= RELIABLE_FROM
        return RELIABLE if kept else ONE
    found = ONE + PER_BROKEN * min(known.broken, MOST_BROKEN)
    unreliable = known.reliability is not None and known.reliability < UNRELIABLE_BELOW
    return found + UNRELIABLE if unreliable else found


def words(known: Standing) -> str:
    """``USD 10,286.80, 63 days late, broke 2 promises``: what counted, in that order."""
    return ", ".join([*_money(known), *_habit(known), *_promises(known)])


def _money(known: Standing) -> list[str]:
    if known.overdue <= 0:
        return ["nothing overdue"]
    late = "1 day late" if known.days == 1 else f"{known.days} days late"
    return [with_currency(known.overdue, known.currency), late]


def _habit(known: Standing) -> list[str]:
    if known.overdue <= 0:
        return []
    found = ["cannot pay"] if known.cannot_pay else []
    if known.usual_late is None:
        found.append("never paid yet")
    elif out_of_habit(known):
        usual = known.usual_late
        found.append(f"usually {usual} days late" if usual > 1 else "usually on time")
    elif known.usual_late > HABITS[-1][0]:
        found.append(f"usually {known.usual_late} days late")
    return found


def _promises(known: Standing) -> list[str]:
    if known.broken:
        return [f"broke {known.broken} promise{'' if known.broken == 1 else 's'}"]
    kept = known.reliability is not None and known.reliability >= RELIABLE_FROM
    return ["keeps promises"] if kept else []
