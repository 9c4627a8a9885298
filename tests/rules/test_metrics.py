"""DSO, CEI and the rest, to the vectors of the trade (FACTS section 4)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.metrics import (
    Expected,
    MonthSales,
    average_days_delinquent,
    average_days_late,
    best_possible_dso,
    countback_dso,
    effectiveness,
    effectiveness_monthly,
    expected_cash,
    kept_rate,
    right_party_rate,
    simple_dso,
)

D = Decimal
JAN, FEB, MAR = MonthSales(D(3390), 31), MonthSales(D(3610), 28), MonthSales(D(3890), 31)
SALES = D(10890)
SATURDAY = date(2026, 11, 21)
MONDAY = date(2026, 11, 16)


def test_simple_dso_is_receivables_by_sales_times_days() -> None:
    assert simple_dso(D(6340), SALES, 90) == D("52.40")


def test_best_possible_dso_counts_only_what_is_not_due() -> None:
    assert best_possible_dso(D(3590), SALES, 90) == D("29.67")


def test_average_days_delinquent_is_what_lateness_adds() -> None:
    assert average_days_delinquent(D("52.40"), D("29.67")) == D("22.73")
    assert average_days_delinquent(None, D("29.67")) is None


def test_count_back_takes_whole_months_and_a_part_of_the_next() -> None:
    assert countback_dso(D(6340), [MAR, FEB, JAN]) == D("50.0")


def test_count_back_of_less_than_a_month_is_a_part_of_the_newest() -> None:
    assert countback_dso(D(1945), [MAR, FEB]) == D("15.5")


def test_count_back_through_all_months_is_all_their_days() -> None:
    assert countback_dso(D(99999), [MAR, FEB, JAN]) == D("90.0")


def test_nothing_owed_is_no_days() -> None:
    assert countback_dso(D(0), [MAR]) == D("0.0")


def test_a_month_without_sales_is_stepped_over() -> None:
    assert countback_dso(D(3610), [MonthSales(D(0), 30), FEB]) == D("58.0")


@pytest.mark.parametrize("months", [[], [MonthSales(D(0), 30)]])
def test_without_sales_there_is_no_dso(months: list[MonthSales]) -> None:
    assert countback_dso(D(100), months) is None
    assert simple_dso(D(100), D(0), 30) is None


def test_cei_in_its_period_form() -> None:
    assert effectiveness(D(6200), SALES, D(6340), D(3590)) == D("79.63")


def test_cei_with_the_sales_of_an_average_month() -> None:
    assert effectiveness_monthly(D(6200), SALES, 3, D(6340), D(3590)) == D("55.93")


def test_cei_of_nothing_to_collect_is_unknown() -> None:
    assert effectiveness(D(0), D(100), D(100), D(100)) is None
    assert effectiveness_monthly(D(0), D(100), 0, D(100), D(100)) is None


def test_days_late_are_weighed_by_amount() -> None:
    assert average_days_late([(D(900), 0), (D(100), 50)]) == D("5.0")
    assert average_days_late([(D(100), -10)]) == D("-10.0")
    assert average_days_late([]) is None


def test_rates_are_percentages_of_what_could_be() -> None:
    assert kept_rate(3, 4) == D("75.00")
    assert right_party_rate(1, 3) == D("33.33")
    assert kept_rate(0, 0) is None


def weeks(*items: Expected) -> list[tuple[int, Decimal, Decimal]]:
    """Weeks with anything in them, by number."""
    table = expected_cash(items, SATURDAY)
    return [(n, w.promised, w.predicted) for n, w in enumerate(table) if w.promised or w.predicted]


def test_the_first_week_is_the_one_we_are_in() -> None:
    table = expected_cash([], SATURDAY)
    assert (len(table), table[0].start, table[12].start) == (13, MONDAY, date(2027, 2, 8))


def test_a_promise_counts_on_its_day() -> None:
    item = Expected(D(50), date(2026, 1, 1), 30, promised_on=date(2026, 12, 1))
    assert weeks(item) == [(2, D(50), D(0))]


def test_a_promise_whose_day_has_passed_counts_today() -> None:
    item = Expected(D(50), date(2026, 1, 1), promised_on=date(2026, 11, 1))
    assert weeks(item) == [(0, D(50), D(0))]


def test_what_is_not_due_comes_as_late_as_the_customer_usually_pays() -> None:
    assert weeks(Expected(D(50), date(2026, 11, 30), 10)) == [(3, D(0), D(50))]


def test_whoever_is_beyond_their_habit_is_expected_later_the_longer_they_are() -> None:
    assert weeks(Expected(D(50), date(2026, 11, 1), 10)) == [(2, D(0), D(50))]
    assert weeks(Expected(D(50), date(2026, 11, 11), 9)) == [(1, D(0), D(50))]


def test_a_year_overdue_is_not_expected_within_a_quarter() -> None:
    assert weeks(Expected(D(50), date(2025, 11, 1), 10)) == []


@given(
    st.lists(
        st.builds(
            Expected,
            st.decimals(min_value="0.01", max_value="9999", places=2),
            st.dates(date(2025, 1, 1), date(2027, 12, 31)),
            st.integers(-20, 90),
            st.none() | st.dates(date(2026, 1, 1), date(2027, 6, 30)),
        ),
        max_size=30,
    )
)
def test_no_money_is_counted_twice_or_before_this_week(items: list[Expected]) -> None:
    table = expected_cash(items, SATURDAY)
    counted = sum((week.promised + week.predicted for week in table), D(0))
    assert counted <= sum((item.amount for item in items), D(0))
    assert all(week.start >= SATURDAY - timedelta(days=6) for week in table)
