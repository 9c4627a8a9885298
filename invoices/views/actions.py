"""Changes to the ledger: payments, credit notes, disputes."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, posted
from arfollow.shared.events import actor_of
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from customers.models import Customer
from invoices.forms.actions import (
    CreditNoteForm,
    DisputeForm,
    PaymentForm,
    ReverseForm,
)
from invoices.models import Invoice, Payment
from invoices.services import (
    add_credit_note,
    open_dispute,
    record_payment,
    reverse_payment,
)

WRITES = require_http_methods(["GET", "POST"])


def _today() -> date:
    return clock.today(Company.load().time_zone)


def _home(request: HttpRequest, customer_id: int) -> str:
    return back_to(request, reverse("customer-detail", args=[customer_id]))


@WRITES
@requires(Role.COLLECTOR)
def payment_add(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    open_ones = Invoice.objects.filter(customer=customer, open_amount__gt=0)
    form = PaymentForm(
        posted(request),
        invoices=list(open_ones.order_by("next_due_date", "pk")),
        initial={"currency": customer.currency, "received_on": _today(), "method": "transfer"},
    )
    page = ActionPage(
        title="Record a payment",
        submit="Record the payment",
        back=_home(request, pk),
        sub=customer.name,
        template="invoices/payment.html",
    )

    def record(data: Any) -> str:
        if Payment.objects.filter(source="manual", external_id=str(data["token"])).exists():
            return "This payment is recorded already."
        paid = record_payment(
            pk,
            actor=actor_of(request.user),
            received_on=data["received_on"],
            currency=data["currency"],
            amount=data["amount"],
            allocate=form.shares(),
            method=data["method"],
            reference=data["reference"],
            external_id=str(data["token"]),
        )
        left = with_currency(paid.unapplied_amount, paid.currency)
        rest = f" {left} of it is not applied yet." if paid.unapplied_amount else ""
        return f"{with_currency(paid.amount, paid.currency)} is recorded.{rest}"

    return act(request, page, form, record)


@WRITES
@requires(Role.COLLECTOR)
def payment_reverse(request: HttpRequest, pk: int) -> HttpResponse:
    payment = get_object_or_404(Payment.objects.select_related("customer"), pk=pk)
    amount = with_currency(payment.amount, payment.currency)
    page = ActionPage(
        title="Reverse a payment",
        submit="Reverse the payment",
        back=_home(request, payment.customer_id),
        sub=f"{payment.customer.name}: {amount}",
        text="What it had paid is open again from that day, and the follow-up goes on.",
    )

    def reverse_it(data: Any) -> str:
        reverse_payment(pk, on=data["on"], reason=data["reason"], actor=actor_of(request.user))
        return f"The payment of {amount} is reversed."

    return act(request, page, ReverseForm(posted(request), initial={"on": _today()}), reverse_it)


@WRITES
@requires(Role.COLLECTOR)
def credit_note_add(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    initial = {"currency": customer.currency, "issue_date": _today()}
    form = CreditNoteForm(posted(request), customer_id=pk, initial=initial)
    page = ActionPage("Add a credit note", "Add the credit note", _home(request, pk), customer.name)

    def add(data: Any) -> str:
        note = add_credit_note(
            pk,
            data["number"],
            actor=actor_of(request.user),
            issue_date=data["issue_date"],
            currency=data["currency"],
            amount=data["amount"],
            reason=data["reason"],
            invoice_id=data["invoice"].pk if data["invoice"] else None,
        )
        return f"Credit note {note.number} is in the ledger."

    return act(request, page, form, add)


@WRITES
@requires(Role.COLLECTOR)
def dispute_add(request: HttpRequest, pk: int) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.select_related("customer__owner"), pk=pk)
    customer = invoice.customer
    initial = {"raised_on": _today(), "owner": customer.owner_id}
    page = ActionPage(
        title=f"Invoice {invoice.number} is disputed",
        submit="Record the dispute",
        back=back_to(request, reverse("invoice-detail", args=[pk])),
        sub=f"{customer.name}: {with_currency(invoice.open_amount, invoice.currency)} open",
        text="The disputed amount leaves the follow-up until the dispute is settled.",
    )

    def dispute(data: Any) -> str:
        given = dict(data)
        row = open_dispute(pk, given.pop("amount"), actor=actor_of(request.user), **given)
        return f"{with_currency(row.amount, invoice.currency)} is in dispute."

    return act(request, page, DisputeForm(posted(request), initial=initial), dispute)
