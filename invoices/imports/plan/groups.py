"""The rows of one invoice taken together: its amount, its dates, what is paid of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from arfollow.shared.money import LIMIT, ZERO
from invoices.imports.plan.customers import customer_key
from invoices.imports.plan.types import Plan, Unusable
from invoices.imports.readers import Reading, Remark, SourceRow

PAID = frozenset({"paid", "closed", "settled", "paid in full", "auto-paid"})


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one invoice; ``first`` gives what is the same on each."""

    first: SourceRow
    rows: tuple[SourceRow, ...]
    key: str
    currency: str
    amount: Decimal
    issue_date: date

    @property
    def number(self) -> str:
        """The invoice's number, which is its key in the source."""
        return self.first.invoice_number

    @property
    def due_date(self) -> date | None:
        """The due date where any row states one."""
        return next((row.due_date for row in self.rows if row.due_date), None)

    @property
    def paid_date(self) -> date | None:
        """The last day of payment that any row states."""
        return max((row.paid_date for row in self.rows if row.paid_date), default=None)

    def is_settled(self, as_of: date) -> bool:
        """Whether the source shows the whole as used up or paid by that day."""
        paid_by_then = self.paid_date is not None and self.paid_date <= as_of
        return paid_by_then or self.first.balance == 0 or self.first.status in PAID

    def stated_paid(self, as_of: date, credited: Decimal) -> Decimal | None:
        """The total the source says was paid by that day; None where it says nothing.

        A paid date without an amount, a balance of zero or the status "paid" mean all that
        credit notes and write-offs left (``credited``).
        """
        if self.paid_date is not None and self.paid_date > as_of:
            return None
        if self.first.paid_amount is not None:
            return self.first.paid_amount
        if self.first.balance is not None:
            return self.amount - self.first.balance - credited
        return self.amount - credited if self.is_settled(as_of) else None


def grouped(reading: Reading, plan: Plan) -> Iterable[Sequence[SourceRow]]:
    """Rows by invoice number in the order of the file.

    Where a row is a whole invoice, a number that comes again is rejected.
    """
    groups: dict[str, list[SourceRow]] = {}
    for row in reading.rows:
        group = groups.setdefault(row.invoice_number, [])
        if group and not reading.line_items:
            message = f"invoice {row.invoice_number} is on line {group[0].line} already"
            column = reading.heading("invoice_number")
            plan.rejected.append(Remark(row.line, column, message))
            continue
        group.append(row)
    return groups.values()


def as_group(rows: Sequence[SourceRow], reading: Reading, currency: str) -> Group:
    """The rows as one invoice; Unusable where they contradict each other."""
    first = rows[0]
    key = customer_key(first.customer)
    if any(customer_key(row.customer) != key for row in rows):
        raise Unusable("customer_number", "one invoice number with two customers")
    if reading.line_items and first.invoice_number in reading.rejected_numbers:
        raise Unusable("invoice_number", "another line of this invoice cannot be read")
    if first.issue_date is None:
        raise Unusable("issue_date", "no issue date")
    return Group(
        first, tuple(rows), key, first.currency or currency, _amount(rows), first.issue_date
    )


def _amount(rows: Sequence[SourceRow]) -> Decimal:
    """The stated total, once; else the sum of the lines."""
    totals = {row.total for row in rows if row.total is not None}
    items = [row.item.amount for row in rows if row.item]
    if len(totals) > 1:
        raise Unusable("amount", "the lines of this invoice state different totals")
    if not totals and len(items) < len(rows):
        raise Unusable("amount", "no amount")
    amount = totals.pop() if totals else sum(items, ZERO)
    if abs(amount) >= LIMIT:
        raise Unusable("amount", "larger than the ledger can hold")
    return amount
