"""On which days a customer pays, read from the words of their payment rules.

Only what is said plainly is understood: weekdays ("pays on Fridays", "the last Tuesday of
the month"), days of the month ("pay run on the 1st and the 15th", "at the end of the
month"). Anything else is None: a pay run is a default, never a guess.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from arfollow.shared.workdays import Calendar

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NTH = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4,
       "last": -1}  # fmt: skip
LAST_DAY = 32
SEARCHED = 70
"""Days looked ahead: a monthly run is found in any case."""

_ABOUT_PAYING = re.compile(r"\b(pay|pays|paid|paying|payment|payments|run|runs|cheques?|checks?)\b")
_SENTENCE = re.compile(r"[.;\n]+")
_WEEKDAY = re.compile(rf"\b({'|'.join(DAYS)})s?\b")
_ORDINALS = re.compile(
    rf"\b((?:(?:{'|'.join(NTH)})(?:,| and|,? and the| or)? ?)+)({'|'.join(DAYS)})s?\b"
)
_MONTH_DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b")
_MONTH_END = re.compile(r"\b(last day|end of (?:the |each |every )?month|month[- ]end)\b")
_ALTERNATE = re.compile(r"\b(other|alternate|fortnight\w*|biweekly|bi-weekly)\b|every second\b")
_DEADLINE = re.compile(r"\b(before|until|till|by|approve\w*|invoices? in)\b")


@dataclass(frozen=True, slots=True)
class PayRuns:
    """Days of pay runs: (nth, weekday) pairs, 0 for every week, -1 for the last; month days."""

    weekdays: frozenset[tuple[int, int]] = frozenset()
    month_days: frozenset[int] = frozenset()
    said: str = ""

    def is_on(self, day: date) -> bool:
        """Whether a run falls on that day."""
        last = monthrange(day.year, day.month)[1]
        if day.day in self.month_days or (day.day == last and LAST_DAY in self.month_days):
            return True
        nth = (day.day - 1) // 7 + 1
        fits = {0, nth, -1 if day.day + 7 > last else 0}
        return any(weekday == day.weekday() and which in fits for which, weekday in self.weekdays)

    def next_after(self, day: date, calendar: Calendar) -> date:
        """The business day of the next run later than ``day``, rolled forward (rule 5)."""
        ahead = (day + timedelta(days=n) for n in range(1, SEARCHED))
        return calendar.roll_forward(next(each for each in ahead if self.is_on(each)))


def pay_runs(rules: str) -> PayRuns | None:
    """The pay runs that the payment rules speak of; None where they say nothing plain."""
    for sentence in _SENTENCE.split(rules):
        found = _read(sentence.strip())
        if found is not None:
            return found
    return None


def _read(sentence: str) -> PayRuns | None:
    said = sentence.lower()
    if not _ABOUT_PAYING.search(said) or _ALTERNATE.search(said) or _DEADLINE.search(said):
        return None
    weekdays: set[tuple[int, int]] = set()
    for match in _ORDINALS.finditer(said):
        names = re.findall("|".join(NTH), match.group(1))
        weekdays |= {(NTH[name], DAYS.index(match.group(2))) for name in names}
    rest = _ORDINALS.sub(" ", said)
    weekdays |= {(0, DAYS.index(match.group(1))) for match in _WEEKDAY.finditer(rest)}
    days = {int(match.group(1)) for match in _MONTH_DAY.finditer(rest)}
    days = {day for day in days if 1 <= day <= 31}
    if _MONTH_END.search(rest):
        days.add(LAST_DAY)
    if not weekdays and not days:
        return None
    return PayRuns(frozenset(weekdays), frozenset(days), sentence)
