"""When a message may leave: the customer's zone, business days, forward only (rule 5)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arfollow.shared.workdays import Calendar
from dunning.outbox.slots import SendTimes, in_window, next_slot

USUAL = SendTimes(
    window_start=8 * 60, window_end=17 * 60, slot_minute=600, undo=timedelta(hours=2), zone="UTC"
)
DEMO = SendTimes(
    window_start=0, window_end=24 * 60, slot_minute=600, undo=timedelta(seconds=30), zone="UTC",
    continuous=True, every_day=True,
)  # fmt: skip
US = Calendar("US")
LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
HERE = ZoneInfo("UTC")
KIRITIMATI, PAGO_PAGO = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")


def slot(now, *, times=USUAL, zone=HERE, calendar=US, **options):
    return next_slot(times, zone=zone, calendar=calendar, now=now, **options)


def test_a_morning_run_sends_at_ten():
    assert slot(datetime(2026, 3, 2, 6, tzinfo=UTC)).due_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_within_the_undo_window_of_the_slot_it_is_the_next_day():
    assert slot(datetime(2026, 3, 2, 8, tzinfo=UTC)).local_date == date(2026, 3, 2)
    assert slot(datetime(2026, 3, 2, 8, 1, tzinfo=UTC)).local_date == date(2026, 3, 3)


def test_l22_friday_evening_rolls_to_monday():
    assert slot(datetime(2026, 3, 6, 18, tzinfo=UTC)).local_date == date(2026, 3, 9)


def test_l22_a_holiday_of_the_customers_country_rolls_forward():
    before = datetime(2026, 7, 2, 18, tzinfo=UTC)  # 3 July 2026 is observed, then the weekend
    assert slot(before).local_date == date(2026, 7, 6)
    assert slot(before, calendar=Calendar("GB")).local_date == date(2026, 7, 3)


def test_l22_the_29th_of_february_is_a_day_like_any_other():
    assert slot(datetime(2028, 2, 28, 18, tzinfo=UTC)).local_date == date(2028, 2, 29)


def test_l04_ten_in_the_morning_is_the_customers():
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert slot(now, zone=NEW_YORK).due_at == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert slot(now, zone=LONDON).due_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hour"), [(date(2026, 3, 6), 15), (date(2026, 3, 9), 14), (date(2026, 11, 2), 15)]
)
def test_l04_summer_time_keeps_the_local_hour(day, hour):
    now = datetime.combine(day, datetime.min.time(), UTC)
    assert slot(now, zone=NEW_YORK).due_at.astimezone(UTC).hour == hour


def test_l04_the_far_ends_of_the_date_line_have_their_own_day():
    now = datetime(2026, 3, 2, 18, tzinfo=UTC)  # Tuesday there, Monday here
    assert slot(now, zone=KIRITIMATI).local_date == date(2026, 3, 3)
    assert slot(now, zone=PAGO_PAGO).local_date == date(2026, 3, 2)


def test_a_taken_day_is_passed_over():
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    taken = {date(2026, 3, 2), date(2026, 3, 3)}
    assert slot(now, taken=taken).local_date == date(2026, 3, 4)


def test_it_never_leaves_before_the_day_it_was_decided_for():
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert slot(now, not_before=date(2026, 3, 5)).local_date == date(2026, 3, 5)


def test_a_slot_outside_the_window_is_moved_into_it():
    early = SendTimes(
        window_start=9 * 60, window_end=17 * 60, slot_minute=300, undo=timedelta(0), zone="UTC"
    )
    assert slot(datetime(2026, 3, 2, 1, tzinfo=UTC), times=early).due_at.hour == 9


def test_a_demonstration_sends_each_minute_of_every_day():
    sunday = datetime(2026, 3, 1, 23, 58, 20, tzinfo=UTC)
    assert slot(sunday, times=DEMO).due_at == datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert slot(sunday + timedelta(minutes=1, seconds=20), times=DEMO).due_at == datetime(
        2026, 3, 2, 0, 1, tzinfo=UTC
    )


def test_continuous_slots_keep_to_the_window():
    times = SendTimes(
        window_start=8 * 60, window_end=17 * 60, slot_minute=600, undo=timedelta(0), zone="UTC",
        continuous=True,
    )  # fmt: skip
    assert slot(datetime(2026, 3, 2, 6, tzinfo=UTC), times=times).due_at.hour == 8
    evening = slot(datetime(2026, 3, 2, 17, tzinfo=UTC), times=times)
    assert evening.due_at == datetime(2026, 3, 3, 8, tzinfo=UTC)


@given(
    now=st.integers(0, 4 * 366 * 24 * 60).map(
        lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    zone=st.sampled_from([LONDON, NEW_YORK, KIRITIMATI, PAGO_PAGO, HERE]),
    times=st.sampled_from([USUAL, DEMO]),
)
def test_every_slot_lies_ahead_in_the_window_on_its_own_date(now, zone, times):
    found = slot(now, times=times, zone=zone)
    assert found.due_at >= now + times.undo
    assert found.due_at.astimezone(zone).date() == found.local_date
    assert in_window(times, zone=zone, calendar=US, moment=found.due_at)


def test_the_window_closes_at_its_end():
    for hour, minute, is_open in [(7, 59, False), (8, 0, True), (16, 59, True), (17, 0, False)]:
        moment = datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
        assert in_window(USUAL, zone=ZoneInfo("UTC"), calendar=US, moment=moment) is is_open


def test_the_window_is_closed_on_weekends():
    sunday = datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert not in_window(USUAL, zone=ZoneInfo("UTC"), calendar=US, moment=sunday)
    assert in_window(DEMO, zone=ZoneInfo("UTC"), calendar=US, moment=sunday)
