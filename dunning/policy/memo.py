"""Business days remembered for one decision: many items ask for the same few days."""

from datetime import date

from dunning.policy.words import (
    Workdays,
)


class RememberedDays:
    """A calendar that answers each question once; lives as long as one decide()."""

    __slots__ = ("_added", "_days", "_open", "_previous", "_rolled")

    def __init__(self, days: Workdays) -> None:
        self._days = days
        self._open: dict[date, bool] = {}
        self._rolled: dict[date, date] = {}
        self._added: dict[tuple[date, int], date] = {}
        self._previous: dict[date, date] = {}

    def is_business_day(self, day: date) -> bool:
        found = self._open.get(day)
        if found is None:
            found = self._open[day] = self._days.is_business_day(day)
        return found

    def roll_forward(self, day: date) -> date:
        found = self._rolled.get(day)
        if found is None:
            found = self._rolled[day] = self._days.roll_forward(day)
        return found

    def add(self, day: date, count: int) -> date:
        found = self._added.get((day, count))
        if found is None:
            found = self._added[day, count] = self._days.add(day, count)
        return found

    def previous(self, day: date) -> date:
        found = self._previous.get(day)
        if found is None:
            found = self._previous[day] = self._days.previous(day)
        return found
