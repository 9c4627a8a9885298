"""When a message may leave: the next send slot in the customer's zone, forward only (rule 5).

Business time is passed in; only leases use the database clock.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from arfollow.shared.workdays import ONE_DAY, Calendar
from arfollow.staff.models import Company

MINUTES_A_DAY = 24 * 60


class Slot(NamedTuple):
    """The moment a message may leave, and the customer's date then."""

    due_at: datetime
    local_date: date


@dataclass(frozen=True, slots=True)
class SendTimes:
    """The company's settings of when messages leave; minutes count from local midnight."""

    window_start: int
    window_end: int
    slot_minute: int
    undo: timedelta
    zone: str
    continuous: bool = False
    every_day: bool = False

    @classmethod
    def of(cls, company: Company) -> "SendTimes":
        """As the company page has them."""
        return cls(
            window_start=company.send_window_start * 60,
            window_end=company.send_window_end * 60,
            slot_minute=company.send_slot_minute,
            undo=timedelta(seconds=company.undo_seconds),
            zone=company.time_zone,
            continuous=company.continuous_slots,
            every_day=company.send_every_day,
        )


def zone_of(times: SendTimes, customer_zone: str) -> ZoneInfo:
    """The customer's zone; ours where none is known."""
    return ZoneInfo(customer_zone or times.zone)


def next_slot(
    times: SendTimes,
    *,
    zone: ZoneInfo,
    calendar: Calendar,
    now: datetime,
    not_before: date | None = None,
    taken: Container[date] = frozenset(),
) -> Slot:
    """The first slot after the undo window, on a free business day of the customer.

    ``taken`` are the days on which the customer already gets a message on that channel;
    ``not_before`` is the customer's date it was decided for.
    """
    earliest = (now + times.undo).astimezone(UTC)  # time that passes, not that of a wall
    day = earliest.astimezone(zone).date()
    if not_before is not None:
        day = max(day, not_before)
    while True:
        moment = _moment(times, day, zone, earliest)
        open_day = times.every_day or calendar.is_business_day(day)
        if moment is not None and open_day and day not in taken:
            return Slot(moment, day)
        day += ONE_DAY


def in_window(times: SendTimes, *, zone: ZoneInfo, calendar: Calendar, moment: datetime) -> bool:
    """Whether a message may leave at this moment: business day and hours of the customer."""
    local = moment.astimezone(zone)
    if not (times.every_day or calendar.is_business_day(local.date())):
        return False
    return times.window_start <= local.hour * 60 + local.minute < times.window_end


def _moment(times: SendTimes, day: date, zone: ZoneInfo, earliest: datetime) -> datetime | None:
    """The slot of one day that does not lie before ``earliest``; None where there is none."""
    if times.continuous:
        first = _at(day, times.window_start, zone)
        slot = max(first, _whole_minute(earliest)).astimezone(zone)
    else:
        last = min(times.window_end, MINUTES_A_DAY) - 1
        slot = _at(day, min(max(times.slot_minute, times.window_start), last), zone)
    return slot if slot >= earliest and _is_open(times, slot, day) else None


def _is_open(times: SendTimes, slot: datetime, day: date) -> bool:
    """Whether the wall really shows that day and an hour of the window: where the clocks go
    forward, a window may be missing."""
    minute = slot.hour * 60 + slot.minute
    return slot.date() == day and times.window_start <= minute < times.window_end


def _whole_minute(moment: datetime) -> datetime:
    rest = timedelta(seconds=moment.second, microseconds=moment.microsecond)
    return moment if not rest else moment - rest + timedelta(minutes=1)


def _at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """That minute by the wall; of a doubled hour the first, of a missing one what follows it."""
    named = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return named.astimezone(UTC).astimezone(zone)
