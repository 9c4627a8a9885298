"""What is told once for a whole file, however many rows it concerns."""

from collections import Counter

from invoices.imports.plan.types import Plan
from invoices.imports.readers import Remark

MESSAGES = {
    "void": "{count} rows are void in the source and were left out",
    "draft": "{count} invoices are drafts in the source; make sure that they were sent",
    "due_first": "{count} invoices are due before they were issued",
    "no_due": "{count} invoices have no due date; the terms “{why}” were taken",
    "capped": "{count} invoices were chased further than firm; they start at firm",
    "part_paid": "{count} invoices are part paid, but the file does not say how much",
    "used_credit": "{count} credit notes are used up in the source and were left out",
    "not_yet": "{count} rows are issued after the as-of day and were left out",
}


class Tally:
    """Counts rows by what is to be told about them."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lines: dict[tuple[str, str], int] = {}

    def count(self, what: str, line: int, *, rows: int = 1, why: str = "") -> None:
        """Count rows; ``what`` is a key of MESSAGES."""
        self._counts[what, why] += rows
        self._lines.setdefault((what, why), line)

    def tell(self, plan: Plan) -> None:
        """One warning for each kind, at the first line it concerns."""
        for (what, why), count in self._counts.items():
            message = MESSAGES[what].format(count=f"{count:,}", why=why)
            plan.warnings.append(Remark(self._lines[what, why], "", message))
