"""What a list shows, as a CSV or XLSX file that no spreadsheet program runs as a formula."""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import BytesIO

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

type Cell = str | int | float | Decimal | dt.date | dt.datetime | None
type Rows = Iterable[Sequence[object]]

# Spreadsheets run a cell that starts with one of these; the wide forms are folded to them
# by some programs on opening.
_STARTERS = frozenset("=+-@\t\r\n＝＋－＠")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOM = "\ufeff"


def neutral(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it."""
    bare = text.lstrip(" \u00a0\u3000")
    return f"'{text}" if text[:1] in _STARTERS or bare[:1] in _STARTERS else text


def cell(value: object) -> Cell:
    """A value of a row as a spreadsheet keeps it: numbers and dates as such, text neutral."""
    if value is None or isinstance(value, (int, float, Decimal)):
        return value
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dt.date):
        return value
    return neutral(str(value))


def csv_response(name: str, labels: Sequence[str], rows: Rows) -> HttpResponseBase:
    """A streamed CSV with a byte order mark, so that Excel reads it as UTF-8."""
    response = StreamingHttpResponse(_csv_lines(labels, rows), content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(name: str, labels: Sequence[str], rows: Rows) -> HttpResponseBase:
    """A workbook of one sheet; dates are dates and amounts are numbers in it."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title=name[:31])
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, label) for label in labels])
    for row in rows:
        sheet.append([cell(value) for value in row])
    content = BytesIO()
    book.save(content)
    content.seek(0)
    return FileResponse(content, as_attachment=True, filename=f"{name}.xlsx", content_type=_XLSX)


def _bold(sheet: object, label: str) -> WriteOnlyCell:
    head = WriteOnlyCell(sheet, value=neutral(label))
    head.font = Font(bold=True)
    return head


class _Echo:
    """A file to write to that hands each line back."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(labels: Sequence[str], rows: Rows) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BOM
    yield writer.writerow([neutral(label) for label in labels])
    for row in rows:
        yield writer.writerow([cell(value) for value in row])
