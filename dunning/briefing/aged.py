"""Ageing by customer: what accountants call aged receivables, for the export."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet, Sum

from arfollow.shared.money import ZERO
from customers.models import Customer
from invoices.aging import BUCKETS, bucket_of, days_past_due
from invoices.models import CreditNote, Instalment, Invoice, Payment

type Whose = tuple[int, str]


@dataclass(slots=True)
class Aged:
    """One customer in one currency; credits and unapplied cash stand beside the buckets."""

    number: str = ""
    name: str = ""
    owner: str = ""
    currency: str = ""
    buckets: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(BUCKETS, ZERO))
    credits: Decimal = ZERO
    unapplied: Decimal = ZERO

    @property
    def open(self) -> Decimal:
        return sum(self.buckets.values(), ZERO)

    @property
    def net(self) -> Decimal:
        """What is open less what is theirs to set against it."""
        return self.open - self.credits - self.unapplied


def aged(today: date) -> Iterator[Aged]:
    """Every customer with something open or to their credit, by name; ties to the ageing."""
    found: defaultdict[Whose, Aged] = defaultdict(Aged)
    for owner, currency, due, amount in _open():
        found[owner, currency].buckets[bucket_of(days_past_due(due, today))] += amount
    for (owner, currency), amount in _spare(CreditNote.objects.all()):
        found[owner, currency].credits += amount
    for (owner, currency), amount in _spare(Payment.objects.all()):
        found[owner, currency].unapplied += amount
    yield from _named(found)


def _open() -> Iterator[tuple[int, str, date, Decimal]]:
    parts = Instalment.objects.filter(invoice=OuterRef("pk"))
    whole = Invoice.objects.filter(~Exists(parts), open_amount__gt=0).order_by()
    sums = whole.values_list("customer", "currency", "next_due_date")
    yield from sums.annotate(sum=Sum("open_amount")).iterator()
    split = Instalment.objects.filter(open_amount__gt=0).order_by()
    rows = split.values_list("invoice__customer", "invoice__currency", "due_date")
    yield from rows.annotate(sum=Sum("open_amount")).iterator()


def _spare(
    rows: QuerySet[CreditNote] | QuerySet[Payment],
) -> Iterator[tuple[Whose, Decimal]]:
    left = rows.filter(unapplied_amount__gt=0).order_by().values_list("customer", "currency")
    for owner, currency, amount in left.annotate(sum=Sum("unapplied_amount")):
        yield (owner, currency), amount


def _named(found: dict[Whose, Aged]) -> Iterator[Aged]:
    people = Customer.objects.select_related("owner").order_by("name", "pk")
    by_owner: defaultdict[int, list[str]] = defaultdict(list)
    for owner, currency in sorted(found):
        by_owner[owner].append(currency)
    for customer in people.iterator(chunk_size=2000):
        for currency in by_owner.get(customer.pk, ()):
            row = found[customer.pk, currency]
            row.number, row.name, row.currency = customer.number, customer.name, currency
            row.owner = str(customer.owner or "")
            yield row
