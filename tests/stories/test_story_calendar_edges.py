"""29 February, the turn of the year, and the holidays of the customer's country (F-49, L22)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core import mail

from customers.terms import Kind, Terms, due_date
from dunning import runs
from dunning.outcomes import PlanTerms, lay_out
from tests import make, outbox
from tests.stories.beat import broken_promises, live, mails

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]

DAY = timedelta(days=1)
LEAP_DAY = date(2028, 2, 29)  # a Tuesday


def at_ten(*wanted: date) -> list[datetime]:
    """Two ticks on each of these days: the run at six, the messages at ten."""
    return [datetime(d.year, d.month, d.day, h, tzinfo=UTC) for d in wanted for h in (6, 10)]


def leaves_on(expected: date, *, due: date, **customer: str) -> None:
    """The first step (three days late) leaves on that day: not before it and not twice."""
    outbox.company()
    make.invoice(make.customer("C-1", **customer), due=due)
    live(at_ten(*sorted({due + 2 * DAY, due + 3 * DAY, expected - DAY})))
    assert len(mail.outbox) == (1 if expected == due + 3 * DAY else 0)
    live(at_ten(expected, expected + DAY))
    [sent] = mails()
    assert (sent.local_date, len(mail.outbox)) == (expected, 1)
    assert [item.days_late for item in sent.items.all()] == [(expected - due).days]
    assert broken_promises(outbox.SLOT) == []


# --- 29 February --------------------------------------------------------------------------------


def test_a_message_may_leave_on_the_29th_of_february() -> None:
    leaves_on(LEAP_DAY, due=LEAP_DAY - 3 * DAY)


def test_what_is_due_on_the_29th_of_february_is_three_days_late_on_the_third_of_march() -> None:
    leaves_on(date(2028, 3, 3), due=LEAP_DAY)


def test_without_a_29th_the_steps_after_february_come_a_day_of_the_calendar_later() -> None:
    leaves_on(date(2027, 3, 1), due=date(2027, 2, 26))


@pytest.mark.parametrize("days", [365])
def test_years_after_a_29th_of_february_a_run_still_counts_its_days(days: int) -> None:
    """There is no 29 February in the year after: nothing falls on it, nothing breaks on it."""
    outbox.company()
    make.invoice(make.customer("C-1"), due=LEAP_DAY)
    today = LEAP_DAY + days * DAY
    report = runs.run(today)
    assert report is not None
    assert report.warnings == []
    live(at_ten(today, today + DAY, today + 2 * DAY, today + 3 * DAY))
    [sent] = mails()
    assert [item.days_late for item in sent.items.all()] == [(sent.local_date - LEAP_DAY).days]


def test_monthly_parts_from_the_end_of_january_pass_by_the_29th_of_february() -> None:
    parts = lay_out(Decimal("300.00"), PlanTerms(first_on=date(2028, 1, 31), count=3))
    assert [part.due_on for part in parts] == [date(2028, 1, 31), LEAP_DAY, date(2028, 3, 31)]
    parts = lay_out(Decimal("300.00"), PlanTerms(first_on=date(2027, 1, 31), count=2))
    assert parts[1].due_on == date(2027, 2, 28)


def test_terms_reach_the_29th_of_february() -> None:
    net = Terms(Kind.NET, days=30)
    assert due_date(net, date(2028, 1, 30)) == LEAP_DAY
    assert due_date(net, date(2028, 1, 31)) == date(2028, 3, 1)


# --- the turn of the year -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "leaves"),
    [
        ("US", date(2026, 12, 28)),  # Christmas is a Friday, then a weekend
        ("GB", date(2026, 12, 29)),  # Boxing Day is a Saturday: Monday is closed instead
        ("JP", date(2026, 12, 25)),  # no holiday there
    ],
)
def test_a_step_that_falls_on_christmas_leaves_on_their_next_working_day(
    country: str, leaves: date
) -> None:
    leaves_on(leaves, due=date(2026, 12, 22), country=country)


@pytest.mark.parametrize(
    ("country", "region", "leaves"),
    [
        ("US", "", date(2027, 1, 4)),
        ("GB", "SCT", date(2027, 1, 5)),  # 2 January is a Saturday: Monday is closed in Scotland
    ],
)
def test_a_step_that_falls_on_new_years_day_leaves_in_the_new_year(
    country: str, region: str, leaves: date
) -> None:
    leaves_on(leaves, due=date(2026, 12, 29), country=country, region=region)


def test_new_years_day_on_a_saturday_closes_the_friday_of_the_old_year() -> None:
    """1 January 2028 is a Saturday, which the United States keep on 31 December 2027."""
    leaves_on(date(2028, 1, 3), due=date(2027, 12, 28), country="US")


def test_from_one_year_to_the_next_the_days_are_counted_on() -> None:
    leaves_on(date(2026, 12, 31), due=date(2026, 12, 28), country="JP")


def test_our_holiday_is_not_theirs() -> None:
    """We rest on the fourth of July; who sits in Germany is written to all the same."""
    outbox.company(country="US")
    make.invoice(make.customer("C-1", country="DE"), due=date(2029, 7, 1))
    live(at_ten(date(2029, 7, 3), date(2029, 7, 4), date(2029, 7, 5)))
    assert [sent.local_date for sent in mails()] == [date(2029, 7, 4)]
