"""One currency's standing: open, promised, collected, neglected, and how fast we collect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from arfollow.shared.money import ZERO
from dunning.briefing.kept import kept
from dunning.briefing.neglected import neglected_by_currency
from dunning.briefing.totals import Totals, ledger_totals, promised_this_week
from invoices.metrics import MonthSales, average_days_delinquent, best_possible_dso, countback_dso
from invoices.queries import collected, sales_by_day

MONTHS = 12
BEST_OVER = 90
NOTHING = (0, ZERO)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """One currency. DSO figures are days, None where nothing was invoiced to compare with."""

    totals: Totals
    promised: Decimal
    promises: int
    collected: Decimal
    payments: int
    neglected: Decimal
    neglected_invoices: int
    dso: Decimal | None
    best_dso: Decimal | None

    @property
    def currency(self) -> str:
        return self.totals.currency

    @property
    def days_lost(self) -> Decimal | None:
        """Days by which late payment lengthens DSO (ADD)."""
        return average_days_delinquent(self.dso, self.best_dso)


def standings(today: date) -> list[Standing]:
    """Every currency in which something is open, the most overdue first."""
    promised, received = promised_this_week(today), collected(today.replace(day=1), today)
    forgotten = neglected_by_currency(today)
    sales = kept("sales", today, lambda: dict(sales_by_day(_first_month(today), today)))
    found = []
    for totals in ledger_totals(today):
        code = totals.currency
        sold = sales.get(code, {})
        not_due = totals.open - totals.overdue
        promises, promised_amount = promised.get(code, NOTHING)
        payments, collected_amount = received.get(code, NOTHING)
        neglected_count, neglected_amount = forgotten.get(code, NOTHING)
        found.append(
            Standing(
                totals=totals,
                promised=promised_amount,
                promises=promises,
                collected=collected_amount,
                payments=payments,
                neglected=neglected_amount,
                neglected_invoices=neglected_count,
                dso=countback_dso(totals.open, sales_by_month(sold, today)),
                best_dso=best_possible_dso(not_due, _recent(sold, today), BEST_OVER),
            )
        )
    return found


def sales_by_month(sold: Mapping[date, Decimal], today: date) -> list[MonthSales]:
    """The last twelve months, the newest first: this one with the days it has had so far."""
    found = []
    last = today
    for _ in range(MONTHS):
        first = last.replace(day=1)
        amount = sum((sum_ for day, sum_ in sold.items() if first <= day <= last), ZERO)
        found.append(MonthSales(amount, last.day))
        last = first - ONE_DAY
    return found


def _recent(sold: Mapping[date, Decimal], today: date) -> Decimal:
    since = today - timedelta(days=BEST_OVER)
    return sum((amount for day, amount in sold.items() if day > since), ZERO)


def _first_month(today: date) -> date:
    """The first day of the oldest of the twelve months."""
    months = today.year * 12 + today.month - MONTHS
    return date(months // 12, months % 12 + 1, 1)
