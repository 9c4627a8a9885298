"""The list of customers: what is open, what is late, what stops them, what comes next."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum

from arfollow.shared import clock
from arfollow.shared.lists import Column, ListView
from arfollow.shared.money import with_currency
from arfollow.staff.models import Absence, Company, User
from customers.models import Customer
from dunning.models import FollowUp, Hold
from dunning.outcomes.supply import over_limit
from dunning.views.customer_filter import CustomerFilter
from invoices.models import Invoice


def _amounts(row: Customer, name: str) -> str:
    found = ((each[name], each["currency"]) for each in _balances(row) if each[name])
    return ", ".join(with_currency(amount, currency) for amount, currency in found)


def _balances(row: Customer) -> list[dict[str, Any]]:
    return getattr(row, "balances", [])


class CustomerList(ListView):
    """Every customer, with what is open, what is late, and when we are in touch next."""

    template_name = "customers/list.html"
    title = "Customers"
    filter_form = CustomerFilter
    default_sort = "name"
    columns = (
        Column("name", "Customer"),
        Column("number", "Number"),
        Column("open", "Open", sortable=False, numeric=True, value=lambda r: _amounts(r, "open")),
        Column(
            "overdue",
            "Overdue",
            sortable=False,
            numeric=True,
            value=lambda r: _amounts(r, "overdue"),
        ),
        Column(
            "late",
            "Oldest, days",
            sortable=False,
            numeric=True,
            value=lambda r: max((each["days"] for each in _balances(r)), default=None),
        ),
        Column("next_on", "Next step", sortable=False, value=lambda r: getattr(r, "next_on", None)),
        Column("owner", "Owner", sortable=False),
        Column("marks", "Stops", sortable=False, export_only=True, value=lambda r: _marks(r)),
    )

    def rows(self) -> QuerySet[Any, Any]:
        return Customer.objects.select_related("owner", "merged_into").only(
            "name", "number", "legal_stop", "credit_stop", "credit_limit", "currency",
            "merged_into__name", "merged_into__number", "owner__first_name", "owner__last_name",
            "owner__username",
        )  # fmt: skip

    def decorate(self, rows: list[Any]) -> None:
        today = clock.today(Company.load().time_zone)
        ids = [row.pk for row in rows]
        balances, nexts, limits = balances_of(ids, today), next_days(ids), over_limit(rows)
        held, covers = held_ids(ids, today), _covers(rows, today)
        for row in rows:
            row.over_limit = limits.get(row.pk)
            row.on_hold = row.pk in held
            row.cover = covers.get(row.owner_id)
            row.balances = balances[row.pk]
            row.next_on = nexts.get(row.pk)


def balances_of(ids: Iterable[int], today: dt.date) -> dict[int, list[dict[str, Any]]]:
    """Open and overdue amounts of some customers in each of their currencies."""
    rows = (
        Invoice.objects.filter(customer__in=list(ids), open_amount__gt=0)
        .order_by()
        .values("customer", "currency")
        .annotate(
            open=Sum("open_amount"),
            overdue=Sum("open_amount", filter=Q(next_due_date__lt=today)),
            items=Count("id"),
            oldest=Min("next_due_date"),
        )
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        late = max((today - row["oldest"]).days, 0)
        found[row["customer"]].append({**row, "days": late})
    return found


def held_ids(ids: Iterable[int], today: dt.date) -> set[int]:
    """Which of some customers a hold keeps back, as a whole or in part."""
    rows = Hold.objects.filter(customer__in=list(ids), released_on=None, ends_on__gte=today)
    return set(rows.values_list("customer_id", flat=True))


def _covers(rows: Iterable[Customer], today: dt.date) -> dict[int, User]:
    """Who covers for the owners of some customers today."""
    owners = {row.owner_id for row in rows if row.owner_id}
    away = Absence.objects.filter(user__in=owners, starts_on__lte=today, ends_on__gte=today)
    return {row.user_id: row.covered_by for row in away.select_related("covered_by").order_by("pk")}


def _marks(row: Customer) -> str:
    marks = [row.get_legal_stop_display()] if row.legal_stop else []
    marks += ["Supply stopped"] if row.credit_stop else []
    marks += ["Over the limit"] if getattr(row, "over_limit", None) else []
    marks += ["On hold"] if getattr(row, "on_hold", False) else []
    return ", ".join(str(mark) for mark in marks)


def next_days(ids: Iterable[int]) -> dict[int, dt.date]:
    """The first day on which something is planned for each of some customers."""
    rows = FollowUp.objects.filter(customer__in=list(ids), next_on__isnull=False)
    first = rows.order_by().values("customer").annotate(first=Min("next_on"))
    return {row["customer"]: row["first"] for row in first}
