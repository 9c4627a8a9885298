"""How pages write amounts, dates, ages and states."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from arfollow.shared.templatetags import arf
from arfollow.shared.words import say_days_in


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("1234.5"), "", "1,234.50"),
        (Decimal("1234.50"), "USD", "USD 1,234.50"),
        (Decimal("-3"), "EUR", "EUR -3.00"),
        (Decimal("1235"), "JPY", "JPY 1,235"),
        (None, "USD", ""),
    ],
)
def test_amounts_have_thousands_and_their_decimals(
    amount: Decimal | None, currency: str, text: str
) -> None:
    assert arf.money(amount, currency) == text


def test_dates_read_the_same_everywhere() -> None:
    assert arf.day(dt.date(2026, 11, 21)) == "21 Nov 2026"
    assert arf.day_short(dt.date(2026, 1, 3)) == "3 Jan"
    assert arf.day(None) == arf.day_short(None) == arf.moment(None) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("due 2026-08-31", "due 31 Aug 2026"),
        ("from 2026-01-02 to 2026-01-05", "from 2 Jan 2026 to 5 Jan 2026"),
        ("PO 2026-99-31", "PO 2026-99-31"),
        ("INV-12026-08-31", "INV-12026-08-31"),
    ],
)
def test_dates_inside_events_are_told_like_all_others(text: str, said: str) -> None:
    assert say_days_in(text) == said


def test_a_moment_is_told_in_the_zone_of_the_reader() -> None:
    with timezone.override("Pacific/Auckland"):
        assert arf.moment(dt.datetime(2026, 11, 21, 22, 5, tzinfo=dt.UTC)) == "22 Nov 2026, 11:05"
        assert arf.day(dt.datetime(2026, 11, 21, 22, 5, tzinfo=dt.UTC)) == "22 Nov 2026"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 days"), (1, "1 day"), (151, "151 days"), (-1, "in 1 day"), (-3, "in 3 days")],
)
def test_ages_are_whole_days(count: int, text: str) -> None:
    assert arf.days(count) == text


def test_an_age_that_is_not_known_is_left_out() -> None:
    assert arf.days(None) == ""


@pytest.mark.parametrize("state", ["planned", "claimed", "sending", "sent", "failed", "unknown",
                                   "held", "cancelled", "skipped"])  # fmt: skip
def test_every_state_has_words_of_its_own(state: str) -> None:
    assert state in arf.STATE_TAGS
    assert arf.state(state).startswith('<span class="tag ')


def test_only_the_final_tone_is_filled_red() -> None:
    assert [tone for tone, kind in arf.TONE_TAGS.items() if kind == "final"] == ["final"]


def test_a_provider_that_said_nothing_gets_no_tag() -> None:
    assert arf.provider("") == ""
    assert "Bounced" in arf.provider("bounced")


def test_the_words_of_a_tag_are_escaped() -> None:
    assert "<script>" not in arf.tag("<script>", "due")


def test_a_page_that_is_not_installed_has_no_address() -> None:
    assert arf.url_if("no-such-page", 3) == ""
    assert arf.url_if("profile") == "/profile/"
