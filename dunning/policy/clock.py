"""Rule 1, the clock: when an item's next step is due, and rule 5's stated deadlines."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from dunning.policy.ladder import Ladder, Position, Rung
from dunning.policy.reasons import Reason
from dunning.policy.types import (
    ItemFacts,
    Policy,
    PolicySettings,
    Settings,
)
from dunning.policy.words import (
    Interval,
    Reference,
    Tone,
    Workdays,
)

ONE_DAY = timedelta(days=1)


class Due(NamedTuple):
    """A day, with the part of rule 1 that decided it."""

    on: date
    because: Reason


def reference_date(policy: Policy, item: ItemFacts) -> date:
    """The day the policy counts from; P1 counts from issue, but never before due - 21."""
    if policy.reference is Reference.LATER_OF_ISSUE_AND_DUE_LESS_21:
        return max(item.issue_date, item.due_date - timedelta(days=21))
    return item.due_date


def stopped_days(stops: Iterable[Interval], since: date, until: date) -> int:
    """Days from *since* up to the day before *until* that lie in any of the intervals."""
    last = until - ONE_DAY
    count, reached = 0, since - ONE_DAY
    for start, end in sorted(stops, key=lambda stop: stop.start):
        first = max(start, reached + ONE_DAY)
        stop = min(end or last, last)
        if first <= stop:
            count += (stop - first).days + 1
            reached = stop
    return count


class Clock(NamedTuple):
    """What rule 1 needs beside the item: its ladder, the calendars, today."""

    ladder: Ladder
    days: Workdays
    our_days: Workdays | None
    quiet: tuple[Interval, ...]
    today: date

    @property
    def rules(self) -> PolicySettings:
        return self.ladder.policy.settings

    def rolled(self, day: date, rung: Rung) -> date:
        """Forward to a business day of the customer, and of ours where people must act."""
        day = self.days.roll_forward(day)
        if self.our_days is None or not rung.by_hand:
            return day
        while not (self.our_days.is_business_day(day) and self.days.is_business_day(day)):
            day = self.days.roll_forward(self.our_days.roll_forward(day + ONE_DAY))
        return day

    def stopped(self, item: ItemFacts, rung: Rung, since: date) -> int:
        """Stopped days since then; quiet periods do not stop a courtesy's clock (rule 5)."""
        if rung.step.tone is Tone.COURTESY:
            return 0
        stops = item.clock_stops + self.quiet
        return stopped_days(stops, since, self.today) if stops else 0

    def pause_end(self, place: int, last_on: date, stopped: int = 0) -> date:
        """First day after the pause: the day difference, at least 5 business, at most 14 days,
        and as many days more as the clock stood still since."""
        rungs, rules = self.ladder.rungs, self.rules
        known = 0 < place < len(rungs)
        gap = rungs[place].day - rungs[place - 1].day if known else rules.pause_max_days
        longest = last_on + timedelta(days=min(gap, rules.pause_max_days) + stopped)
        return max(longest, self.days.add(last_on, rules.pause_min_business_days))

    def due(self, item: ItemFacts, position: Position) -> Due:
        """When the rung at the item's position is due, and which part of rule 1 says so.

        Stopped days since the last step lengthen its pause too: our delay never escalates.
        """
        rung = self.ladder.rungs[position.next]
        reference = reference_date(self.ladder.policy, item)
        own = reference + timedelta(days=rung.day + self.stopped(item, rung, reference))
        parts = [Due(own, Reason.NOT_DUE)]
        if position.last_on is not None and position.missing is None:
            stopped = self.stopped(item, rung, position.last_on)
            end = self.pause_end(position.next, position.last_on, stopped)
            parts.append(Due(end, Reason.PAUSE))
        if position.delivered_on is not None:
            rest = self.days.add(position.delivered_on, self.rules.pause_min_business_days)
            parts.append(Due(rest, Reason.PAUSE))
        if position.pay_by is not None and position.missing is None:
            parts.append(Due(self.days.add(position.pay_by, 1), Reason.PAY_BY))
        latest = max(parts, key=lambda part: part.on)
        return Due(self.rolled(latest.on, rung), latest.because)

    def after(self, item: ItemFacts, place: int) -> date:
        """When the rung after *place* would be due if *place* is done today."""
        position = Position(next=place + 1, last_on=self.today)
        if place + 1 < len(self.ladder.rungs):
            return self.due(item, position).on
        return self.days.roll_forward(self.pause_end(place + 1, self.today))

    def deadline(self, item: ItemFacts, place: int) -> date:
        """The last business day before the item's next step (rule 5)."""
        return self.days.previous(self.after(item, place))


def legal_deadline(
    days: Workdays, settings: Settings, country: str, legal_type: str, today: date
) -> date:
    """The earliest deadline a final demand may state (FACTS section 6)."""
    wait = settings.final_legal_days_by.get((country, legal_type), settings.final_legal_days)
    return days.roll_forward(today + timedelta(days=wait))
