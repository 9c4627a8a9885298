"""A session ends twelve hours after its log-in, whatever is clicked (ASVS 7.3.2)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from arfollow.staff.models import User
from tests.pages.conftest import PASSWORD, member

# Nothing here depends on the database: once is enough.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mia(client: Client, clock: time_machine.Traveller, empty_cache: None) -> Client:
    """Mia's browser; she came by the door at seven."""
    member("collector")
    client.post("/accounts/login/", {"login": "mia", "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def click_until(client: Client, clock: time_machine.Traveller, end: timedelta) -> None:
    """A click at least every three hours; the last at ``end`` after the log-in."""
    for hours in range(3, int(end / HOUR), 3):
        clock.move_to(MORNING + hours * HOUR)
        assert is_in(client), hours
    clock.move_to(MORNING + end)


def test_it_ends_after_twelve_hours_whatever_is_clicked(
    mia: Client, clock: time_machine.Traveller
) -> None:
    click_until(mia, clock, 12 * HOUR - timedelta(minutes=1))
    assert is_in(mia)
    clock.shift(HOUR / 60)
    assert not is_in(mia)
    clock.move_to(MORNING + 11 * HOUR)
    assert not is_in(mia), "it is gone, not only refused"


def test_what_is_posted_after_the_end_changes_nothing_and_leads_to_the_door(
    mia: Client, clock: time_machine.Traveller
) -> None:
    click_until(mia, clock, 12 * HOUR)
    answer = mia.post("/profile/", {"first_name": "Zoe", "last_name": "Late"})
    assert answer["Location"] == "/accounts/login/?next=/profile/"
    assert User.objects.get(username="mia").first_name == "Mia"


def test_a_new_log_in_has_twelve_hours_again(mia: Client, clock: time_machine.Traveller) -> None:
    click_until(mia, clock, 12 * HOUR)
    mia.post("/accounts/login/", {"login": "mia", "password": PASSWORD})
    clock.shift(3 * HOUR)
    assert is_in(mia)


def test_a_session_of_before_the_upgrade_has_twelve_hours_from_its_next_click(
    mia: Client, clock: time_machine.Traveller
) -> None:
    session = mia.session
    del session["began"]
    session.save()
    assert is_in(mia)
    click_until(mia, clock, 12 * HOUR)
    assert not is_in(mia)


@pytest.mark.parametrize(("back", "stays"), [(timedelta(minutes=1), True), (HOUR, False)])
def test_a_log_in_that_is_yet_to_come_ends_beyond_what_clocks_differ(
    mia: Client, clock: time_machine.Traveller, back: timedelta, stays: bool
) -> None:
    clock.shift(-back)
    assert is_in(mia) is stays


def test_a_clock_that_goes_back_lengthens_it_by_no_more_than_that(
    mia: Client, clock: time_machine.Traveller
) -> None:
    click_until(mia, clock, 9 * HOUR)
    clock.shift(-2 * HOUR)
    for _ in range(4):
        assert is_in(mia)
        clock.shift(HOUR)
    clock.shift(HOUR)
    assert not is_in(mia)
