"""What leaves as a spreadsheet runs no formula and keeps numbers and dates as such."""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

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


def test_a_moment_is_told_in_the_zone_asked_for() -> None:
    when = dt.datetime(2026, 11, 21, 23, 30, 5, 999, tzinfo=dt.UTC)
    berlin = cell(when, ZoneInfo("Europe/Berlin"))
    assert berlin == dt.datetime(2026, 11, 22, 0, 30, 5)  # noqa: DTZ001


def test_yes_and_no_are_words_and_not_numbers() -> None:
    assert [cell(True), cell(False)] == ["Yes", "No"]


def test_a_character_that_no_workbook_may_hold_is_left_out() -> None:
    assert cell("Ash\x00down\x0b") == "Ashdown"
    response = xlsx_response("x", HEADS, [["Ash\x07down", None, None]])
    sheet = load_workbook(BytesIO(b"".join(response.streaming_content))).active  # type: ignore[attr-defined]
    assert sheet is not None
    assert sheet["A2"].value == "Ashdown"


def test_what_hides_behind_a_control_character_is_neutral_too() -> None:
    assert cell("\x00=1+1") == "'=1+1"


def test_more_rows_than_a_sheet_takes_go_onto_further_sheets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("arfollow.shared.export.SHEET_ROWS", 2)
    response = xlsx_response("items", ["No"], [[n] for n in range(5)])
    book = load_workbook(BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    found = [[c.value for c in sheet["A"][1:]] for sheet in book.worksheets]
    assert found == [[0, 1], [2, 3], [4]]


def test_another_program_reads_the_same_workbook() -> None:
    rows = [
        ["Ünal & Söhne <GmbH>", Decimal("-12.50"), dt.date(2026, 2, 28)],
        ["  two  spaces", 0, None],
    ]
    answer = xlsx_response("items", HEADS, rows)
    book = CalamineWorkbook.from_filelike(BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    found = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert found[0] == HEADS
    assert found[1] == ["Ünal & Söhne <GmbH>", -12.5, dt.date(2026, 2, 28)]
    assert found[2][:2] == ["  two  spaces", 0]


def test_a_moment_keeps_its_hour_in_a_workbook() -> None:
    when = dt.datetime(2026, 3, 29, 14, 45, tzinfo=dt.UTC)
    answer = xlsx_response("items", ["At"], [[when]])
    sheet = load_workbook(BytesIO(b"".join(answer.streaming_content))).active  # type: ignore[attr-defined]
    assert sheet is not None
    assert sheet["A2"].value == dt.datetime(2026, 3, 29, 14, 45)  # noqa: DTZ001


def test_a_large_workbook_begins_to_arrive_before_its_rows_end() -> None:
    """What a list of fifty thousand needs: no wait, no memory."""
    taken = 0

    def rows() -> Iterator[list[object]]:
        nonlocal taken
        for number in range(20_000):
            taken += 1
            yield [f"{number * 7919:x} and more", number, None]

    pieces = iter(xlsx_response("items", HEADS, rows()).streaming_content)  # type: ignore[attr-defined]
    next(pieces)
    assert 0 < taken < 20_000
    assert sum(map(len, pieces)) > 0
    assert taken == 20_000
