"""From a file's bytes to a header and its rows: delimiter, sheet and title lines are found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from invoices.imports.readers import workbook
from invoices.imports.readers.formats import FIELDS, Layout, recognise
from invoices.imports.readers.text import DELIMITERS, decode, head, physical_lines, records
from invoices.imports.readers.types import Limits, Options, Record, Remark, UnreadableFile

TITLE_LINES = 30
PDF_MAGIC = b"%PDF"


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows below it, read one after another."""

    layout: Layout
    records: Iterator[Record]
    warnings: tuple[Remark, ...]


def open_table(data: bytes, options: Options) -> Table:
    """The list of invoices in a CSV, XLSX or ODS file; UnreadableFile if there is none."""
    limits = options.limits
    if len(data) > limits.file_bytes:
        raise UnreadableFile(
            f"At most {limits.file_bytes / workbook.MEGABYTE:g} MB fit in one import;"
            " split the file."
        )
    if not data.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        raise UnreadableFile("The file is empty.")
    _check_columns(options.columns)
    if workbook.is_workbook(data):
        return _from_workbook(data, options)
    if data.startswith((workbook.OLE_MAGIC, PDF_MAGIC)):
        raise UnreadableFile("Only CSV, XLSX and ODS files are read. Save the list as one of them.")
    return _from_text(data, options)


def _check_columns(columns: Mapping[str, str]) -> None:
    for name in columns:
        if name not in FIELDS:
            raise UnreadableFile(f"There is no field “{name}”. Fields: {', '.join(FIELDS)}.")


def _from_workbook(data: bytes, options: Options) -> Table:
    first: Sequence[Record] = ()
    for rows in workbook.sheets(data, options.limits):
        first = first or rows
        if layout := _find_header(rows[:TITLE_LINES], options.columns):
            return Table(layout, iter(rows[_below(rows, layout) :]), ())
    raise UnreadableFile(_unknown(first[:TITLE_LINES], options.columns))


def _from_text(data: bytes, options: Options) -> Table:
    text, warnings = decode(data)
    lines = physical_lines(text)
    _check_length(lines, options.limits)
    heads = {mark: head(lines, mark, TITLE_LINES) for mark in DELIMITERS}
    found = [
        (len(layout.positions), mark, layout)
        for mark, rows in heads.items()
        if (layout := _find_header(rows, options.columns))
    ]
    if not found:
        widest = max(heads.values(), key=lambda rows: max(map(_width, rows), default=0))
        raise UnreadableFile(_unknown(widest, options.columns))
    _, mark, layout = max(found, key=lambda one: one[0])
    below = (record for record in records(lines, mark) if record.line > layout.line)
    return Table(layout, below, warnings)


def _check_length(lines: Sequence[str], limits: Limits) -> None:
    if len(lines) > limits.rows * 2:
        raise UnreadableFile(
            f"The file has {len(lines):,} lines; at most {limits.rows:,} rows fit in one import."
            " Split it."
        )


def _find_header(rows: Sequence[Record], columns: Mapping[str, str]) -> Layout | None:
    """The first row that names the columns; title lines above it are passed over."""
    for row in rows:
        if layout := recognise(row.line, [str(cell) for cell in row.cells], columns):
            return layout
    return None


def _below(rows: Sequence[Record], layout: Layout) -> int:
    return next(at for at, row in enumerate(rows) if row.line > layout.line - 1) + 1


def _width(row: Record) -> int:
    return sum(1 for cell in row.cells if str(cell).strip())


def _unknown(rows: Sequence[Record], columns: Mapping[str, str]) -> str:
    widest = max(rows, key=_width, default=None)
    if widest is None or not _width(widest):
        return "No row with column headings was found."
    headings = [str(cell).strip() for cell in widest.cells if str(cell).strip()]
    if absent := [name for name in columns.values() if name not in headings]:
        return f"There is no column “{absent[0]}”. Columns: {_listed(headings)}."
    return (
        f"The columns of this list are not known: {_listed(headings)}. Say which is which with"
        " --map FIELD=COLUMN; an import needs invoice_number, issue_date, amount and"
        " customer_number or customer_name."
    )


def _listed(headings: Sequence[str]) -> str:
    shown = ", ".join(heading[:40] for heading in islice(headings, 20))
    return shown + (", …" if len(headings) > 20 else "")
