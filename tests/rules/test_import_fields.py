"""Details of a row: texts, countries, languages, e-mail addresses, yes and no."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arfollow.shared.money import round_half_up
from invoices.imports.plan.names import near_names, normalised
from invoices.imports.plan.start import reminded_to
from invoices.imports.readers.fields import (
    country_codes,
    in_cents,
    is_email,
    language_codes,
    plain,
)
from tests.rules.lists import errors, own, read_rows

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("US", "US"),
        ("us", "US"),
        ("USA", "US"),
        ("United States", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("Czechia", "CZ"),
        ("Côte d’Ivoire", "CI"),
        ("EU", ""),
        ("391", ""),
        ("ZZ", ""),
    ],
)
def test_a_country_is_a_code_or_an_english_name(name: str, code: str) -> None:
    assert read_rows(own({"country": name})).rows[0].customer.country == code


@pytest.mark.parametrize(
    ("name", "code"),
    [("en", "en"), ("German", "de"), ("pt-BR", "pt-br"), ("de_AT", "de-at"), ("xx-klingon", "")],
)
def test_a_language_is_a_code_or_an_english_name(name: str, code: str) -> None:
    assert read_rows(own({"language": name})).rows[0].customer.language == code


def test_every_country_and_language_is_two_or_three_letters() -> None:
    assert len(set(country_codes().values())) > 240
    assert all(len(code) == 2 for code in country_codes().values())
    assert all(2 <= len(code) <= 3 for code in language_codes().values())


@pytest.mark.parametrize(
    "address",
    ["ap@example.test", "a.b+c@sub.example.co.uk", "o'neil@example.ie", "x_y-z@example-shop.com"],
)
def test_an_ordinary_address_is_one(address: str) -> None:
    assert is_email(address)


@pytest.mark.parametrize(
    "address",
    ["", "ap", "ap@", "@example.test", "ap@example", "a b@example.test", "a..b@example.test",
     "ap@example..test", "<ap@example.test>", "ap@exam_ple.test", "ap@@example.test",
     "ap@example.test\nbcc:x@example.test", "x" * 250 + "@example.test"],
)  # fmt: skip
def test_what_could_break_a_header_or_never_arrive_is_no_address(address: str) -> None:
    assert not is_email(address)


def test_several_addresses_in_a_cell_are_several() -> None:
    reading = read_rows(own({"email": "a@example.test; b@example.test, a@example.test"}))
    assert reading.rows[0].customer.emails == ("a@example.test", "b@example.test")


@pytest.mark.parametrize("word", ["yes", "Y", "TRUE", "x", "1", "Disputed"])
def test_yes_is_written_in_many_ways(word: str) -> None:
    found = read_rows(own({"disputed": word})).rows[0]
    assert (found.disputed, found.disputed_amount) == (True, None)


@pytest.mark.parametrize("word", ["", "no", "N", "false", "0", "-", "0.00"])
def test_no_is_written_in_many_ways(word: str) -> None:
    assert not read_rows(own({"disputed": word})).rows[0].disputed


@pytest.mark.parametrize(
    "text", ["  Blue   Door ", "Blue\tDoor", "\ufeffBlue Door\u200b", "Blue\nDoor"]
)
def test_texts_are_on_one_line_without_invisible_ends(text: str) -> None:
    assert read_rows(own({"customer_name": text})).rows[0].customer.name == "Blue Door"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=5))
def test_cents_are_rounded_as_everywhere_else(exact: Decimal) -> None:
    assert in_cents(exact) == round_half_up(exact)


def test_a_whole_number_of_a_workbook_is_written_without_exponent() -> None:
    assert plain(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("customer_number", "", "no customer number"),
        ("customer_number", "9" * 80, "longer than 60 characters"),
        ("invoice_number", "", "no invoice number"),
        ("invoice_number", "9" * 100, "longer than 80 characters"),
        ("issue_date", "", "no issue date"),
        ("issue_date", "2026-02-30", "“2026-02-30” is not a date"),
        ("issue_date", "0001-01-01", "“0001-01-01” is not a date"),
        ("due_date", "31/31/2026", "“31/31/2026” is not a date"),
        ("amount", "", "no amount"),
        ("amount", "ten", "“ten” is not an amount"),
        ("amount", "9" * 30, "“999999999999999999999999999999” is larger than the ledger can hold"),
        ("amount", "99999999999999", "larger than the ledger can hold"),
        ("currency", "KWD", "KWD has three decimals, which the ledger cannot hold"),
        ("currency", "dollars", "“dollars” is not a currency code"),
        ("paid_amount", "half", "“half” is not an amount"),
        ("paid_date", "2026-13-01", "“2026-13-01” is not a date"),
        ("disputed", "maybe", "“maybe” is neither yes nor no, nor an amount"),
        ("customer_name", "Blue\x00Door", "has a control character (U+0000)"),
    ],
)
def test_f50_each_kind_of_bad_row_is_told_in_words_a_person_understands(
    field: str, value: str, reason: str
) -> None:
    assert errors(read_rows(own({field: value}))) == [(2, field, reason)]


# --- Names --------------------------------------------------------------------------------------


@given(NAMES)
def test_a_normalised_name_is_normal(name: str) -> None:
    assert normalised(normalised(name)) == normalised(name)


@given(NAMES)
def test_case_and_spacing_make_no_new_customer(name: str) -> None:
    assert normalised(f"  {name.replace(' ', '   ')} ") == normalised(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue Door Ltd", "Blue Door Limited"),
        ("Blue Door, Inc.", "Blue Door"),
        ("The Blue Door Company", "Blue Door Co"),
        ("Smith & Sons", "Smith and Sons"),
        ("Johnson Controls", "Jonson Controls"),
    ],
)
def test_names_a_person_should_look_at(one: str, other: str) -> None:
    assert list(near_names([one], [other])) == [(one, other)]
    assert list(near_names([one, other], []))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Blue Door", "Red Door"), ("Alpha", "Alpine"), ("North Ltd", "South Ltd"), ("A", "B")],
)
def test_names_that_are_plainly_two(one: str, other: str) -> None:
    assert not list(near_names([one, other], []))


def test_two_known_names_are_not_told_again_and_again() -> None:
    assert not list(near_names([], ["Blue Door Ltd", "Blue Door Limited"]))


def test_a_name_of_legal_forms_only_is_still_a_name() -> None:
    assert not list(near_names(["The Company", "Co Inc"], []))


# --- Start --------------------------------------------------------------------------------------


@given(st.integers(0, 10**6))
def test_more_reminders_never_start_lower(count: int) -> None:
    order = ("", "friendly", "firm")
    assert order.index(reminded_to(str(count))) <= order.index(reminded_to(str(count + 1)))
