"""The decimal mark is decided by all amounts of a file; odd ones are told, not guessed."""

from decimal import Decimal

import pytest

from invoices.imports.readers import UnreadableFile
from invoices.imports.readers.amounts import MIXED, decide_mark
from invoices.imports.readers.dates import Sample
from tests.rules.lists import errors, numbered, own, read_rows


def mark(*texts: str) -> str:
    return decide_mark("amount", [Sample(n, text) for n, text in enumerate(texts, start=2)])


@pytest.mark.parametrize(
    ("texts", "decided"),
    [
        (("1.234,50", "1.234"), ","),
        (("1,234.50", "1,234"), "."),
        (("54273.28", "33133.298"), "."),
        (("12,5",), ","),
        (("1,234", "5,000"), "."),
        (("100", "200"), "."),
        (("1.234.567",), ","),
        (("0.125",), "."),
        (("(1.234,00)", "$ 5"), ","),
        (("1,234.50", "1.234,50"), MIXED),
    ],
)
def test_one_sure_amount_decides_for_all(texts: tuple[str, ...], decided: str) -> None:
    assert mark(*texts) == decided


def test_thousands_or_thousandths_are_asked_about() -> None:
    with pytest.raises(UnreadableFile, match="--decimal-mark"):
        mark("1.234", "2.000")
    assert decide_mark("amount", [Sample(2, "1.234")], asked=",") == ","


def test_in_a_mixed_file_only_the_unsure_rows_are_rejected() -> None:
    rows = numbered(3)
    for row, amount in zip(rows, ("1,234.50", "1.234,50", "1.234"), strict=True):
        row["amount"] = amount
    reading = read_rows(own(*rows))
    assert [row.total for row in reading.rows] == [Decimal("1234.50"), Decimal("1234.50")]
    assert errors(reading) == [(4, "amount", "“1.234” can be a thousand or a fraction")]


def test_more_than_two_decimals_are_rounded_half_up_and_told_once() -> None:
    rows = numbered(3)
    for row, amount in zip(rows, ("10.125", "10.124", "10.10"), strict=True):
        row["amount"] = amount
    reading = read_rows(own(*rows))
    assert [str(row.total) for row in reading.rows] == ["10.13", "10.12", "10.10"]
    assert reading.raw(2)["amount"] == "10.125"
    assert [(w.line, w.message[:9]) for w in reading.warnings] == [(2, "2 amounts")]


def test_a_negative_amount_is_rounded_away_from_zero_too() -> None:
    assert str(read_rows(own({"amount": "-0.125"})).rows[0].total) == "-0.13"


@pytest.mark.parametrize("amount", ["", "free", "1e9", "99999999999999.00"])
def test_a_row_without_a_usable_amount_is_rejected(amount: str) -> None:
    reading = read_rows(own({"amount": amount}))
    assert [(line, column) for line, column, _ in errors(reading)] == [(2, "amount")]


@pytest.mark.parametrize("code", ["KWD", "XXZ", "dollars"])
def test_a_currency_the_ledger_cannot_hold_rejects_its_row(code: str) -> None:
    assert [column for _, column, _ in errors(read_rows(own({"currency": code})))] == ["currency"]


def test_a_row_without_a_currency_takes_the_one_that_was_said() -> None:
    assert read_rows(own({"currency": ""}), currency="GBP").rows[0].currency == "GBP"
    assert read_rows(own({"currency": "EUR"}), currency="GBP").rows[0].currency == "EUR"
    assert read_rows(own({"currency": ""})).rows[0].currency == ""
