"""The invoice table as rows of words: the same for text, HTML, letter and statement.

A table per currency, each in the three parts of rule 3. A long table is shortened to totals
by age and the ten oldest items, and says how many more there are; every shortened part still
adds up to its total (L7, L35).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from arfollow.shared.money import ZERO
from dunning.wording.formats import clean, counted, optional_date, plain_amount
from dunning.wording.notice import CurrencyTable, Line, Notice, Purpose

FULL_ROWS = 40
"""A message lists up to this many items; beyond, the list is attached."""

OLDEST_ROWS = 10

_AGES = ((1, 30, "1–30 days"), (31, 60, "31–60 days"), (61, 90, "61–90 days"))
_AGES_LATE = ((91, 120, "91–120 days"), (121, None, "over 120 days"))
_KINDS = {"credit": "Credit note", "unapplied": "Payment not yet matched", "charge": "Charge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One item in words; amounts without their currency."""

    number: str
    issued: str
    due: str
    days_late: str
    original: str
    paid: str
    open: str
    order: str
    details: str
    is_credit: bool

    @property
    def about(self) -> str:
        """Issue date, amount, payments and details in one line, for narrow tables."""
        labelled = (("issued", self.issued), ("amount", self.original), ("paid", self.paid))
        pieces = [f"{label} {value}" for label, value in labelled if value]
        return " · ".join([*pieces, *([self.details] if self.details else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRow:
    """How much of a shortened part is how late."""

    label: str
    count: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """One of the three parts. ``more`` tells what a shortened part leaves out."""

    name: str
    title: str
    rows: tuple[Row, ...]
    total_label: str
    total: str
    ages: tuple[AgeRow, ...] = ()
    more: str = ""
    more_amount: str = ""

    @property
    def has_late(self) -> bool:
        """Something in it is late; a courtesy has no such column at all."""
        return any(row.days_late for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """All parts of one currency that have items."""

    currency: str
    parts: tuple[PartView, ...]

    @property
    def is_short(self) -> bool:
        """Items were left out; the attached list has them all."""
        return any(part.more for part in self.parts)


PART_TITLES = {
    "please_pay": ("Please pay", "Total to pay"),
    "in_query": ("In query: we are looking into these, please leave them out", "Total in query"),
    "not_yet_due": ("Not yet due, for your planning", "Total not yet due"),
}


_STILL_OPEN = ("Still open", "Total still open")
_SAYS_THANKS = (Purpose.CROSSED, Purpose.PROMISE, Purpose.PROMISE_NUDGE, Purpose.PLAN)


def table_views(
    notice: Notice, *, limit: int | None = FULL_ROWS, language: str = "en"
) -> tuple[TableView, ...]:
    """The tables of a notice; ``limit=None`` lists everything."""
    terms = {line.terms for table in notice.tables for line in table.lines if line.terms}
    how = _How(
        is_short=limit is not None and notice.line_count > limit,
        names_terms=len(terms) > 1,
        asks=notice.purpose not in _SAYS_THANKS,
        language=language,
    )
    return tuple(_table(table, how) for table in notice.tables if table.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _How:
    """Terms stand beside an item only where items differ in them; a thank-you asks nothing."""

    is_short: bool
    names_terms: bool
    asks: bool
    language: str


def _table(table: CurrencyTable, how: _How) -> TableView:
    parts = (
        _part(name, getattr(table, name), table.currency, how)
        for name in PART_TITLES
        if getattr(table, name)
    )
    return TableView(currency=table.currency, parts=tuple(parts))


def _part(name: str, lines: Sequence[Line], currency: str, how: _How) -> PartView:
    title, total_label = PART_TITLES[name]
    if name == "please_pay" and not how.asks:
        title, total_label = _STILL_OPEN
    total = sum((line.open for line in lines), ZERO)
    shown = list(lines)
    if how.is_short and len(lines) > OLDEST_ROWS:
        shown = sorted(lines, key=_oldest_first)[:OLDEST_ROWS]
    hidden = len(lines) - len(shown)
    rest = total - sum((line.open for line in shown), ZERO)
    return PartView(
        name=name,
        title=title,
        rows=tuple(_row(line, currency, how) for line in shown),
        total_label=total_label,
        total=plain_amount(total, currency, how.language),
        ages=_ages(lines, currency, how.language) if hidden and name == "please_pay" else (),
        more=f"and {counted(hidden, 'more item', 'more items')}" if hidden else "",
        more_amount=plain_amount(rest, currency, how.language) if hidden else "",
    )


def _oldest_first(line: Line) -> tuple[bool, str, str]:
    due = line.due_date.isoformat() if line.due_date else "9999"
    return line.is_credit, due, line.number


def _row(line: Line, currency: str, how: _How) -> Row:
    language = how.language
    instalment = f" / {line.instalment_no}" if line.instalment_no else ""
    return Row(
        number=f"{clean(line.number)}{instalment}",
        issued=optional_date(line.issue_date, language),
        due=optional_date(line.due_date, language),
        days_late=str(line.days_late)
        if how.asks and line.days_late > 0 and not line.is_credit
        else "",
        original=_unless_zero(line.original, currency, language),
        paid=_unless_zero(line.paid, currency, language),
        open=plain_amount(line.open, currency, language),
        order=clean(line.po_number),
        details=_details(line, how),
        is_credit=line.is_credit,
    )


def _unless_zero(amount: Decimal, currency: str, language: str) -> str:
    return plain_amount(amount, currency, language) if amount else ""


def _details(line: Line, how: _How) -> str:
    """The kind, order number, terms and note of an item, on one line."""
    order = _order(clean(line.po_number))
    terms = clean(line.terms) if how.names_terms else ""
    account = f"account {clean(line.account)}" if line.account else ""
    pieces = (account, _KINDS.get(line.kind, ""), order, terms, clean(line.note))
    return " · ".join(piece for piece in pieces if piece)


def _order(number: str) -> str:
    return number if not number or number.upper().startswith("PO") else f"PO {number}"


def _ages(lines: Sequence[Line], currency: str, language: str) -> tuple[AgeRow, ...]:
    """Totals by age of what is asked for; credits and payments stand apart."""
    rows = []
    for first, last, label in (*_AGES, *_AGES_LATE):
        found = [
            line.open
            for line in lines
            if not line.is_credit
            and line.days_late >= first
            and (last is None or line.days_late <= last)
        ]
        if found:
            rows.append(_age(label, found, currency, language))
    credits = [line.open for line in lines if line.is_credit]
    if credits:
        rows.append(_age("credits and payments", credits, currency, language))
    return tuple(rows)


def _age(label: str, found: Sequence[Decimal], currency: str, language: str) -> AgeRow:
    total = sum(found, ZERO)
    return AgeRow(
        label=label, count=f"{len(found):,}", amount=plain_amount(total, currency, language)
    )
