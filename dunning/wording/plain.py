"""The text part of an e-mail, and the readable form of a call script."""

from collections.abc import Iterable
from textwrap import wrap

from dunning.wording.blocks import BLOCKS, HEADINGS, Entry
from dunning.wording.message import Block, Bullets, Heading, Message, Paragraph
from dunning.wording.notice import Notice
from dunning.wording.tables import PartView, Row, TableView, table_views

WIDTH = 78
_LATE = "Days late"
_COLUMNS = (("Invoice", 14), ("Due", 12), (_LATE, 9), ("Open", 14))


def plain_text(
    message: Message, notice: Notice, tables: tuple[TableView, ...] | None = None
) -> str:
    """The whole message as plain text, paragraphs wrapped at 78 characters."""
    shown = table_views(notice) if tables is None else tables
    pieces = [piece for part in message.parts for piece in _part(part, notice, shown)]
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def _part(
    part: Paragraph | Heading | Bullets | Block, notice: Notice, tables: tuple[TableView, ...]
) -> Iterable[str]:
    if isinstance(part, Block):
        return _block(part.name, notice, tables)
    if isinstance(part, Bullets):
        return ["\n".join(_bullet(item) for item in part.items)]
    if isinstance(part, Heading):
        return [f"{part.text}\n{'-' * len(part.text)}"]
    return ["\n".join(_wrapped(line) for line in part.text.split("\n"))]


def _wrapped(line: str, indent: str = "") -> str:
    return "\n".join(
        wrap(
            line,
            WIDTH,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _bullet(item: str) -> str:
    return _wrapped(f"- {item}", "  ")


def _block(name: str, notice: Notice, tables: tuple[TableView, ...]) -> Iterable[str]:
    if name == "invoice_table":
        return [_table(table) for table in tables]
    entries = BLOCKS[name](notice)
    if name in ("signature", "interest"):
        return ["\n".join(_wrapped(entry.label) for entry in entries)]
    listed = "\n".join(_bullet(_words(entry)) for entry in entries)
    heading = HEADINGS.get(name)
    return [f"{heading}:\n{listed}" if heading else listed]


def _words(entry: Entry) -> str:
    said = entry.value or entry.link
    return f"{entry.label}: {said}" if said else entry.label


def _table(table: TableView) -> str:
    return "\n\n".join(_table_part(part, table.currency) for part in table.parts)


def _table_part(part: PartView, currency: str) -> str:
    head = _columns([name if name != _LATE or part.has_late else "" for name, _ in _COLUMNS])
    lines = [f"{part.title} ({currency})", head, "-" * len(head)]
    for row in part.rows:
        lines.extend(_row(row))
    if part.more:
        lines.append(_amount_line(part.more, part.more_amount))
    lines.append("-" * len(head))
    lines.append(_amount_line(f"{part.total_label}, {currency}", part.total))
    lines.extend(_amount_line(f"  {age.label} ({age.count})", age.amount) for age in part.ages)
    return "\n".join(lines)


def _row(row: Row) -> list[str]:
    cells = [row.number, row.due, row.days_late, row.open]
    if len(row.number) > _COLUMNS[0][1]:
        lines = [row.number, _columns(["", *cells[1:]])]
    else:
        lines = [_columns(cells)]
    return [*lines, *wrap(row.about, WIDTH, initial_indent="  ", subsequent_indent="  ")]


def _columns(cells: list[str]) -> str:
    left = f"{cells[0]:<{_COLUMNS[0][1]}} {cells[1]:<{_COLUMNS[1][1]}}"
    right = " ".join(
        f"{cell:>{width}}" for cell, (_, width) in zip(cells[2:], _COLUMNS[2:], strict=True)
    )
    return f"{left} {right}"


def _amount_line(label: str, amount: str) -> str:
    full = sum(width for _, width in _COLUMNS) + len(_COLUMNS) - 1
    return f"{label:<{full - len(amount) - 1}} {amount}"
