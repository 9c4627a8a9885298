"""Entering an invoice, and keeping or showing its original PDF."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, actor_of
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import requires
from customers.models import Customer
from invoices.forms.entry import InvoiceForm, OriginalForm, lines_form
from invoices.models import Invoice
from invoices.services import NewLine, add_invoice, attach_original


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def invoice_add(request: HttpRequest) -> HttpResponse:
    posted = request.method == "POST"
    form = InvoiceForm(request.POST or None, request.FILES or None, initial=_initial(request))
    lines = lines_form(request.POST if posted else None)
    if posted and form.is_valid() and lines.is_valid():
        invoice = _book(form, lines.lines(), actor_of(_person(request)))
        if invoice is not None:
            messages.success(request, f"Invoice {invoice.number} is in the ledger.")
            return redirect("invoice-detail", invoice.pk)
    context = {"form": form, "lines": lines}
    return render(request, "invoices/add.html", context, status=422 if posted else 200)


def _initial(request: HttpRequest) -> dict[str, Any]:
    """Today, our currency; of the customer in the address its number, currency and terms."""
    company = Company.load()
    start: dict[str, Any] = {
        "issue_date": clock.today(company.time_zone),
        "currency": company.currency,
    }
    asked = request.GET.get("customer", "")
    customer = Customer.objects.filter(pk=asked).first() if asked.isdecimal() else None
    if customer is not None:
        start |= {
            "customer_number": customer.number,
            "currency": customer.currency,
            "terms": customer.terms_id,
        }
    return start


def _book(form: InvoiceForm, lines: list[NewLine], actor: Actor) -> Invoice | None:
    """The invoice with its PDF, or the service's refusal on the form."""
    data = form.cleaned_data
    try:
        with transaction.atomic():
            invoice = add_invoice(
                form.customer_id, data["number"], actor=actor, lines=lines, **form.booking()
            )
            if data["original"]:
                file = data["original"]
                attach_original(invoice.pk, file.name, file.read(), actor=actor)
    except ServiceError as error:
        form.add_error(None, str(error))
        return None
    return invoice


@require_POST
@requires(Role.COLLECTOR)
def original_add(request: HttpRequest, pk: int) -> HttpResponse:
    invoice = get_object_or_404(Invoice, pk=pk)
    form = OriginalForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["original"]
        try:
            attach_original(pk, file.name, file.read(), actor=actor_of(_person(request)))
        except ServiceError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"The original of {invoice.number} is kept.")
    else:
        messages.error(request, " ".join(map(str, form.errors["original"])))
    return redirect("invoice-detail", pk)


@require_safe
def original_show(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The PDF as a download, never inside our own pages."""
    invoice = get_object_or_404(Invoice, pk=pk)
    if not invoice.original:
        raise Http404("This invoice has no original.")
    name = f"{invoice.number}.pdf".replace("/", "-")
    return FileResponse(
        invoice.original.open("rb"),
        as_attachment=True,
        filename=name,
        content_type="application/pdf",
    )


def _person(request: HttpRequest) -> User:
    return get_object_or_404(User, pk=request.user.pk)
