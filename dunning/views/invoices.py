"""Invoices: the list, and the page of one with lines, payments and what comes next."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from arfollow.shared import clock
from arfollow.shared.lists import Column, ListView
from arfollow.staff.models import Company
from customers.history import history_about
from dunning.models import AttemptItem
from dunning.views.filters import InvoiceFilter
from dunning.views.steps import Standing, current_standings, standings
from dunning.views.timeline import entries
from invoices.models import Invoice

SHOWN_LINES = 200
SHOWN_ATTEMPTS = 100


def _place(row: Invoice) -> Standing | None:
    """The place of the item that is next, of an invoice in instalments."""
    places: list[Standing] = getattr(row, "places", [])
    return places[0] if places else None


def _next(row: Invoice) -> str:
    place = _place(row)
    return place.next_step if place else ""


class InvoiceList(ListView):
    """Invoices with their place in the policy; open ones unless others are asked for."""

    template_name = "invoices/list.html"
    title = "Invoices"
    filter_form = InvoiceFilter
    default_sort = "next_due_date"
    columns = (
        Column("number", "Invoice"),
        Column("customer__name", "Customer"),
        Column("issue_date", "Issued", export_only=True),
        Column("next_due_date", "Due"),
        Column("days", "Days late", sortable=False, numeric=True, value=lambda r: max(r.days, 0)),
        Column("currency", "Currency", sortable=False),
        Column("amount", "Amount", numeric=True),
        Column("open_amount", "Open", numeric=True),
        Column("disputed_amount", "In query", numeric=True),
        Column("next", "Next step", sortable=False, value=_next),
    )

    def rows(self) -> QuerySet[Any, Any]:
        return Invoice.objects.select_related("customer").only(
            "number", "customer__name", "issue_date", "next_due_date", "currency", "amount",
            "open_amount", "disputed_amount",
        )  # fmt: skip

    def decorate(self, rows: list[Any]) -> None:
        today = clock.today(Company.load().time_zone)
        places = standings(row.pk for row in rows)
        for row in rows:
            row.days = (today - row.next_due_date).days if row.open_amount else 0
            row.places = places.get(row.pk, [])
            row.place = _place(row)


@require_safe
def invoice_detail(request: HttpRequest, pk: int) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.select_related("customer", "terms"), pk=pk)
    today = clock.today(Company.load().time_zone)
    context = {
        "invoice": invoice,
        "customer": invoice.customer,
        "days": (today - invoice.next_due_date).days,
        "places": current_standings(invoice, today),
        "lines": invoice.lines.select_related("item")[:SHOWN_LINES],
        "instalments": invoice.instalments.all(),
        "entries": entries(history_about(concerned(invoice)).moments),
        **settled(invoice),
    }
    return render(request, "invoices/detail.html", context)


def concerned(invoice: Invoice) -> dict[str, list[int]]:
    """The rows whose events belong to the invoice's history."""
    named = AttemptItem.objects.filter(invoice=invoice).order_by("-attempt_id")
    attempts = list(named.values_list("attempt_id", flat=True).distinct()[:SHOWN_ATTEMPTS])
    disputes = list(invoice.disputes.values_list("pk", flat=True))
    return {
        "invoice": [invoice.pk],
        "attempt": attempts,
        "contactattempt": attempts,
        "dispute": disputes,
    }


def settled(invoice: Invoice) -> dict[str, object]:
    """What was taken off the invoice or is contested, with its day."""
    allocations = invoice.allocations.select_related("payment", "credit_note")
    return {
        "allocations": allocations.order_by("effective_on", "id"),
        "write_offs": invoice.write_offs.order_by("written_off_on"),
        "charges": invoice.charges.order_by("charged_on"),
        "disputes": invoice.disputes.select_related("owner").order_by("-raised_on"),
    }
