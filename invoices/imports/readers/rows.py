"""From a table to typed rows: columns are decided as a whole, rows read one by one."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from invoices.imports.readers.amounts import decide_mark
from invoices.imports.readers.dates import Sample, decide_order, sure_date
from invoices.imports.readers.fields import CONTROL, Decisions, RowFields, in_cents, plain
from invoices.imports.readers.formats import AMOUNT_FIELDS, DATE_FIELDS, LINE_FIELDS, Layout
from invoices.imports.readers.table import Table, open_table
from invoices.imports.readers.types import (
    Cell,
    CustomerFields,
    LineFields,
    Options,
    Reading,
    Record,
    Remark,
    SourceRow,
    UnreadableFile,
)

ONE = Decimal(1)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A row by field name, before anything in it is understood."""

    line: int
    cells: Mapping[str, Cell]


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    rows: list[SourceRow]
    rejected: list[Remark]
    raw_rows: dict[int, Mapping[str, str]]
    warnings: list[Remark]
    rounded: dict[str, list[int]]
    rejected_numbers: set[str]


def read(data: bytes, options: Options | None = None) -> Reading:
    """Every row of a CSV, XLSX or ODS file, as typed data or as a remark on why not.

    UnreadableFile where nothing can be read: an unknown layout, a date column that can be
    read in two ways, a file beyond the limits (FACTS section 8).
    """
    options = options or Options()
    table = open_table(data, options)
    found = _Found([], [], {}, list(table.warnings), {}, set())
    raws = _raw_rows(table, options, found)
    if not raws and not found.rejected:
        found.warnings.append(Remark(table.layout.line, "", "column headings and no rows"))
    row_count = len(raws) + len(found.rejected)
    decisions = _decide(table.layout, raws, options)
    while raws:  # taken off one by one, so that a large file is not held twice
        _read_row(raws.popleft(), table.layout, decisions, options, found)
    _tell_rounding(table.layout, found)
    return _reading(table.layout, found, row_count)


def _reading(layout: Layout, found: _Found, row_count: int) -> Reading:
    return Reading(
        format_name=layout.format.name,
        line_items=has_lines(layout),
        has_customer_numbers="customer_number" in layout.positions,
        has_due_dates="due_date" in layout.positions,
        row_count=row_count,
        rows=tuple(found.rows),
        rejected=tuple(sorted(found.rejected, key=lambda remark: remark.line)),
        warnings=tuple(found.warnings),
        raw_rows=found.raw_rows,
        rejected_numbers=frozenset(found.rejected_numbers),
        headings={name: layout.heading(name) for name in layout.positions},
    )


def has_lines(layout: Layout) -> bool:
    """Whether a row is one line of an invoice, not the whole of it."""
    return layout.format.line_items or any(name in layout.positions for name in LINE_FIELDS)


def _raw_rows(table: Table, options: Options, found: _Found) -> deque[_Raw]:
    """Rows with anything in them; those that are broken as a whole are rejected here."""
    rows: deque[_Raw] = deque()
    above: Mapping[str, Cell] = {}
    for record in _filled(table.records):
        if len(rows) + len(found.rejected) >= options.limits.rows:
            raise UnreadableFile(
                f"More than {options.limits.rows:,} rows; split the file into smaller ones."
            )
        found.raw_rows[record.line] = _raw_cells(record, table.layout)
        if problem := _problem(record, table.layout):
            found.rejected.append(Remark(record.line, "", problem))
            continue
        cells: Mapping[str, Cell] = _by_field(record, table.layout)
        if table.layout.format.fills_down:
            cells = above = _filled_down(cells, above)
        rows.append(_Raw(record.line, cells))
    return rows


