"""Why a message was planned says what is due, and since when (R65)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from arfollow.shared import clock
from dunning import runs
from dunning.models import AttemptState, ContactAttempt
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _on_monday() -> Iterator[None]:
    with clock.at(datetime(2026, 3, 2, 6, tzinfo=UTC)):
        make.company()
        yield


def said(days_late: int, **fields: str) -> list[str]:
    customer = make.customer(**fields)
    make.invoice(customer, due=MONDAY - timedelta(days=days_late))
    runs.run(MONDAY)
    planned = ContactAttempt.objects.filter(state=AttemptState.PLANNED)
    return list(planned.values_list("reason_text", flat=True))


def test_a_step_of_its_day_says_which_day_so_that_it_stays_true() -> None:
    assert said(3) == ["The friendly e-mail fell due on 2 March 2026."]


def test_a_step_that_is_caught_up_says_since_when() -> None:
    text = "The friendly e-mail has been due since 9 February 2026."
    assert said(24) == [text]


def test_a_day_that_was_a_sunday_counts_from_the_monday() -> None:
    assert said(4) == ["The friendly e-mail fell due on 2 March 2026."]


def test_a_call_in_the_place_of_an_e_mail_is_named_as_what_it_is() -> None:
    assert said(3, email=None) == ["The call fell due on 2 March 2026."]
