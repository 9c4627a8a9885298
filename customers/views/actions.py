"""Changes to a customer: contacts, address, terms, legal stop, ownership."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, posted
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from customers.forms import AccountForm, AddressForm, ContactForm, LegalStopForm, TermsForm
from customers.models import Contact, Customer
from customers.services import (
    agree_terms,
    save_address,
    save_contact,
    set_legal_stop,
    update_customer,
)

WRITES = require_http_methods(["GET", "POST"])


def _home(request: HttpRequest, customer: Customer) -> str:
    return back_to(request, reverse("customer-detail", args=[customer.pk]))


@WRITES
@requires(Role.COLLECTOR)
def contact_add(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    form = ContactForm(posted(request), country=customer.country, initial={"active": True})
    page = ActionPage("Add a contact", "Add the contact", _home(request, customer), customer.name)

    def add(data: Any) -> str:
        same = {name: data[name] for name in ("name", "email", "phone", "role")}
        if customer.contacts.filter(active=True, **same).exists():
            return "This contact is on file already."
        return f"{save_contact(pk, actor=actor_of(request.user), **data)} is added."

    return act(request, page, form, add)


@WRITES
@requires(Role.COLLECTOR)
def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    contact = get_object_or_404(Contact.objects.select_related("customer"), pk=pk)
    customer = contact.customer
    form = ContactForm(posted(request), instance=contact, country=customer.country)
    page = ActionPage("Edit a contact", "Save the contact", _home(request, customer), customer.name)

    def save(data: Any) -> str:
        actor = actor_of(request.user)
        return f"{save_contact(customer.pk, actor=actor, contact_id=pk, **data)} is saved."

    return act(request, page, form, save)


@WRITES
@requires(Role.COLLECTOR)
def address_edit(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    current = customer.addresses.filter(active=True).first()
    start = {"country": customer.country} if current is None else None
    form = AddressForm(posted(request), instance=current, initial=start)
    page = ActionPage(
        title="Postal address",
        submit="Save the address",
        back=_home(request, customer),
        sub=customer.name,
        text="Letters go here. The address before stays in the history.",
    )

    def save(data: Any) -> str:
        save_address(pk, actor=actor_of(request.user), **data)
        return "The postal address is saved."

    return act(request, page, form, save)


@WRITES
@requires(Role.COLLECTOR)
def terms_agree(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    initial = {"terms": customer.terms_id, "agreed_on": _today()}
    page = ActionPage("Agreed terms", "Record the terms", _home(request, customer), customer.name)

    def agree(data: Any) -> str:
        done = agree_terms(pk, actor=actor_of(request.user), **data)
        return f"{done.terms}, agreed by {done.agreed_by}, is recorded."

    return act(request, page, TermsForm(posted(request), initial=initial), agree)


@WRITES
@requires(Role.MANAGER)
def legal_stop(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    form = LegalStopForm(posted(request), initial={"kind": customer.legal_stop})
    page = ActionPage(
        title="Legal stop",
        submit="Save the legal stop",
        back=_home(request, customer),
        sub=customer.name,
        text="While it is set nothing is sent and nobody is called. “None” lets it go on.",
    )

    def stop(data: Any) -> str:
        kind, why = data["kind"], data["why"]
        done = set_legal_stop(pk, kind, on=_today(), actor=actor_of(request.user), why=why)
        label = done.get_legal_stop_display()
        return f"{label}: everything stops." if kind else "The legal stop is released."

    return act(request, page, form, stop)


@WRITES
@requires(Role.COLLECTOR)
def account_edit(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    form = AccountForm(posted(request), instance=customer)
    page = ActionPage("Account", "Save the account", _home(request, customer), customer.name)

    def save(data: Any) -> str:
        update_customer(pk, data, actor=actor_of(request.user))
        return "The account is saved."

    return act(request, page, form, save)


def _today() -> Any:
    return clock.today(Company.load().time_zone)
