"""Reading the ledger: ageing as of any day."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from arfollow.shared.money import ZERO
from invoices.aging import Ageing, OpenItem, Spare, age, bucket_of, days_past_due
from invoices.models import Allocation, CreditNote, Instalment, Invoice, Payment, WriteOff

CHUNK = 5_000
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
    whole = Invoice.objects.filter(open_amount__gt=0, instalments=None)
    _add_groups(found, _by_due(whole, "currency", "due_date"), today)
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
