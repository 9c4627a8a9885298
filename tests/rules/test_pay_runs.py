"""Pay runs are read from plain words only, and the next one is a business day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arfollow.shared.workdays import Calendar
from customers.payruns import pay_runs

MONDAY = date(2026, 3, 2)
OPEN = Calendar()


def upcoming(rules: str, day: date = MONDAY, count: int = 3) -> list[str]:
    runs = pay_runs(rules)
    assert runs is not None, rules
    found = []
    for _ in range(count):
        day = runs.next_after(day, OPEN)
        found.append(f"{day:%d %b}")
    return found


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ("Pays on Fridays, five or six weeks after the due date.", ["06 Mar", "13 Mar", "20 Mar"]),
        ("Pay run every Tuesday and Thursday", ["03 Mar", "05 Mar", "10 Mar"]),
        ("Payment run on the 10th and the 25th.", ["10 Mar", "25 Mar", "10 Apr"]),
        ("Pays on the last Tuesday of the month", ["31 Mar", "28 Apr", "26 May"]),
        ("Pay runs: 1st and 3rd Thursday", ["05 Mar", "19 Mar", "02 Apr"]),
        ("Pays at the end of the month", ["31 Mar", "30 Apr", "01 Jun"]),
        ("Checks are run on the last day of each month", ["31 Mar", "30 Apr", "01 Jun"]),
        ("No order number, no payment. Pay run on the 1st and the 15th.",
         ["16 Mar", "01 Apr", "15 Apr"]),
    ],
)  # fmt: skip
def test_the_next_runs_are_those_that_the_rules_name(rules: str, days: list[str]) -> None:
    assert upcoming(rules) == days


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "Orders for the lake houses are in US dollars, all others in euros.",
        "Trustees approve invoices on the last Tuesday of the month.",
        "Pays every second Friday",
        "Pays every other Thursday",
        "Invoices must be in the portal before the 20th to be paid",
        "Pays when reminded",
    ],
)
def test_what_is_not_plain_is_no_pay_run(rules: str) -> None:
    assert pay_runs(rules) is None


def test_a_run_on_a_holiday_is_made_on_the_next_business_day() -> None:
    runs = pay_runs("Pays on Fridays")
    assert runs is not None
    christmas_is_friday = date(2026, 12, 22)
    assert runs.next_after(christmas_is_friday, Calendar("US")) == date(2026, 12, 28)


def test_the_sentence_is_kept_so_that_the_default_can_be_explained() -> None:
    runs = pay_runs("Portal only.\nPay run on the 1st and the 15th.")
    assert runs is not None
    assert runs.said == "Pay run on the 1st and the 15th"


@given(
    day=st.dates(date(2000, 1, 1), date(2080, 1, 1)),
    rules=st.sampled_from(
        ["Pays on Mondays", "Pays on the 31st", "Pays on the 4th Sunday", "Pays on the last day"]
    ),
)
def test_the_next_run_is_later_a_business_day_and_found(day: date, rules: str) -> None:
    runs = pay_runs(rules)
    assert runs is not None
    found = runs.next_after(day, OPEN)
    assert day < found <= day + timedelta(days=66)
    assert OPEN.is_business_day(found)
