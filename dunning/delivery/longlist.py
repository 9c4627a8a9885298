"""Very long lists on paper: set in monospaced lines, a page at a time.

A table cell costs WeasyPrint about a millisecond; 2,602 items as a table took 17 seconds,
as lines they take one and a half (L35).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dunning.wording.notice import Notice
from dunning.wording.tables import PartView, Row, table_views

TABLE_ROWS = 200
"""Up to this many items are printed as a table, with a line of details each."""

ROWS_PER_PAGE = 58
_WIDTHS = (18, 12, 12, 5, 14, 13, 14)
_NAMES = ("Invoice", "Issued", "Due", "Late", "Amount", "Paid", "Open")
_LEFT = 3
_DETAILS = 14


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of lines; ``title`` only where a part begins."""

    title: str
    lines: str


def list_pages(notice: Notice) -> tuple[ListPage, ...]:
    """Every item of the notice in pages of lines, each with the column heads."""
    return tuple(
        page
        for table in table_views(notice, limit=None)
        for part in table.parts
        for page in _part_pages(part, table.currency)
    )


def _part_pages(part: PartView, currency: str) -> Iterator[ListPage]:
    head = _line(_NAMES, "Order")
    for start in range(0, len(part.rows), ROWS_PER_PAGE):
        rows = part.rows[start : start + ROWS_PER_PAGE]
        lines = [head, "-" * len(head), *(_row(row) for row in rows)]
        if start + ROWS_PER_PAGE >= len(part.rows):
            lines.append(f"{part.total_label}, {currency}: {part.total}")
        yield ListPage(f"{part.title} ({currency})" if not start else "", "\n".join(lines))


def _row(row: Row) -> str:
    cells = (row.number, row.issued, row.due, row.days_late, row.original, row.paid, row.open)
    return _line(cells, row.order)


def _line(cells: tuple[str, ...], order: str) -> str:
    left = (f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    right = (f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    together = "".join([*list(left)[:_LEFT], *list(right)[_LEFT:]])
    return f"{together}  {order[:_DETAILS]}"
