"""Cash expected in the next thirteen weeks: promised on its day, the rest by habit."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q, Sum

from dunning.briefing.kept import kept
from dunning.models import Promise, PromiseItem, PromiseStatus
from invoices.metrics import Expected, Week, expected_cash
from invoices.queries import collectible_by_due_date, usual_lateness


def expected_weeks(today: date, currency: str) -> list[Week]:
    """Thirteen weeks from this Monday on, in one currency.

    An invoice with an open promise is expected as promised and not a second time by habit.
    """
    weeks = expected_cash(list(_promised(currency)), today)
    habit = kept(f"habit:{currency}", today, lambda: predicted(today, currency))
    for week, amount in zip(weeks, habit, strict=True):
        week.predicted = amount
    return weeks


def predicted(today: date, currency: str) -> list[Decimal]:
    """What is expected by habit alone, in each of the weeks."""
    return [week.predicted for week in expected_cash(list(_by_habit(today, currency)), today)]


def _promised(currency: str) -> Iterator[Expected]:
    rows = Promise.objects.filter(status=PromiseStatus.OPEN, currency=currency).order_by()
    left = Sum(F("amount") - F("kept_amount"))
    for day, amount in rows.values_list("due_on").annotate(left=left):
        yield Expected(amount=amount, due_date=day, promised_on=day)


def _by_habit(today: date, currency: str) -> Iterator[Expected]:
    """Amounts of customers with the same habit and date count together."""
    items = PromiseItem.objects.filter(invoice=OuterRef("pk"), promise__status=PromiseStatus.OPEN)
    habits = usual_lateness(today)
    sums: defaultdict[tuple[date, int], Decimal] = defaultdict(Decimal)
    for customer, due, amount in collectible_by_due_date(currency, without=Q(Exists(items))):
        sums[due, habits.get(customer, 0)] += amount
    for (due, late), amount in sums.items():
        yield Expected(amount, due, late)
