"""Small lists of invoices for the tests of the importer."""

import csv
import io
from collections.abc import Iterable, Mapping

from invoices.imports.readers import OWN_TEMPLATE, Options, Reading, read

HEADINGS = OWN_TEMPLATE.split(",")
ORDINARY = {
    "customer_number": "0017",
    "customer_name": "Blue Door Bakery",
    "invoice_number": "00042",
    "issue_date": "2026-01-05",
    "due_date": "2026-02-04",
    "currency": "USD",
    "amount": "100.00",
}


def csv_text(
    rows: Iterable[Mapping[str, str]], headings: Iterable[str] = HEADINGS, delimiter: str = ","
) -> str:
    """A CSV file with those rows below those headings."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(headings), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def own(*rows: Mapping[str, str], extra: Iterable[str] = ()) -> bytes:
    """Our own template; each row is the ordinary one with what is given changed."""
    filled = [{**ORDINARY, **row} for row in rows or ({},)]
    return csv_text(filled, [*HEADINGS, *extra]).encode()


def numbered(count: int, **fields: str) -> list[dict[str, str]]:
    """That many ordinary rows with invoice numbers of their own."""
    return [{**ORDINARY, "invoice_number": f"INV-{n:05d}", **fields} for n in range(count)]


def read_rows(data: bytes | str, **options: object) -> Reading:
    """Read a file given as text or bytes."""
    raw = data.encode() if isinstance(data, str) else data
    return read(raw, Options(**options))  # type: ignore[arg-type]


def errors(reading: Reading) -> list[tuple[int, str, str]]:
    """What was rejected, as plain tuples."""
    return [(one.line, one.column, one.message) for one in reading.rejected]
