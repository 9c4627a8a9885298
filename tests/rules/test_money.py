"""Amounts are read from every usual notation, and written in one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arfollow.shared.money import (
    AmountError,
    CurrencyError,
    check_currency,
    format_amount,
    parse_amount,
    round_half_up,
    with_currency,
)

CENTS = st.decimals(min_value=-(10**12), max_value=10**12, places=2)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$1,234.50", "1234.50"),
        ("(100.00)", "-100.00"),
        ("-100.00", "-100.00"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1\u202f234,50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1,234", "1234"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("12,34,567.80", "1234567.80"),
        ("12,5", "12.5"),
        ("0,50", "0.50"),
        ("33133.298", "33133.298"),
        ("EUR 5", "5"),
        ("5 €", "5"),
        ("US$ 3.10", "3.10"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("5.00-", "-5.00"),
        ("\u2212 5.00", "-5.00"),
        ("+7", "7"),
        (".5", "0.5"),
        ("0", "0"),
        ("-0.00", "0.00"),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1.2.3", "1,2,3", "1,234,56", "12,34.5", "NaN", "Infinity", "1e5", "٣", ".",
     "(-5)", "--5", "5 5 x", "=1+1", "1" * 40],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        parse_amount(text)


def test_the_decimal_mark_of_the_column_overrides_the_own_rule() -> None:
    assert parse_amount("1.234", ",") == 1234
    assert parse_amount("1,234", ",") == Decimal("1.234")
    with pytest.raises(AmountError):
        parse_amount("1.234,50", ".")


@given(CENTS)
def test_an_amount_survives_being_written_and_read(amount: Decimal) -> None:
    assert parse_amount(format_amount(amount, "USD")) == amount


@given(CENTS)
def test_an_amount_survives_in_a_notation_with_comma_and_dots(amount: Decimal) -> None:
    assert parse_amount(format_amount(amount, "EUR", "de"), ",") == amount


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [("0.005", "0.01"), ("0.015", "0.02"), ("-0.005", "-0.01"), ("1.0049", "1.00"), ("2", "2.00")],
)
def test_halves_are_rounded_up(exact: str, rounded: str) -> None:
    assert round_half_up(Decimal(exact)) == Decimal(rounded)
    assert str(round_half_up(Decimal(exact))) == rounded


def test_currencies_with_three_decimals_are_refused_with_their_reason() -> None:
    with pytest.raises(CurrencyError, match="three decimals"):
        check_currency("KWD")


@pytest.mark.parametrize("code", ["", "XX", "DOLLAR", "us", "12A"])
def test_unknown_currencies_are_refused(code: str) -> None:
    with pytest.raises(CurrencyError):
        check_currency(code)


def test_a_currency_is_known_in_small_letters_too() -> None:
    assert check_currency(" usd ") == "USD"


def test_amounts_are_written_with_thousands_and_two_decimals() -> None:
    assert format_amount(Decimal("1234.5"), "USD") == "1,234.50"
    assert format_amount(Decimal("-1234567.891"), "USD") == "-1,234,567.89"
    assert format_amount(Decimal("1234.5"), "EUR", "de") == "1.234,50"


def test_a_currency_without_cents_is_written_without_decimals() -> None:
    assert format_amount(Decimal("1234.50"), "JPY") == "1,235"


def test_the_code_stands_before_the_amount() -> None:
    assert with_currency(Decimal("5119.85"), "USD") == "USD 5,119.85"