def _filled(records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        if record.problem or any(plain(cell).strip() for cell in record.cells):
            yield record


def _problem(record: Record, layout: Layout) -> str:
    if record.problem:
        return record.problem
    extra = record.cells[len(layout.headings) :]
    if any(plain(cell).strip() for cell in extra):
        return f"the row has {len(record.cells)} cells, the headings are {len(layout.headings)}"
    return ""


def _raw_cells(record: Record, layout: Layout) -> dict[str, str]:
    """The row as it was written, for a person to look at; blank cells are left out."""
    named = zip(layout.headings, record.cells, strict=False)
    return {
        heading or f"column {at}": CONTROL.sub("\ufffd", plain(cell))[:2000]
        for at, (heading, cell) in enumerate(named, start=1)
        if plain(cell).strip()
    }


def _by_field(record: Record, layout: Layout) -> dict[str, Cell]:
    return {
        name: record.cells[at] if at < len(record.cells) else ""
        for name, at in layout.positions.items()
    }


def _filled_down(cells: Mapping[str, Cell], above: Mapping[str, Cell]) -> Mapping[str, Cell]:
    """Blank cells of an invoice's later lines taken from its first."""
    number = plain(cells.get("invoice_number", ""))
    if not number or number != plain(above.get("invoice_number", "")):
        return cells
    own = {name: cell for name, cell in cells.items() if plain(cell).strip()}
    return {**{name: cell for name, cell in above.items() if name not in LINE_CELLS}, **own}


LINE_CELLS = frozenset(
    {
        *LINE_FIELDS,
        "line_quantity",
        "line_discount",
        "line_tax",
    }
)


def _decide(layout: Layout, raws: Sequence[_Raw], options: Options) -> Decisions:
    orders = {
        name: decide_order(
            layout.heading(name), _samples(raws, name, dates=True), options.date_order
        )
        for name in DATE_FIELDS
        if name in layout.positions
    }
    amounts = [name for name in AMOUNT_FIELDS if name in layout.positions]
    samples = (sample for name in amounts for sample in _samples(raws, name, dates=False))
    column = layout.heading("amount" if "amount" in amounts else amounts[0])
    return Decisions(orders, decide_mark(column, samples, options.decimal_mark))


def _samples(raws: Sequence[_Raw], name: str, *, dates: bool) -> Iterator[Sample]:
    """What is written in a column and needs deciding."""
    for raw in raws:
        cell = raw.cells.get(name, "")
        if isinstance(cell, str) and cell.strip() and not (dates and sure_date(cell)):
            yield Sample(raw.line, cell.strip())


def _read_row(
    raw: _Raw, layout: Layout, decisions: Decisions, options: Options, found: _Found
) -> None:
    fields = RowFields(raw.line, raw.cells, decisions, layout.heading)
    _refuse_control_characters(fields)
    row = _source_row(fields, layout, options)
    if fields.errors:
        found.rejected.append(_joined(fields.errors))
        found.rejected_numbers.add(row.invoice_number)
        return
    found.rows.append(row)
    found.warnings += fields.warnings
    for name in fields.rounded:
        found.rounded.setdefault(name, []).append(raw.line)


def _refuse_control_characters(fields: RowFields) -> None:
    for name, cell in fields.cells.items():
        if isinstance(cell, str) and (bad := CONTROL.search(cell)):
            fields.reject(name, f"has a control character (U+{ord(bad[0]):04X})")


def _joined(errors: list[Remark]) -> Remark:
    """One remark for a row: its first fault, and the others after it."""
    first, *others = errors
    also = "".join(f"; {other.column}: {other.message}" for other in others)
    return Remark(first.line, first.column, first.message + also)


def _source_row(fields: RowFields, layout: Layout, options: Options) -> SourceRow:
    disputed, disputed_amount = fields.flag("disputed")
    return SourceRow(
        line=fields.line,
        customer=_customer(fields, layout),
        invoice_number=_needed_key(fields, "invoice_number", 80),
        issue_date=_needed_date(fields, "issue_date"),
        due_date=fields.date("due_date"),
        terms=fields.text("terms", 80),
        currency=fields.currency(options.currency or layout.format.currency),
        total=_total(fields, layout),
        paid_amount=fields.money("paid_amount"),
        balance=fields.money("balance"),
        paid_date=fields.date("paid_date"),
        po_number=fields.text("po_number", 80),
        status=fields.text("status", 40).lower(),
        kind=fields.text("kind", 40).lower(),
        disputed=disputed,
        disputed_amount=disputed_amount,
        reminded=fields.text("reminded", 40).lower(),
        reminded_on=fields.date("reminded_on"),
        item=_item(fields, layout),
    )


def _customer(fields: RowFields, layout: Layout) -> CustomerFields:
    number = fields.key("customer_number", 60)
    name = fields.text("customer_name", 200)
    if not number and "customer_number" in layout.positions:
        fields.reject("customer_number", "no customer number")
    elif not number and not name:
        fields.reject("customer_name", "no customer")
    return CustomerFields(
        number=number,
        name=name,
        emails=fields.emails(),
        phone=fields.text("phone", 40),
        address_line1=fields.text("address_line1", 120),
        address_line2=fields.text("address_line2", 120),
        city=fields.text("city", 80),
        region=fields.text("region", 80),
        postal_code=fields.text("postal_code", 20),
        country=fields.country(),
        language=fields.language(),
        tag=_tag(fields, layout),
    )


def _tag(fields: RowFields, layout: Layout) -> str:
    """A label for the customer; one that is only a figure gets its heading before it."""
    tag = fields.text("tag", 40)
    return f"{layout.heading('tag')[:19]} {tag}" if tag.isdigit() else tag


def _needed_key(fields: RowFields, name: str, longest: int) -> str:
    value = fields.key(name, longest)
    if not value:
        fields.reject(name, "no " + name.replace("_", " "))
    return value


def _needed_date(fields: RowFields, name: str) -> date | None:
    day = fields.date(name)
    if day is None and not plain(fields.cells.get(name, "")).strip():
        fields.reject(name, "no " + name.replace("_", " "))
    return day


def _total(fields: RowFields, layout: Layout) -> Decimal | None:
    before = len(fields.errors)
    total = fields.money("amount")
    if total is None and len(fields.errors) == before and not has_lines(layout):
        fields.reject("amount", "no amount")
    return total


def _item(fields: RowFields, layout: Layout) -> LineFields | None:
    if not has_lines(layout):
        return None
    before = len(fields.errors)
    quantity = fields.number("line_quantity")
    price = fields.number("line_unit_price")
    tax = fields.money("line_tax") or Decimal(0)
    amount = _line_amount(fields, quantity, price)
    if amount is None:
        if len(fields.errors) == before and fields.cells.get("amount", "") == "":
            fields.reject("line_amount", "no amount")
        return None
    if not layout.format.tax_in_lines:
        amount += tax
    return LineFields(
        code=fields.text("line_code", 60),
        description=fields.text("line_description", 1000),
        quantity=ONE if quantity is None else quantity,
        unit_price=price,
        tax=tax,
        amount=amount,
    )


def _line_amount(
    fields: RowFields, quantity: Decimal | None, price: Decimal | None
) -> Decimal | None:
    """What the line states, else quantity times price less the discount in percent."""
    stated = fields.money("line_amount")
    if stated is not None or price is None:
        return stated
    percent = fields.number("line_discount") or Decimal(0)
    return in_cents((ONE if quantity is None else quantity) * price * (HUNDRED - percent) / HUNDRED)


def _tell_rounding(layout: Layout, found: _Found) -> None:
    """Once for a column, not once for a row."""
    for name, lines in found.rounded.items():
        message = (
            f"{len(lines):,} amounts have more than two decimals; each was rounded half up to"
            " cents, and its text is kept with the row"
        )
        found.warnings.append(Remark(lines[0], layout.heading(name), message))
