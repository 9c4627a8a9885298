"""The full list of items as CSV, attached where a message shows a summary only (L35)."""

import csv
from io import StringIO

from arfollow.shared.export import neutral
from dunning.wording.notice import CurrencyTable, Line, Notice
from dunning.wording.tables import PART_TITLES

HEADER = (
    "part",
    "currency",
    "number",
    "kind",
    "issue_date",
    "due_date",
    "days_late",
    "po_number",
    "terms",
    "amount",
    "paid",
    "open",
)


def items_csv(notice: Notice) -> bytes:
    """One row per item, amounts as plain decimals, in UTF-8 with a byte order mark."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for table in notice.tables:
        for part in PART_TITLES:
            lines: tuple[Line, ...] = getattr(table, part)
            writer.writerows(_row(part, table, line) for line in lines)
    return out.getvalue().encode("utf-8-sig")


def _row(part: str, table: CurrencyTable, line: Line) -> list[str]:
    return [
        part,
        table.currency,
        neutral(line.number),
        line.kind,
        line.issue_date.isoformat() if line.issue_date else "",
        line.due_date.isoformat() if line.due_date else "",
        str(max(line.days_late, 0)),
        neutral(line.po_number),
        neutral(line.terms),
        str(line.original),
        str(line.paid),
        str(line.open),
    ]
