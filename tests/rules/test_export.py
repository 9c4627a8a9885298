"""What leaves as a spreadsheet runs no formula and keeps numbers and dates as such."""

import csv
import datetime as dt
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from arfollow.shared.export import BOM, cell, csv_response, neutral, xlsx_response

HEADS = ["Customer", "Open", "Due"]
ROWS = [
    ["=HYPERLINK(\"https://evil.example\")", Decimal("-12.50"), dt.date(2026, 11, 21)],
    ["Ashdown, Joinery \"Ltd\"", Decimal("1234.50"), None],
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", " =1",
     "\u00a0=1", "\u3000＝1"],
)  # fmt: skip
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Ashdown", "a=b", "1-2", "O'Neill", "Baltic @ Pier 4"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


def test_negative_amounts_are_numbers_and_keep_their_sign() -> None:
    assert cell(Decimal("-12.50")) == Decimal("-12.50")


def test_a_moment_loses_its_zone_which_spreadsheets_do_not_know() -> None:
    when = dt.datetime(2026, 11, 21, 9, 30, tzinfo=dt.UTC)
    assert cell(when) == dt.datetime(2026, 11, 21, 9, 30)  # noqa: DTZ001


def test_the_csv_reads_back_with_every_row_and_a_byte_order_mark() -> None:
    response = csv_response("invoices", HEADS, ROWS)
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.startswith(BOM)
    lines = list(csv.reader(StringIO(text.removeprefix(BOM))))
    assert lines[0] == HEADS
    assert lines[1] == ['\'=HYPERLINK("https://evil.example")', "-12.50", "2026-11-21"]
    assert lines[2][0] == 'Ashdown, Joinery "Ltd"'


def test_the_workbook_holds_numbers_dates_and_no_formula() -> None:
    response = xlsx_response("invoices", HEADS, ROWS)
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    sheet = load_workbook(BytesIO(content)).active
    assert sheet is not None
    assert [c.value for c in sheet[1]] == HEADS
    assert sheet["A2"].data_type == "s"
    assert sheet["B2"].value == -12.5
    assert sheet["C2"].value == dt.datetime(2026, 11, 21)  # noqa: DTZ001


def test_the_file_is_named_after_the_list() -> None:
    assert csv_response("open-items", [], [])["Content-Disposition"] == (
        'attachment; filename="open-items.csv"'
    )
    assert (
        'filename="open-items.xlsx"' in xlsx_response("open-items", [], [])["Content-Disposition"]
    )
