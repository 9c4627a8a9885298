"""Reading how one customer pays, in a fixed number of queries."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, Max, Min, OuterRef

from invoices.behaviour import Behaviour, Item, behaviour
from invoices.models import Allocation, Invoice, Payment

LOOKED_AT = 20_000
"""So many of the newest invoices tell enough of anybody's habits."""
TWO_YEARS = 730


@dataclass(frozen=True, slots=True)
class Habits:
    """A customer's behaviour in its main currency, and its first and last payment."""

    currency: str
    behaviour: Behaviour
    first_payment: date | None
    last_payment: date | None


def habits_of(customer_id: int, currency: str, today: date) -> Habits:
    """Behaviour over two years, in the currency most of it is billed in."""
    since = today.toordinal() - TWO_YEARS
    cash = Allocation.objects.filter(
        invoice=OuterRef("pk"), payment__isnull=False, reversed_on=None
    )
    rows = (
        Invoice.objects.filter(customer=customer_id, issue_date__gt=date.fromordinal(since))
        .order_by("-issue_date", "-pk")
        .annotate(by_payment=Exists(cash))
        .values_list(
            "currency", "number", "due_date", "amount", "closed_on", "by_payment", "disputed_amount"
        )
    )
    found: defaultdict[str, list[Item]] = defaultdict(list)
    for code, number, due, amount, closed_on, by_payment, disputed in rows[:LOOKED_AT]:
        item = Item(number, due, amount, closed_on, by_payment, disputed > 0)
        found[code].append(item)
    main = max(found, key=lambda code: len(found[code]), default=currency)
    ends = Payment.objects.filter(customer=customer_id, reversed_on=None)
    first_last = ends.aggregate(first=Min("received_on"), last=Max("received_on"))
    return Habits(main, behaviour(found[main], today), first_last["first"], first_last["last"])
