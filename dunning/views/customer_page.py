"""The page of one customer: who, what is open, how they pay, what comes next, all that was."""

import datetime as dt
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from arfollow.shared import clock
from arfollow.shared.keyset import read_cursor
from arfollow.shared.lists import export_links, export_of, query_of
from arfollow.staff.absences import cover_of
from arfollow.staff.models import Company
from customers.checks import last_checks
from customers.duplicates import duplicates_of
from customers.history import history_of
from customers.models import Contact, Customer, FraudWarning
from dunning.models import (
    Enrolment,
    Hold,
    PaymentPlan,
    PlanStatus,
    Policy,
    Promise,
    PromiseStatus,
    Task,
    TaskStatus,
)
from dunning.outcomes import ended_plan, promise_record
from dunning.outcomes.supply import over_limit
from dunning.views.figures import customer_totals
from dunning.views.next_step import next_of, stops_of
from dunning.views.steps import standings
from dunning.views.timeline import EXPORTED, entries, exported, read_filter
from invoices.habits import habits_of
from invoices.models import Invoice, Payment

SHOWN_ITEMS = 100
SHOWN_PAYMENTS = 10


@require_safe
def customer_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    people = ("owner", "parent", "terms", "merged_into")
    customer = get_object_or_404(Customer.objects.select_related(*people), pk=pk)
    if customer.merged_into_id is not None:
        return redirect("customer-detail", customer.merged_into_id)
    company = Company.load()
    today = clock.today(company.time_zone)
    form = read_filter(request)
    asked = form.asked(company)
    file = export_of(request, f"{customer.number} timeline", EXPORTED, exported(pk, asked))
    if file is not None:
        return file
    after = read_cursor(request.GET.get("after", ""))
    history = history_of(pk, after=after, asked=asked)
    context = {
        "customer": customer,
        "today": today,
        "totals": customer_totals(customer, today),
        "items": open_items(customer, today),
        "entries": entries(history.moments),
        "timeline_form": form,
        "exports": export_links(request),
        "older": str(history.older) if history.older else "",
        "older_query": query_of(request, after=str(history.older or "")),
        "newest": query_of(request),
        "paged": after is not None,
        "policy": policy_of(customer),
        **whose(customer, today),
        **how_they_pay(customer, today),
        **what_next(customer, today),
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


def whose(customer: Customer, today: dt.date) -> dict[str, object]:
    """Who looks after them, who covers, which accounts belong together."""
    return {
        "cover": cover_of(customer.owner, today),
        "children": customer.children.order_by("name", "pk")[:20],
        "absorbed": customer.absorbed.order_by("number"),
        "duplicates": duplicates_of(customer),
        "over_limit": over_limit([customer]).get(customer.pk),
    }


def how_they_pay(customer: Customer, today: dt.date) -> dict[str, object]:
    """Behaviour over two years, and what became of their promises."""
    return {
        "habits": habits_of(customer.pk, customer.currency, today),
        "promised": promise_record(customer.pk),
    }


def what_next(customer: Customer, today: dt.date) -> dict[str, object]:
    """The next step with its date, and why nothing else is sent."""
    return {"next_step": next_of(customer), "stops": stops_of(customer, today)}


def agreements(customer: Customer, today: dt.date) -> dict[str, object]:
    """What holds us back at present: promises, holds, plans, open tasks."""
    holds = Hold.objects.filter(customer=customer, released_on=None, ends_on__gte=today)
    return {
        "holds": holds.select_related("invoice").order_by("ends_on"),
        "promises": Promise.objects.filter(customer=customer, status=PromiseStatus.OPEN),
        "ended_plan": ended_plan(customer.pk),
        "plans": PaymentPlan.objects.filter(
            customer=customer, status__in=(PlanStatus.DRAFT, PlanStatus.ACTIVE)
        ),
        "tasks": Task.objects.filter(customer=customer, status=TaskStatus.OPEN).order_by("due_on"),
    }


def known(customer: Customer) -> dict[str, object]:
    """People with their checks and warnings, the address and the latest payments."""
    payments = Payment.objects.filter(customer=customer).order_by("-received_on", "-id")
    warnings = FraudWarning.objects.filter(customer=customer, cleared_at=None)
    agreed = customer.terms_agreements.select_related("recorded_by", "terms")
    return {
        "contacts": people(customer),
        "warnings": list(warnings.select_related("raised_by").order_by("pk")),
        "address": customer.addresses.filter(active=True).first(),
        "agreement": agreed.order_by("-agreed_on", "-id").first(),
        "payments": payments[:SHOWN_PAYMENTS],
    }


def people(customer: Customer) -> list[Contact]:
    """The contacts; each knows its latest checks."""
    rows: list[Any] = list(customer.contacts.order_by("-active", "role", "-primary", "id"))
    checks = last_checks([row.pk for row in rows])
    for row in rows:
        row.email_check = checks.get((row.pk, row.email))
        row.phone_check = checks.get((row.pk, row.phone))
    return rows


def policy_of(customer: Customer) -> Policy | None:
    """The policy the customer follows: its own, else its tag's, else the default."""
    tagged = Q(tag__in=customer.tags.all())
    rows = Enrolment.objects.filter(Q(customer=customer) | tagged | Q(is_default=True))
    ranked = sorted(rows.select_related("policy"), key=_rank)
    return ranked[0].policy if ranked else None


def _rank(enrolment: Enrolment) -> tuple[bool, bool]:
    return (enrolment.customer_id is None, enrolment.tag_id is None)
