"""The missing and the doubled hour: nothing early, nothing twice, nothing forgotten (F-49, L4)."""

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest

from arfollow.shared.workdays import Calendar
from dunning.outbox.slots import SendTimes, in_window, next_slot
from tests import make, outbox
from tests.stories.beat import broken_promises, hours, live, local, mails, walls

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]

# The hour that is missing, or comes twice, in 2026: New York, Berlin, and two southern zones.
MISSING = [
    ("America/New_York", date(2026, 3, 8), 2),
    ("Europe/Berlin", date(2026, 3, 29), 2),
    ("Australia/Sydney", date(2026, 10, 4), 2),
    ("America/Santiago", date(2026, 9, 6), 0),
]
DOUBLED = [
    ("America/New_York", date(2026, 11, 1), 1),
    ("Europe/Berlin", date(2026, 10, 25), 2),
    ("Australia/Sydney", date(2026, 4, 5), 2),
    ("America/Santiago", date(2026, 4, 4), 23),
]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def late_on(day: date, zone: str, **company: object) -> None:
    """A customer whose first step (three days late) falls on that day; ours sends every day."""
    outbox.company(time_zone=zone, send_every_day=True, **company)
    make.invoice(make.customer("C-1", country="US"), due=day - 3 * DAY)


@pytest.mark.parametrize(("zone", "day", "hour"), MISSING[:2] + MISSING[3:])
def test_a_slot_in_the_missing_hour_is_taken_an_hour_later_by_the_wall(
    zone: str, day: date, hour: int
) -> None:
    """There is no 02:30: the message leaves once, at the moment whose name is 03:30."""
    late_on(day, zone, send_window_start=0, send_slot_minute=hour * 60 + 30, undo_seconds=0)
    left = live(hours(local(day, hour, zone).astimezone(UTC) - 2 * HOUR, 8, minutes=30))
    assert walls(left, zone) == [f"{day} {hour + 1:02}:30"]
    [sent] = mails()
    assert (sent.local_date, sent.done_on) == (day, day)
    assert broken_promises(left[0].at) == []


@pytest.mark.parametrize(("zone", "day", "hour"), DOUBLED[:2] + DOUBLED[3:])
def test_the_hour_that_comes_twice_brings_one_message(zone: str, day: date, hour: int) -> None:
    open_all_day = {"send_window_start": 0, "send_window_end": 24, "undo_seconds": 0}
    late_on(day, zone, send_slot_minute=hour * 60 + 30, **open_all_day)
    first = local(day, hour, zone).astimezone(UTC)
    left = live(hours(first - HOUR / 2, 7, minutes=30))
    assert [one.at for one in left] == [first + HOUR / 2], "the first of the two"
    [sent] = mails()
    assert (sent.local_date, sent.done_on) == (day, day)
    assert broken_promises(left[0].at) == []


@pytest.mark.parametrize(("zone", "day", "hour"), [*MISSING[:3], *DOUBLED[:3]])
def test_the_window_keeps_its_hours_by_the_wall_on_the_day_the_clocks_change(
    zone: str, day: date, hour: int
) -> None:
    """08:00 to 17:00 and a slot at 10:00, whatever the offset was at midnight."""
    times = SendTimes(8 * 60, 17 * 60, 600, timedelta(0), zone, every_day=True)
    there, now = ZoneInfo(zone), local(day, 0, zone).astimezone(UTC)
    open_hours = [
        moment.astimezone(there).hour
        for moment in hours(now, 24)
        if in_window(times, zone=there, calendar=Calendar(), moment=moment)
    ]
    assert open_hours == list(range(8, 17))
    slot = next_slot(times, zone=there, calendar=Calendar(), now=now)
    assert (slot.due_at.hour, slot.local_date) == (10, day)


@pytest.mark.parametrize(("zone", "day", "hour"), DOUBLED)
@pytest.mark.parametrize("minutes", [-30, 0, 30, 60, 75, 90, 119, 120])
def test_the_undo_window_is_as_long_in_the_doubled_hour(
    zone: str, day: date, hour: int, minutes: int
) -> None:
    """Slots of every minute: the second 01:15 is an hour later than the first."""
    undo = timedelta(minutes=10)
    times = SendTimes(0, 24 * 60, 600, undo, zone, continuous=True, every_day=True)
    now = local(day, hour, zone).astimezone(UTC) + timedelta(minutes=minutes)
    slot = next_slot(times, zone=ZoneInfo(zone), calendar=Calendar(), now=now)
    assert slot.due_at.astimezone(UTC) == now + undo
    assert slot.local_date == slot.due_at.date()


@pytest.mark.parametrize(("zone", "day", "hour"), MISSING)
def test_a_window_that_is_missing_altogether_opens_on_the_next_day(
    zone: str, day: date, hour: int
) -> None:
    """A window of one hour that this day does not have: no slot outside it, no endless waiting."""
    at = hour * 60
    times = SendTimes(at, at + 60, at + 30, timedelta(0), zone, every_day=True)
    there, now = ZoneInfo(zone), local(day - DAY, hour + 2, zone).astimezone(UTC)
    slot = next_slot(times, zone=there, calendar=Calendar(), now=now)
    assert slot == (local(day + DAY, hour, zone, 30), day + DAY)
    assert in_window(times, zone=there, calendar=Calendar(), moment=slot.due_at)
