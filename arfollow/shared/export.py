"""What a list shows, as a CSV or XLSX file that no spreadsheet program runs as a formula."""

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from arfollow.shared.workbook import workbook

type Cell = str | int | float | Decimal | dt.date | dt.datetime | None
type Rows = Iterable[Sequence[object]]

# Spreadsheets run a cell that starts with one of these; the wide forms are folded to them
# by some programs on opening.
_STARTERS = frozenset("=+-@\t\r\n＝＋－＠")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# XML has no place for these: control characters, halves of surrogate pairs, non-characters.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
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
    return neutral(_CONTROL.sub("", str(value)))


def csv_response(name: str, labels: Sequence[str], rows: Rows) -> HttpResponseBase:
    """A streamed CSV with a byte order mark, so that Excel reads it as UTF-8."""
    # The zone is asked for now: lines are written after the request has let go of it.
    lines = _csv_lines(labels, rows, timezone.get_current_timezone())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(name: str, labels: Sequence[str], rows: Rows) -> HttpResponseBase:
    """A workbook, streamed as its rows come; dates are dates and amounts are numbers in it."""
    zone = timezone.get_current_timezone()
    cells = ([cell(value, zone) for value in row] for row in rows)
    heads = [neutral(label) for label in labels]
    data = workbook(name, heads, cells, sheet_rows=SHEET_ROWS)
    response = StreamingHttpResponse(data, content_type=_XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


class _Echo:
    """A file to write to that hands each line back."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(labels: Sequence[str], rows: Rows, zone: dt.tzinfo) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow([neutral(label) for label in labels])
    for row in rows:
        yield writer.writerow([cell(value, zone) for value in row])
