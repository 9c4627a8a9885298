"""Business days: weekends, holidays, our closed days and quiet periods; forward only (rule 5)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arfollow.shared.workdays import Calendar

US = Calendar("US")
ENGLAND = Calendar("GB", "ENG")
NOWHERE = Calendar("XX")
DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))
CALENDARS = st.sampled_from([US, ENGLAND, NOWHERE, Calendar("DE", "BY"), Calendar("SA")])


def test_a_weekend_rolls_to_monday() -> None:
    saturday = date(2025, 3, 22)
    assert US.roll_forward(saturday) == date(2025, 3, 24)


def test_christmas_rolls_over_both_holidays_and_the_weekend() -> None:
    assert ENGLAND.roll_forward(date(2026, 12, 25)) == date(2026, 12, 29)


def test_l22_a_holiday_and_the_29th_of_february_roll_forward() -> None:
    assert US.roll_forward(date(2026, 7, 3)) == date(2026, 7, 6)
    assert US.roll_forward(date(2032, 2, 29)) == date(2032, 3, 1)


def test_holidays_differ_by_country() -> None:
    assert not US.is_business_day(date(2026, 11, 26))
    assert ENGLAND.is_business_day(date(2026, 11, 26))


def test_holidays_differ_by_region() -> None:
    corpus_christi = date(2025, 6, 19)
    assert not Calendar("DE", "BY").is_business_day(corpus_christi)
    assert Calendar("DE", "HH").is_business_day(corpus_christi)


def test_an_unknown_region_has_the_holidays_of_its_country() -> None:
    assert not Calendar("US", "Narnia").is_business_day(date(2026, 12, 25))


def test_an_unknown_country_has_weekends_only() -> None:
    assert NOWHERE.is_business_day(date(2026, 12, 25))
    assert not NOWHERE.is_business_day(date(2026, 12, 26))


def test_a_country_that_rests_on_friday_works_on_sunday() -> None:
    riyadh = Calendar("SA")
    assert not riyadh.is_business_day(date(2026, 3, 6))
    assert riyadh.is_business_day(date(2026, 3, 8))


def test_our_own_closed_day_is_no_business_day() -> None:
    day = date(2026, 3, 4)
    assert not Calendar("US", extra_closed=frozenset({day})).is_business_day(day)


def test_a_quiet_period_includes_its_first_and_last_day() -> None:
    quiet = Calendar("US", quiet=((date(2026, 3, 2), date(2026, 3, 6)),))
    assert not quiet.is_business_day(date(2026, 3, 2))
    assert not quiet.is_business_day(date(2026, 3, 6))
    assert quiet.roll_forward(date(2026, 3, 2)) == date(2026, 3, 9)


def test_business_days_are_added_after_the_day() -> None:
    friday = date(2026, 3, 6)
    assert US.add(friday, 1) == date(2026, 3, 9)
    assert US.add(friday, 5) == date(2026, 3, 13)


def test_adding_none_rolls_forward() -> None:
    assert US.add(date(2026, 3, 7), 0) == date(2026, 3, 9)
    assert US.add(date(2026, 3, 6), 0) == date(2026, 3, 6)


def test_business_days_are_not_counted_backwards() -> None:
    with pytest.raises(ValueError, match="forward only"):
        US.add(date(2026, 3, 6), -1)


def test_the_day_before_a_monday_is_friday() -> None:
    assert US.previous(date(2026, 3, 9)) == date(2026, 3, 6)


@given(CALENDARS, DAYS, st.integers(1, 40))
def test_adding_and_counting_agree(calendar: Calendar, day: date, count: int) -> None:
    assert calendar.between(day, calendar.add(day, count)) == count


@given(CALENDARS, DAYS)
def test_rolling_never_goes_back_and_ends_on_a_business_day(calendar: Calendar, day: date) -> None:
    rolled = calendar.roll_forward(day)
    assert rolled >= day
    assert calendar.is_business_day(rolled)
    assert calendar.roll_forward(rolled) == rolled


@given(CALENDARS, DAYS)
def test_the_previous_business_day_is_the_last_one_before(calendar: Calendar, day: date) -> None:
    before = calendar.previous(day)
    assert before < day
    assert calendar.between(before, day - timedelta(days=1)) == 0


@given(CALENDARS, DAYS)
def test_no_business_day_lies_between_a_day_and_itself(calendar: Calendar, day: date) -> None:
    assert calendar.between(day, day) == 0
    assert calendar.between(day, day - timedelta(days=3)) == 0
