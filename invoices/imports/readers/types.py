"""Plain data that leaves the readers: typed rows and what was wrong with the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

Cell = str | Decimal | date


class UnreadableFile(Exception):
    """Nothing can be read from the file as it is; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one import takes; beyond it the file is refused before it costs anything."""

    file_bytes: int = 10 * 1024 * 1024
    rows: int = 50_000
    columns: int = 500
    cells: int = 5_000_000
    unpacked_bytes: int = 50 * 1024 * 1024
    unpacked_ratio: int = 200


@dataclass(frozen=True, slots=True)
class Options:
    """What the person importing said about the file.

    ``columns`` maps a field of ours to a column heading of theirs, ``date_order`` is "dmy",
    "mdy" or "ymd", ``decimal_mark`` "." or ",".
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    date_order: str = ""
    decimal_mark: str = ""
    currency: str = ""
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the file; ``line`` is where it begins, from 1."""

    line: int
    cells: tuple[Cell, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to tell about a row: why it is rejected, or what to look at."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class CustomerFields:
    """What a row says about its customer. ``number`` is empty in sources that have none."""

    number: str
    name: str
    emails: tuple[str, ...] = ()
    phone: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    language: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class LineFields:
    """One line of an invoice; ``amount`` is what it adds to the invoice, ``tax`` included."""

    code: str
    description: str
    quantity: Decimal
    unit_price: Decimal | None
    tax: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One readable row. Amounts are in cents' precision, dates are dates, texts are trimmed.

    ``total`` is None where the file gives only lines; ``disputed_amount`` is None where the
    whole invoice is disputed or none of it.
    """

    line: int
    customer: CustomerFields
    invoice_number: str
    issue_date: date | None
    due_date: date | None
    terms: str
    currency: str
    total: Decimal | None
    paid_amount: Decimal | None = None
    balance: Decimal | None = None
    paid_date: date | None = None
    po_number: str = ""
    status: str = ""
    kind: str = ""
    disputed: bool = False
    disputed_amount: Decimal | None = None
    reminded: str = ""
    reminded_on: date | None = None
    item: LineFields | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read from one file.

    ``row_count`` counts the rows with anything in them, readable or not;
    each is kept as it was written under its line.
    """

    format_name: str
    line_items: bool
    has_customer_numbers: bool
    has_due_dates: bool
    row_count: int
    rows: tuple[SourceRow, ...]
    rejected: tuple[Remark, ...]
    warnings: tuple[Remark, ...]
    rejected_numbers: frozenset[str] = frozenset()
    headings: Mapping[str, str] = field(default_factory=dict)
    raw_rows: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def raw(self, line: int) -> Mapping[str, str]:
        """The row as it was written, without its blank cells."""
        return self.raw_rows.get(line, {})

    def heading(self, name: str) -> str:
        """The column of a field as the file calls it."""
        return self.headings.get(name, name)
