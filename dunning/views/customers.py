"""Customers: the list, and the page of one with everything that is known."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arfollow.shared import clock
from arfollow.shared.keyset import read_cursor
from arfollow.shared.lists import Column, ListView
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company
from customers.history import history_of
from customers.models import Customer
from dunning.models import (
    Enrolment,
    FollowUp,
    Hold,
    PaymentPlan,
    PlanStatus,
    Policy,
    Promise,
    PromiseStatus,
    Task,
    TaskStatus,
)
from dunning.views.figures import customer_totals
from dunning.views.filters import CustomerFilter
from dunning.views.steps import standings
from dunning.views.timeline import entries
from invoices.models import Invoice, Payment

SHOWN_ITEMS = 100
SHOWN_PAYMENTS = 10


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
    )

    def rows(self) -> QuerySet[Any, Any]:
        return Customer.objects.select_related("owner").only(
            "name", "number", "legal_stop", "credit_stop", "owner__first_name",
            "owner__last_name", "owner__username",
        )  # fmt: skip

    def decorate(self, rows: list[Any]) -> None:
        today = clock.today(Company.load().time_zone)
        ids = [row.pk for row in rows]
        balances, nexts = balances_of(ids, today), next_days(ids)
        for row in rows:
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


def next_days(ids: Iterable[int]) -> dict[int, dt.date]:
    """The first day on which something is planned for each of some customers."""
    rows = FollowUp.objects.filter(customer__in=list(ids), next_on__isnull=False)
    first = rows.order_by().values("customer").annotate(first=Min("next_on"))
    return {row["customer"]: row["first"] for row in first}


@require_safe
def customer_detail(request: HttpRequest, pk: int) -> HttpResponse:
    people = ("owner", "parent", "terms")
    customer = get_object_or_404(Customer.objects.select_related(*people), pk=pk)
    today = clock.today(Company.load().time_zone)
    after = read_cursor(request.GET.get("after", ""))
    history = history_of(pk, after=after)
    context = {
        "customer": customer,
        "today": today,
        "totals": customer_totals(customer, today),
        "items": open_items(customer, today),
        "entries": entries(history.moments),
        "older": str(history.older) if history.older else "",
        "paged": after is not None,
        "policy": policy_of(customer),
        **agreements(customer, today),
        **known(customer),
    }
    return render(request, "customers/detail.html", context)


def open_items(customer: Customer, today: dt.date) -> list[Invoice]:
    """The oldest open invoices with their place in the policy."""
    rows = Invoice.objects.filter(customer=customer, open_amount__gt=0)
    found = list(rows.order_by("next_due_date", "id")[:SHOWN_ITEMS])
    places = standings(row.pk for row in found)
    for row in found:
        row.days = (today - row.next_due_date).days  # type: ignore[attr-defined]  # shown only
        row.places = places.get(row.pk, [])  # type: ignore[attr-defined]  # shown only
    return found


def agreements(customer: Customer, today: dt.date) -> dict[str, object]:
    """What holds us back at present: promises, holds, plans, open tasks."""
    holds = Hold.objects.filter(customer=customer, released_on=None, ends_on__gte=today)
    return {
        "holds": holds.select_related("invoice").order_by("ends_on"),
        "promises": Promise.objects.filter(customer=customer, status=PromiseStatus.OPEN),
        "plans": PaymentPlan.objects.filter(
            customer=customer, status__in=(PlanStatus.DRAFT, PlanStatus.ACTIVE)
        ),
        "tasks": Task.objects.filter(customer=customer, status=TaskStatus.OPEN).order_by("due_on"),
    }


def known(customer: Customer) -> dict[str, object]:
    """People, address and the latest payments."""
    payments = Payment.objects.filter(customer=customer).order_by("-received_on", "-id")
    return {
        "contacts": customer.contacts.order_by("-active", "role", "-primary", "id"),
        "address": customer.addresses.filter(active=True).first(),
        "agreement": customer.terms_agreements.order_by("-agreed_on", "-id").first(),
        "payments": payments[:SHOWN_PAYMENTS],
    }


def policy_of(customer: Customer) -> Policy | None:
    """The policy the customer follows: its own, else its tag's, else the default."""
    tagged = Q(tag__in=customer.tags.all())
    rows = Enrolment.objects.filter(Q(customer=customer) | tagged | Q(is_default=True))
    ranked = sorted(rows.select_related("policy"), key=_rank)
    return ranked[0].policy if ranked else None


def _rank(enrolment: Enrolment) -> tuple[bool, bool]:
    return (enrolment.customer_id is None, enrolment.tag_id is None)
