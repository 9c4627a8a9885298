"""What a list shows, as a CSV or XLSX file that no spreadsheet program runs as a formula."""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import count, islice
from tempfile import TemporaryFile

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

type Cell = str | int | float | Decimal | dt.date | dt.datetime | None
type Rows = Iterable[Sequence[object]]

# Spreadsheets run a cell that starts with one of these; the wide forms are folded to them
# by some programs on opening.
_STARTERS = frozenset("=+-@\t\r\n＝＋－＠")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOM = "\ufeff"
SHEET_ROWS = 1_000_000
"""Below the 1,048,576 rows of a sheet; what is more goes onto further sheets."""


def neutral(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it."""
    bare = text.lstrip(" \u00a0\u3000")
    return f"'{text}" if text[:1] in _STARTERS or bare[:1] in _STARTERS else text


def cell(value: object, zone: dt.tzinfo = dt.UTC) -> Cell:
    """A value of a row as a spreadsheet keeps it: numbers and dates as such, text neutral.

    Moments are told in ``zone`` and lose it, for spreadsheets know none. What no workbook
    may hold (control characters) is left out.
    """
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if value is None or isinstance(value, (int, float, Decimal)):
        return value
    if isinstance(value, dt.datetime):
        told = value.astimezone(zone) if timezone.is_aware(value) else value
        return told.replace(tzinfo=None, microsecond=0)
    if isinstance(value, dt.date):
        return value
    return neutral(ILLEGAL_CHARACTERS_RE.sub("", str(value)))


def csv_response(name: str, labels: Sequence[str], rows: Rows) -> HttpResponseBase:
    """A streamed CSV with a byte order mark, so that Excel reads it as UTF-8."""
    # The zone is asked for now: lines are written after the request has let go of it.
    lines = _csv_lines(labels, rows, timezone.get_current_timezone())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(name: str, labels: Sequence[str], rows: Rows) -> HttpResponseBase:
    """A workbook; dates are dates and amounts are numbers in it.

    Rows go to disk as they come, so that a large list takes no more memory than a small one.
    """
    book, zone, left = Workbook(write_only=True), timezone.get_current_timezone(), iter(rows)
    for number in count(1):
        if not _sheet(
            book, name[:28] if number == 1 else f"{name[:28]} {number}", labels, left, zone
        ):
            break
    content = TemporaryFile()  # noqa: SIM115  closed by the response
    book.save(content)
    content.seek(0)
    return FileResponse(content, as_attachment=True, filename=f"{name}.xlsx", content_type=_XLSX)


def _sheet(
    book: Workbook,
    title: str,
    labels: Sequence[str],
    rows: Iterator[Sequence[object]],
    zone: dt.tzinfo,
) -> bool:
    """Fill one sheet; whether it is full, so that another may be needed."""
    sheet = book.create_sheet(title=title)
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, label) for label in labels])
    written = 0
    for row in islice(rows, SHEET_ROWS):
        sheet.append([cell(value, zone) for value in row])
        written += 1
    return written == SHEET_ROWS


def _bold(sheet: object, label: str) -> WriteOnlyCell:
    head = WriteOnlyCell(sheet, value=neutral(label))
    head.font = Font(bold=True)
    return head


class _Echo:
    """A file to write to that hands each line back."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(labels: Sequence[str], rows: Rows, zone: dt.tzinfo) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow([neutral(label) for label in labels])
    for row in rows:
        yield writer.writerow([cell(value, zone) for value in row])
