"""Cash expected in the next thirteen weeks: promised on its day, the rest by habit."""

from collections.abc import Iterator
from datetime import date

from django.db.models import Exists, F, OuterRef, Q, Sum

from dunning.models import Promise, PromiseItem, PromiseStatus
from invoices.metrics import Expected, Week, expected_cash
from invoices.queries import collectible_by_due_date, usual_lateness


def expected_weeks(today: date, currency: str) -> list[Week]:
    """Thirteen weeks from this Monday on, in one currency.

    An invoice with an open promise is expected as promised and not a second time by habit.
    """
    return expected_cash([*_promised(currency), *_predicted(today, currency)], today)


def _promised(currency: str) -> Iterator[Expected]:
    rows = Promise.objects.filter(status=PromiseStatus.OPEN, currency=currency).order_by()
    left = Sum(F("amount") - F("kept_amount"))
    for day, amount in rows.values_list("due_on").annotate(left=left):
        yield Expected(amount=amount, due_date=day, promised_on=day)


def _predicted(today: date, currency: str) -> Iterator[Expected]:
    items = PromiseItem.objects.filter(invoice=OuterRef("pk"), promise__status=PromiseStatus.OPEN)
    habits = usual_lateness(today)
    rows = collectible_by_due_date(currency, without=Q(Exists(items)))
    for customer, due_date, amount in rows:
        yield Expected(amount, due_date, habits.get(customer, 0))
