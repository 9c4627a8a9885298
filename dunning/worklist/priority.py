"""How pressing each customer is, kept beside them so that the database can order by it.

A projection: worked out again for a customer whose `ledger_seq` moved, and for everybody when
the day changes. The run's tick does so; a page that finds something behind does a part itself.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, Sum

from arfollow.shared.money import ZERO
from customers.models import Customer
from dunning.models import CustomerFollowUp, Exposure, Priority, Promise, PromiseStatus
from dunning.policy.priority import Standing, score, words
from invoices.models import Instalment, Invoice
from invoices.queries import usual_lateness

YEAR = timedelta(days=365)
PAGE = 500
AT_ONCE = 1000
"""How many a page renews itself before it is shown; the tick does the rest."""
FIELDS = (
    "score", "currency", "overdue", "oldest_due", "usual_late", "broken", "reliability",
    "computed_on", "seq",
)  # fmt: skip


@dataclass(slots=True)
class Owed:
    """What a customer owes overdue in one currency; only late instalments count."""

    currency: str
    overdue: Decimal
    disputed: Decimal
    items: int
    oldest_due: date

    @property
    def undisputed(self) -> Decimal:
        return max(self.overdue - self.disputed, ZERO)


def renew(today: date, *, at_most: int | None = None) -> int:
    """Bring the priorities up to date; answers how many were behind."""
    ids = list(_behind(today)[:at_most] if at_most is not None else _behind(today))
    if ids:
        typical = _typical(today)
        for start in range(0, len(ids), PAGE):
            _renew(ids[start : start + PAGE], today, typical)
    return len(ids)


def _behind(today: date) -> Any:
    """Customers nobody looked at on that day, or whose ledger moved since."""
    late = Invoice.objects.filter(
        customer=OuterRef("pk"), open_amount__gt=0, next_due_date__lt=today
    )
    unknown = Q(priority=None) & Exists(late)
    behind = ~Q(priority__computed_on=today) | Q(priority__seq__lt=F("ledger_seq"))
    rows = Customer.objects.filter(unknown | (Q(priority__isnull=False) & behind))
    return rows.order_by("pk").values_list("pk", flat=True)


def _typical(today: date) -> Mapping[str, Decimal]:
    """What a customer has overdue on average, by currency."""
    late = Invoice.objects.filter(open_amount__gt=0, next_due_date__lt=today).order_by()
    rows = late.values_list("currency").annotate(
        sum=Sum("open_amount"), owners=Count("customer", distinct=True)
    )
    return {currency: amount / owners for currency, amount, owners in rows}


def _renew(ids: Sequence[int], today: date, typical: Mapping[str, Decimal]) -> None:
    """One page: what is owed, habits and promises in a query each, then two upserts."""
    with transaction.atomic():
        customers = list(
            Customer.objects.filter(pk__in=ids).only("pk", "ledger_seq", "cannot_pay_reason")
        )
        owed = overdue_of(ids, today)
        habits = usual_lateness(today, customers=ids)
        broken, kept = _promises(ids, today)
        rows = [
            _row(each, owed[each.pk], typical, today, habits.get(each.pk), broken.get(each.pk, 0),
                 kept.get(each.pk))
            for each in customers if each.pk in owed
        ]  # fmt: skip
        Priority.objects.filter(customer__in=set(ids) - set(owed)).delete()
        Priority.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["customer"], update_fields=FIELDS
        )
        _expose(ids, owed)


def _row(
    customer: Customer,
    owed: Sequence[Owed],
    typical: Mapping[str, Decimal],
    today: date,
    usual_late: int | None,
    broken: int,
    reliability: int | None,
) -> Priority:
    most = max(owed, key=lambda each: each.undisputed / (typical.get(each.currency) or 1))
    oldest = min(each.oldest_due for each in owed)
    row = Priority(
        customer=customer, currency=most.currency, overdue=most.undisputed, oldest_due=oldest,
        usual_late=usual_late, broken=broken, reliability=reliability, computed_on=today,
        seq=customer.ledger_seq,
    )  # fmt: skip
    row.score = score(standing_of(row, customer, today, typical.get(most.currency, ZERO)))
    return row


def standing_of(
    row: Priority, customer: Customer, today: date, typical: Decimal = ZERO
) -> Standing:
    """The row as the rule takes it."""
    return Standing(
        currency=row.currency, overdue=row.overdue, typical=typical,
        days=(today - row.oldest_due).days if row.oldest_due else 0,
        usual_late=row.usual_late, broken=row.broken, reliability=row.reliability,
        cannot_pay=bool(customer.cannot_pay_reason),
    )  # fmt: skip


def words_of(row: Priority | None, customer: Customer, today: date) -> str:
    """Why it stands where it stands; empty for a customer with nothing overdue."""
    return words(standing_of(row, customer, today)) if row is not None else ""


def _expose(ids: Collection[int], owed: Mapping[int, Sequence[Owed]]) -> None:
    rows = [
        Exposure(
            customer_id=pk, currency=each.currency, overdue=each.undisputed,
            disputed=each.disputed, items=each.items, oldest_due=each.oldest_due,
        )
        for pk in sorted(owed) for each in owed[pk]
    ]  # fmt: skip
    gone = {(pk, currency) for pk, currency in _exposed(ids)} - {
        (row.customer_id, row.currency) for row in rows
    }
    for pk, currency in gone:
        Exposure.objects.filter(customer=pk, currency=currency).delete()
    Exposure.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["customer", "currency"],
        update_fields=["overdue", "disputed", "items", "oldest_due"],
    )  # fmt: skip


def _exposed(ids: Collection[int]) -> Iterable[tuple[int, str]]:
    return Exposure.objects.filter(customer__in=ids).values_list("customer_id", "currency")


def overdue_of(ids: Collection[int], today: date) -> dict[int, list[Owed]]:
    """What each owes overdue by currency, the largest first; who owes nothing is left out."""
    late = Invoice.objects.filter(customer__in=ids, open_amount__gt=0, next_due_date__lt=today)
    sums = late.order_by().values_list("customer", "currency").annotate(
        open=Sum("open_amount"), disputed=Sum("disputed_amount"), n=Count("pk"),
        oldest=Min("next_due_date"),
    )  # fmt: skip
    later = _not_due_parts(ids, today)
    found: dict[int, list[Owed]] = {}
    for customer, currency, amount, disputed, items, oldest in sums.order_by("customer", "-open"):
        overdue = amount - later.get((customer, currency), ZERO)
        row = Owed(currency, overdue, min(disputed, overdue), items, oldest)
        found.setdefault(customer, []).append(row)
    return found


def _not_due_parts(ids: Collection[int], today: date) -> dict[tuple[int, str], Decimal]:
    """Of invoices in instalments that are late, the parts that are not (L25)."""
    parts = Instalment.objects.filter(
        invoice__customer__in=ids, open_amount__gt=0, due_date__gte=today,
        invoice__open_amount__gt=0, invoice__next_due_date__lt=today,
    ).order_by()  # fmt: skip
    rows = parts.values_list("invoice__customer", "invoice__currency")
    return {(pk, code): amount for pk, code, amount in rows.annotate(sum=Sum("open_amount"))}


def _promises(ids: Collection[int], today: date) -> tuple[dict[int, int], dict[int, int]]:
    ends = [PromiseStatus.BROKEN, PromiseStatus.PART_KEPT]
    rows = Promise.objects.filter(customer__in=ids, status__in=ends, settled_on__gt=today - YEAR)
    broken = dict(rows.order_by().values_list("customer").annotate(n=Count("pk")))
    records = CustomerFollowUp.objects.filter(customer__in=ids, promise_reliability__isnull=False)
    kept = records.values_list("customer", "promise_reliability")
    return broken, {pk: percent for pk, percent in kept if percent is not None}
