"""Figures of the receivables trade (FACTS section 4): DSO, CEI, lateness, expected cash.

Pure: amounts are Decimal of one currency, days are whole days, dates are passed in. A figure
that cannot be told (no sales, nothing due) is None, never zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from arfollow.shared.money import ZERO, round_half_up

HUNDRED = Decimal(100)
WEEK = timedelta(days=7)
WEEKS = 13


@dataclass(frozen=True, slots=True)
class MonthSales:
    """What was invoiced in one month, and how many days the month had (so far)."""

    amount: Decimal
    days: int


def simple_dso(receivables: Decimal, sales: Decimal, days: int) -> Decimal | None:
    """Days sales outstanding: receivables / sales × days."""
    return round_half_up(receivables / sales * days) if sales > 0 else None


def best_possible_dso(not_due: Decimal, sales: Decimal, days: int) -> Decimal | None:
    """What DSO would be if nobody paid late: only what is not yet due counts."""
    return simple_dso(not_due, sales, days)


def countback_dso(receivables: Decimal, newest_first: Sequence[MonthSales]) -> Decimal | None:
    """Count back: whole months whose sales are still owed, and the part of the next.

    Receivables older than all the months given count all their days: None says that there
    were no sales to count back through.
    """
    left, days = receivables, Decimal(0)
    if not any(month.amount > 0 for month in newest_first):
        return None
    for month in newest_first:
        if month.amount >= left:
            return round_half_up(days + (month.days * left / month.amount if left else 0), 1)
        left -= month.amount
        days += month.days
    return round_half_up(days, 1)


def average_days_delinquent(dso: Decimal | None, best: Decimal | None) -> Decimal | None:
    """ADD: what late payment adds to DSO."""
    return None if dso is None or best is None else dso - best


def effectiveness(
    begin: Decimal, sales: Decimal, end_total: Decimal, end_current: Decimal
) -> Decimal | None:
    """CEI, period form, in percent: how much of what could be collected was."""
    could = begin + sales - end_current
    return _percent(begin + sales - end_total, could)


def effectiveness_monthly(
    begin: Decimal, sales: Decimal, months: int, end_total: Decimal, end_current: Decimal
) -> Decimal | None:
    """CEI in its other form, with the sales of an average month ("sales/N")."""
    return effectiveness(begin, sales / months, end_total, end_current) if months else None


def _percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return round_half_up(part / whole * HUNDRED) if whole > 0 else None


def average_days_late(settled: Sequence[tuple[Decimal, int]]) -> Decimal | None:
    """Σ amount × days late / Σ amount; early payment counts below zero."""
    total = sum((amount for amount, _ in settled), ZERO)
    weighed = sum((amount * days for amount, days in settled), ZERO)
    return round_half_up(weighed / total, 1) if total > 0 else None


def kept_rate(kept: int, fallen_due: int) -> Decimal | None:
    """Promises kept on time and in full, of those whose day has come, in percent."""
    return _percent(Decimal(kept), Decimal(fallen_due))


def right_party_rate(reached: int, calls: int) -> Decimal | None:
    """Calls that reached the right person, in percent."""
    return _percent(Decimal(reached), Decimal(calls))


@dataclass(frozen=True, slots=True)
class Expected:
    """An open, undisputed amount: promised for a day, or to be guessed from habit.

    ``usual_lateness`` is the customer's average days late; 0 where nothing is known.
    """

    amount: Decimal
    due_date: date
    usual_lateness: int = 0
    promised_on: date | None = None


@dataclass(slots=True)
class Week:
    """Cash expected in the seven days from ``start``."""

    start: date
    promised: Decimal = ZERO
    predicted: Decimal = ZERO


def expected_cash(items: Sequence[Expected], today: date, weeks: int = WEEKS) -> list[Week]:
    """Cash by week from today's Monday on; what is expected later is left out.

    A promise counts on its day. Anything else comes as late as its customer usually pays;
    whoever is later than that already is expected as many days from now as they are beyond
    their habit, and never before a week has passed: the longer overdue, the later.
    """
    monday = today - timedelta(days=today.weekday())
    table = [Week(monday + WEEK * number) for number in range(weeks)]
    for item in items:
        place = (_day(item, today) - monday).days // 7
        if place >= weeks:
            continue
        if item.promised_on is None:
            table[place].predicted += item.amount
        else:
            table[place].promised += item.amount
    return table


def _day(item: Expected, today: date) -> date:
    if item.promised_on is not None:
        return max(item.promised_on, today)
    usual = item.due_date + timedelta(days=item.usual_lateness)
    if usual >= today:
        return usual
    return today + max(today - usual, WEEK)
