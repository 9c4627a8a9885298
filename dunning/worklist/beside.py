"""What stands beside the customer in a row: money, the last contact, a promise."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.db.models import Count, Max, Q

from customers.models import Customer
from dunning.models import (
    AttemptState,
    ContactAttempt,
    HeldFor,
    Priority,
    Promise,
    PromiseStatus,
)
from dunning.worklist.priority import overdue_of, words_of
from dunning.worklist.rows import Money, Work


def enrich(rows: Iterable[Work], today: date) -> None:
    rows = list(rows)
    ids = {row.customer.pk for row in rows if row.customer is not None}
    money, contacts, promises = _money(ids, today), _last_contacts(ids), _promises(ids, today)
    for row in rows:
        if row.customer is not None:
            row.money = money.get(row.customer.pk, [])
            row.last_contact = contacts.get(row.customer.pk)
            row.promise = promises.get(row.customer.pk)
            row.priority = words_of(_priority(row.customer), row.customer, today)


def _priority(customer: Customer) -> Priority | None:
    """What was joined with the row; a customer with nothing overdue has none."""
    return getattr(customer, "priority", None)


def _money(ids: Iterable[int], today: date) -> dict[int, list[Money]]:
    return {
        pk: [
            Money(each.currency, each.overdue, each.items, (today - each.oldest_due).days,
                  each.disputed)
            for each in owed
        ]
        for pk, owed in overdue_of(list(ids), today).items()
    }  # fmt: skip


def _last_contacts(ids: Iterable[int]) -> dict[int, ContactAttempt]:
    made = ContactAttempt.objects.filter(
        customer__in=ids, state=AttemptState.SENT, customer_facing=True
    ).order_by()
    newest = [row["newest"] for row in made.values("customer").annotate(newest=Max("pk"))]
    rows = ContactAttempt.objects.filter(pk__in=newest).select_related("call").defer("content")
    return {row.customer_id: row for row in rows}


def _promises(ids: Iterable[int], today: date) -> dict[int, Promise]:
    """The latest promise that is open, or was broken within a month."""
    recent = Q(status=PromiseStatus.OPEN) | Q(
        status__in=[PromiseStatus.BROKEN, PromiseStatus.PART_KEPT],
        settled_on__gt=today - timedelta(days=30),
    )
    rows = Promise.objects.filter(recent, customer__in=ids).order_by("made_on", "pk")
    return {row.customer_id: row for row in rows}


def held_back() -> dict[str, int]:
    """How many messages something holds for all at once: a storm, a pause, stale data."""
    rows = ContactAttempt.objects.filter(state=AttemptState.HELD).order_by()
    grouped = rows.exclude(held_for__in=[HeldFor.APPROVAL, HeldFor.ADDRESS])
    return dict(grouped.values_list("held_for").annotate(n=Count("pk")))
