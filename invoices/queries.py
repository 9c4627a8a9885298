"""Reading the ledger: ageing as of any day, sales, cash received, habits of paying."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Case,
    Count,
    DecimalField,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    When,
)

from arfollow.shared.money import ZERO
from invoices.aging import Ageing, OpenItem, Spare, age, bucket_of, days_past_due
from invoices.models import (
    Allocation,
    CreditNote,
    Dispute,
    DisputeReason,
    Instalment,
    Invoice,
    Payment,
    WriteOff,
)

CHUNK = 5_000
HABIT = timedelta(days=365)
SPARE = ("customer_id", "currency", "amount")


def live(as_of: date) -> Q:
    """Rows with `reversed_on` that counted at the end of the day."""
    return Q(reversed_on=None) | Q(reversed_on__gt=as_of)


def ageing(as_of: date) -> dict[str, Ageing]:
    """The ageing of each currency as it was at the end of that day.

    Exact for any past day: what was paid, credited or written off later does not count, and
    what was reversed later still does (L26).
    """
    settled = _settled(as_of)
    return age(_open_items(as_of, settled), as_of, credits=_credits(as_of), unapplied=_cash(as_of))


def _standing(as_of: date) -> QuerySet[Invoice]:
    """Invoices that may have been open then; one closed by that day was not."""
    return Invoice.objects.filter(Q(closed_on=None) | Q(closed_on__gt=as_of)).filter(
        issue_date__lte=as_of
    )


def _settled(as_of: date) -> Mapping[int, Decimal]:
    """What had been taken off each of those invoices by the end of that day."""
    found: defaultdict[int, Decimal] = defaultdict(lambda: ZERO)
    invoices = Q(invoice__issue_date__lte=as_of) & (
        Q(invoice__closed_on=None) | Q(invoice__closed_on__gt=as_of)
    )
    allocated = Allocation.objects.filter(invoices, live(as_of), effective_on__lte=as_of)
    for invoice_id, amount in allocated.values_list("invoice_id").annotate(sum=Sum("amount")):
        found[invoice_id or 0] += amount
    given_up = WriteOff.objects.filter(invoices, live(as_of), written_off_on__lte=as_of)
    for invoice_id, amount in given_up.values_list("invoice_id").annotate(sum=Sum("amount")):
        found[invoice_id] += amount
    return found


def _open_items(as_of: date, settled: Mapping[int, Decimal]) -> Iterator[OpenItem]:
    parts = _instalments(as_of)
    rows = _standing(as_of).values_list("id", "customer_id", "currency", "due_date", "amount")
    for pk, customer_id, currency, due_date, amount in rows.iterator(chunk_size=CHUNK):
        paid = settled.get(pk, ZERO)
        for due, left in _left_of(parts.get(pk, [(due_date, amount)]), paid):
            yield OpenItem(customer_id, currency, due, left, pk)


def _instalments(as_of: date) -> Mapping[int, list[tuple[date, Decimal]]]:
    """Instalments by invoice, oldest first."""
    found: defaultdict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    rows = Instalment.objects.filter(invoice__issue_date__lte=as_of).order_by("due_date", "number")
    for invoice_id, due_date, amount in rows.values_list("invoice_id", "due_date", "amount"):
        found[invoice_id].append((due_date, amount))
    return found


def _left_of(
    parts: Iterable[tuple[date, Decimal]], paid: Decimal
) -> Iterator[tuple[date, Decimal]]:
    """What is open of each part when the payments fill the oldest first."""
    for due_date, amount in parts:
        taken = min(amount, paid)
        paid -= taken
        if amount > taken:
            yield due_date, amount - taken


def _credits(as_of: date) -> Iterator[Spare]:
    """The rest of each credit note then."""
    used = _used(as_of, "credit_note_id")
    rows = CreditNote.objects.filter(issue_date__lte=as_of)
    for pk, owner, currency, amount in rows.values_list("id", *SPARE):
        if left := amount - used.get(pk, ZERO):
            yield Spare(owner, currency, left)


def _cash(as_of: date) -> Iterator[Spare]:
    """What of each payment was not allocated then."""
    used = _used(as_of, "payment_id")
    rows = Payment.objects.filter(live(as_of), received_on__lte=as_of)
    for pk, owner, currency, amount in rows.values_list("id", *SPARE):
        if left := amount - used.get(pk, ZERO):
            yield Spare(owner, currency, left)


def _used(as_of: date, key: str) -> dict[int, Decimal]:
    rows = Allocation.objects.filter(live(as_of), Q((f"{key}__isnull", False)))
    rows = rows.filter(effective_on__lte=as_of)
    return dict(rows.values_list(key).annotate(sum=Sum("amount")))


def current_ageing(today: date) -> dict[str, Ageing]:
    """The ageing of today from the kept columns alone: for pages, in a few grouped queries.

    Ties to `ageing(today)` wherever nothing is posted ahead of its day.
    """
    found: defaultdict[str, Ageing] = defaultdict(Ageing)
    # One date, so next due is due: the index of the open ledger has it.
    whole = Invoice.objects.filter(~Exists(_parts_of_it()), open_amount__gt=0)
    _add_groups(found, _by_due(whole, "currency", "next_due_date"), today)
    parts = Instalment.objects.filter(open_amount__gt=0)
    _add_groups(found, _by_due(parts, "invoice__currency", "due_date"), today)
    for currency, invoices in _count(Invoice.objects.filter(open_amount__gt=0), "id"):
        found[currency].open_invoices = invoices
    late = Invoice.objects.filter(open_amount__gt=0, next_due_date__lt=today)
    for currency, invoices in _count(late, "id"):
        found[currency].overdue_invoices = invoices
    for currency, customers in _count(late, "customer_id"):
        found[currency].overdue_customers = customers
    _add_spare(found)
    return dict(sorted(found.items()))


def _parts_of_it() -> QuerySet[Instalment]:
    return Instalment.objects.filter(invoice=OuterRef("pk"))


def _by_due(
    rows: QuerySet[Invoice] | QuerySet[Instalment], currency: str, due: str
) -> Iterable[tuple[str, date, int, Decimal]]:
    """Two-step grouping: the database sums days, the caller sums buckets."""
    groups = rows.order_by().values_list(currency, due)
    return groups.annotate(count=Count("id"), sum=Sum("open_amount"))


def _add_groups(
    found: Mapping[str, Ageing], groups: Iterable[tuple[str, date, int, Decimal]], today: date
) -> None:
    for currency, due_date, count, amount in groups:
        name = bucket_of(days_past_due(due_date, today))
        found[currency].buckets[name].add(amount, count)


def _count(rows: QuerySet[Invoice], column: str) -> Iterable[tuple[str, int]]:
    grouped = rows.order_by().values_list("currency")
    return grouped.annotate(count=Count(column, distinct=column != "id"))


def _add_spare(found: Mapping[str, Ageing]) -> None:
    credits = CreditNote.objects.filter(unapplied_amount__gt=0).order_by()
    for currency, amount in credits.values_list("currency").annotate(sum=Sum("unapplied_amount")):
        found[currency].credits = amount
    cash = Payment.objects.filter(unapplied_amount__gt=0).order_by()
    for currency, amount in cash.values_list("currency").annotate(sum=Sum("unapplied_amount")):
        found[currency].unapplied = amount


# --- sales, cash and habits -----------------------------------------------------------------


def sales_by_day(first: date, last: date) -> dict[str, dict[date, Decimal]]:
    """What was invoiced on each of those days in each currency; credit notes are not taken off."""
    rows = Invoice.objects.filter(issue_date__range=(first, last)).order_by()
    found: defaultdict[str, dict[date, Decimal]] = defaultdict(dict)
    sums = rows.values_list("currency", "issue_date").annotate(sum=Sum("amount"))
    for currency, day, amount in sums:
        found[currency][day] = amount
    return found


def collected(first: date, last: date) -> dict[str, tuple[int, Decimal]]:
    """Payments received on those days: how many and how much; reversed ones do not count."""
    rows = Payment.objects.filter(received_on__range=(first, last), reversed_on=None).order_by()
    sums = rows.values_list("currency").annotate(count=Count("id"), sum=Sum("amount"))
    return {currency: (count, amount) for currency, count, amount in sums}


class DayNumber(Func):
    """A date as a number of days, so that the database can take averages of differences."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(julianday(%(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(%(expressions)s - DATE '2000-01-01')"
        return self.as_sql(compiler, connection, template=template, **context)


