"""Business days: weekends and holidays of a country, our own closed days, quiet periods.

Everything moves forward only (rule 5).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

ONE_DAY = timedelta(days=1)
SATURDAY_SUNDAY = frozenset({5, 6})
Period = tuple[date, date]


@lru_cache(maxsize=512)
def _closed_by_law(country: str, region: str | None, year: int) -> frozenset[date]:
    """Public holidays of a year; none for a country or region the library does not know."""
    for subdivision in (region or None, None):
        try:
            found = holidays.country_holidays(country, subdiv=subdivision, years=year)
        except NotImplementedError:
            continue
        return frozenset(day for day in found if day.year == year)
    return frozenset()


@lru_cache(maxsize=256)
def _weekend(country: str) -> frozenset[int]:
    """Weekday numbers (Monday is 0) on which the country does not work."""
    try:
        return frozenset(holidays.country_holidays(country).weekend)
    except NotImplementedError:
        return SATURDAY_SUNDAY


@dataclass(frozen=True)
class Calendar:
    """The business days of a country (ISO 3166 alpha-2), with what else is closed.

    ``quiet`` are periods, first and last day included, in which nothing is sent.
    An unknown country has weekends only.
    """

    country: str = ""
    region: str | None = None
    extra_closed: frozenset[date] = frozenset()
    quiet: tuple[Period, ...] = ()

    def is_business_day(self, day: date) -> bool:
        """Whether work is done and messages leave on that day."""
        if day.weekday() in _weekend(self.country) or day in self.extra_closed:
            return False
        if any(start <= day <= end for start, end in self.quiet):
            return False
        return day not in _closed_by_law(self.country, self.region, day.year)

    def roll_forward(self, day: date) -> date:
        """The day itself, or the next business day."""
        while not self.is_business_day(day):
            day += ONE_DAY
        return day

    def add(self, day: date, count: int) -> date:
        """The ``count``-th business day after ``day``; with 0 the day rolled forward."""
        if count < 0:
            raise ValueError("business days are counted forward only")
        day = self.roll_forward(day) if count == 0 else day
        for _ in range(count):
            day = self.roll_forward(day + ONE_DAY)
        return day

    def between(self, first: date, last: date) -> int:
        """How many business days lie after ``first``, up to and including ``last``."""
        days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
        return sum(1 for day in days if self.is_business_day(day))

    def previous(self, day: date) -> date:
        """The last business day before ``day``."""
        day -= ONE_DAY
        while not self.is_business_day(day):
            day -= ONE_DAY
        return day
