"""Workbooks (XLSX and ODS): looked over before they are unpacked, then read by calamine."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from invoices.imports.readers.types import Cell, Limits, Record, UnreadableFile

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MEGABYTE = 1024 * 1024
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError),
    *(OSError, ValueError),
)
"""All that the ZIP reader raises over damaged files; found by damaging some."""

_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_ROWS_REPEATED = re.compile(rb'number-rows-repeated="([0-9]+)"')
_COLUMNS_REPEATED = re.compile(rb'number-columns-repeated="([0-9]+)"')

RawCell = int | float | str | bool | time | date | datetime | timedelta


def is_workbook(data: bytes) -> bool:
    """Whether the file is a ZIP, as XLSX and ODS are."""
    return data.startswith(ZIP_MAGIC)


def sheets(data: bytes, limits: Limits) -> Iterator[list[Record]]:
    """The rows of each sheet that has any, in the order of the workbook."""
    check(data, limits)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in workbook.sheet_names:
            found = _records(workbook.get_sheet_by_name(name), limits)
            if found:
                yield found
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableFile(f"The workbook cannot be opened: {error}") from error


def check(data: bytes, limits: Limits) -> None:
    """Refuse a workbook that would unpack to more than it should, or that declares entities.

    The first checks read the ZIP directory only and cost less than a millisecond.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_directory(members, len(data), limits)
            for member in members:
                _check_member(archive.read(member), member.filename, limits)
    except DAMAGED as error:
        raise UnreadableFile(f"The workbook is damaged or locked: {error}") from error


def _check_directory(members: list[zipfile.ZipInfo], packed: int, limits: Limits) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.unpacked_bytes:
        raise UnreadableFile(
            f"The workbook would unpack to {unpacked // MEGABYTE} MB;"
            f" at most {limits.unpacked_bytes // MEGABYTE} MB are read."
        )
    if unpacked > limits.unpacked_ratio * packed:
        raise UnreadableFile(
            f"The workbook would unpack to {unpacked // max(packed, 1)} times its size;"
            f" at most {limits.unpacked_ratio} times is read."
        )
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFile("The workbook is protected by a password.")


def _check_member(content: bytes, name: str, limits: Limits) -> None:
    """What the part contains decides, not its name: a workbook may call its sheets anything."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide and b"<" not in content[:100]:
        return
    if wide or _DOCTYPE.search(content):
        raise UnreadableFile(f"The workbook declares a document type in {name}; it is not read.")
    _check_extent(_CELL.findall(content), limits)
    _check_repeats(content, limits)


def _check_extent(cells: list[tuple[bytes, bytes]], limits: Limits) -> None:
    """A single cell far out would make the reader fill everything before it."""
    width = max((_column_number(column) for column, _ in cells), default=0)
    height = max((int(row) for _, row in cells), default=0)
    if width * height > limits.cells:
        raise UnreadableFile(
            f"A sheet spans {height:,} rows and {width:,} columns; that is not a list of invoices."
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_repeats(content: bytes, limits: Limits) -> None:
    """ODS repeats a cell by a count; the blank rest of a sheet is one cell repeated too."""
    for row in content.split(b"<table:table-row")[1:]:
        if b"office:value" not in row and b"<text:p" not in row:
            continue
        rows = sum(int(count) for count in _ROWS_REPEATED.findall(row)) or 1
        columns = sum(int(count) for count in _COLUMNS_REPEATED.findall(row)) or 1
        if rows * columns > limits.cells:
            raise UnreadableFile("The workbook repeats cells beyond what is read.")


def _records(sheet: CalamineSheet, limits: Limits) -> list[Record]:
    if sheet.total_height > limits.rows + 100 or sheet.total_width > limits.columns:
        raise UnreadableFile(
            f"The sheet “{sheet.name}” has {sheet.total_height:,} rows and"
            f" {sheet.total_width:,} columns; at most {limits.rows:,} and"
            f" {limits.columns:,} fit in one import."
        )
    rows = sheet.to_python(skip_empty_area=False)
    return [
        Record(number, tuple(_cell(value) for value in row))
        for number, row in enumerate(rows, start=1)
    ]


def _cell(value: RawCell) -> Cell:
    """Text, exact number or date; a number is written as the sheet shows it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return Decimal(int(value)) if value.is_integer() else Decimal(repr(value))
        case int():
            return Decimal(value)
        case datetime():
            return value.date()
        case date():
            return value
        case str():
            return value
    return str(value)