def usual_lateness(today: date, *, customers: Collection[int] | None = None) -> dict[int, int]:
    """Average days late of each customer (FACTS section 4), by what was closed in a year.

    Early payment counts below zero; a customer of whom nothing is known is left out.
    ``customers`` asks for those only.
    """
    closed = Invoice.objects.filter(open_amount=0, amount__gt=0, issue_date__gt=today - HABIT)
    if customers is not None:
        closed = closed.filter(customer__in=customers)
    late = F("amount") * (DayNumber("closed_on") - DayNumber("due_date"))
    sums = closed.order_by().values_list("customer_id").annotate(
        late=Sum(late, output_field=DecimalField(max_digits=30, decimal_places=2)),
        total=Sum("amount"),
    )  # fmt: skip
    return {customer: round(late / total) for customer, late, total in sums}


def collectible_by_due_date(currency: str, *, without: Q) -> Iterator[tuple[int, date, Decimal]]:
    """Customer, due date and undisputed open amount in one currency, summed by the database.

    Invoices that match ``without`` are left out, and so are disputed ones with instalments:
    what is contested belongs to none of their dates.
    """
    rows = Invoice.objects.filter(currency=currency, open_amount__gt=F("disputed_amount"))
    whole = rows.filter(instalments=None, open_amount__gt=0).exclude(without).order_by()
    amount = Sum(F("open_amount") - F("disputed_amount"))
    yield from whole.values_list("customer_id", "due_date").annotate(sum=amount).iterator()
    split = rows.filter(disputed_amount=0, open_amount__gt=0).exclude(without)
    parts = Instalment.objects.filter(open_amount__gt=0, invoice__in=split).order_by()
    sums = parts.values_list("invoice__customer_id", "due_date").annotate(sum=Sum("open_amount"))
    yield from sums.iterator()


