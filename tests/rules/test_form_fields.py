"""Amounts, currencies and days as people type them into forms."""

from datetime import date
from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.test import RequestFactory

from arfollow.shared.acting import back_to
from arfollow.shared.formfields import AmountField, CurrencyField, DayField, MomentField


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("100", "100"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        (" 12,5 ", "12.5"),
        ("$ 40.00", "40.00"),
        ("1 000", "1000"),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed: str, amount: str) -> None:
    assert AmountField().clean(typed) == Decimal(amount)


@pytest.mark.parametrize("typed", ["0", "-1", "0.001", "ten", "1.2.3,4", "--5", "1e9"])
def test_what_is_no_positive_amount_to_the_cent_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        AmountField().clean(typed)


def test_an_empty_amount_is_missing_or_none() -> None:
    assert AmountField(required=False).clean("  ") is None
    with pytest.raises(ValidationError):
        AmountField().clean("")


def test_an_amount_is_shown_with_two_decimals() -> None:
    class Asked(forms.Form):
        amount = AmountField()

    assert 'value="5.50"' in str(Asked(initial={"amount": Decimal("5.5")})["amount"])


def test_a_currency_is_written_in_capitals() -> None:
    assert CurrencyField().clean("usd") == "USD"


@pytest.mark.parametrize("code", ["XXQ", "KWD", "$"])
def test_a_currency_the_ledger_cannot_hold_is_refused(code: str) -> None:
    with pytest.raises(ValidationError):
        CurrencyField().clean(code)


def test_a_day_goes_to_the_browsers_calendar_and_back() -> None:
    class Asked(forms.Form):
        on = DayField()

    shown = str(Asked(initial={"on": date(2026, 3, 2)})["on"])
    assert 'type="date"' in shown
    assert 'value="2026-03-02"' in shown
    assert DayField().clean("2026-03-02") == date(2026, 3, 2)


def test_a_moment_needs_its_hour() -> None:
    assert MomentField().clean("2026-03-02T10:15").hour == 10
    with pytest.raises(ValidationError):
        MomentField().clean("tomorrow")


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""]
)
def test_the_way_back_stays_on_this_site(wanted: str) -> None:
    assert back_to(RequestFactory().get("/", {"next": wanted}), "/home/") == "/home/"


def test_the_way_back_is_where_the_person_came_from() -> None:
    request = RequestFactory().post("/", {"next": "/worklist/?kind=calls"})
    assert back_to(request, "/home/") == "/worklist/?kind=calls"