DISPUTE_AGES = ("0–7 days", "8–30 days", "31–60 days", "over 60 days")
_AGE_FROM = (8, 31, 61)


@dataclass(frozen=True, slots=True)
class DisputeAge:
    """Open disputes of one reason or owner and currency: amounts by how long they are open."""

    label: str
    currency: str
    amounts: tuple[Decimal, ...]
    count: int
    past: int

    @property
    def total(self) -> Decimal:
        """All ages together."""
        return sum(self.amounts, ZERO)


def dispute_ages(rows: QuerySet[Dispute], today: date) -> dict[str, list[DisputeAge]]:
    """The ageing of disputes, by reason and by owner, in one query; largest first.

    An age counts days since it was raised; `past` are those whose target date has passed.
    """
    bounds = [today - timedelta(days=days) for days in _AGE_FROM]
    age = Case(
        *(When(raised_on__lte=day, then=3 - n) for n, day in enumerate(reversed(bounds))),
        default=0,
        output_field=IntegerField(),
    )
    owner = ("owner__first_name", "owner__last_name", "owner__username")
    found = rows.order_by().values("reason", *owner, "invoice__currency", age=age)
    summed = found.annotate(
        sum=Sum("amount"), n=Count("pk"), late=Count("pk", filter=Q(target_date__lt=today))
    )
    reasons: dict[tuple[str, str], list[Any]] = {}
    owners: dict[tuple[str, str], list[Any]] = {}
    for row in summed:
        currency = row["invoice__currency"]
        _add_age(reasons, str(DisputeReason(row["reason"]).label), currency, row)
        _add_age(owners, _named(row), currency, row)
    return {"reason": _dispute_rows(reasons), "owner": _dispute_rows(owners)}


def _named(row: Mapping[str, Any]) -> str:
    full = f"{row['owner__first_name'] or ''} {row['owner__last_name'] or ''}".strip()
    return full or row["owner__username"] or "Nobody"


def _add_age(
    found: dict[tuple[str, str], list[Any]], label: str, currency: str, row: Mapping[str, Any]
) -> None:
    kept = found.setdefault((label, currency), [[ZERO] * len(DISPUTE_AGES), 0, 0])
    kept[0][row["age"]] += row["sum"]
    kept[1] += row["n"]
    kept[2] += row["late"]


def _dispute_rows(found: Mapping[tuple[str, str], list[Any]]) -> list[DisputeAge]:
    rows = [
        DisputeAge(label, currency, tuple(amounts), count, past)
        for (label, currency), (amounts, count, past) in found.items()
    ]
    return sorted(rows, key=lambda row: (row.currency, -row.total, row.label))
