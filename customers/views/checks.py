"""Making sure: contacts that are verified, warnings of fraud, notes, the paying parent."""

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
from customers.checks import verify_contact
from customers.forms import NoteForm, ParentForm, ToldForm, VerifyForm, WarningForm
from customers.models import Contact, Customer, FraudWarning
from customers.services import add_note, set_parent
from customers.warnings import clear_warnings, raise_warning

WRITES = require_http_methods(["GET", "POST"])


def _home(request: HttpRequest, customer: Customer) -> str:
    return back_to(request, reverse("customer-detail", args=[customer.pk]))


@WRITES
@requires(Role.COLLECTOR)
def contact_verify(request: HttpRequest, pk: int) -> HttpResponse:
    contact = get_object_or_404(Contact.objects.select_related("customer"), pk=pk)
    today = clock.today(Company.load().time_zone)
    form = VerifyForm(posted(request), contact=contact, initial={"on": today})
    page = ActionPage(
        title=f"Verify {contact}",
        submit="Verified",
        back=_home(request, contact.customer),
        sub=contact.customer.name,
        text="Never use an address or number that came with the change itself: "
        "call one that was known before.",
    )

    def verify(data: Any) -> str:
        verify_contact(
            pk,
            data["what"],
            how=data["how"],
            on=data["on"],
            actor=actor_of(request.user),
            note=data["note"],
        )
        return f"{contact} is verified."

    return act(request, page, form, verify)


@WRITES
@requires(Role.COLLECTOR)
def note_add(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    page = ActionPage(
        title="Add a note",
        submit="Keep the note",
        back=_home(request, customer),
        sub=customer.name,
        text="It stands in the timeline. Customers never see it.",
    )

    def keep(data: Any) -> str:
        add_note(pk, data["text"], actor=actor_of(request.user))
        return "The note is kept."

    return act(request, page, NoteForm(posted(request)), keep)


@WRITES
@requires(Role.COLLECTOR)
def warning_add(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    page = ActionPage(
        title="Changed bank details or contact",
        submit="Warn everybody",
        back=_home(request, customer),
        sub=customer.name,
        text="Somebody says that bank details or a contact changed. Until one of us has checked "
        "it, a warning stands above this customer.",
    )

    def warn(data: Any) -> str:
        raise_warning(customer, data["text"], actor=actor_of(request.user))
        return "The warning stands until somebody has checked."

    return act(request, page, ToldForm(posted(request)), warn)


@WRITES
@requires(Role.COLLECTOR)
def warning_clear(request: HttpRequest, pk: int) -> HttpResponse:
    rows = FraudWarning.objects.select_related("customer")
    warning = get_object_or_404(rows, pk=pk)
    page = ActionPage(
        title="It is checked",
        submit="Take the warning away",
        back=_home(request, warning.customer),
        sub=warning.customer.name,
        text=warning.text,
    )

    def clear(data: Any) -> str:
        actor = actor_of(request.user)
        clear_warnings(warning.customer_id, actor=actor, why=data["why"], only=pk)
        return "The warning is gone; the timeline keeps it."

    return act(request, page, WarningForm(posted(request)), clear)


@WRITES
@requires(Role.COLLECTOR)
def customer_parent(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer.objects.select_related("parent"), pk=pk)
    start = {
        "number": customer.parent.number if customer.parent else "",
        "notices": customer.parent_notice,
    }
    page = ActionPage(
        title="Who pays for this account",
        submit="Save who pays",
        back=_home(request, customer),
        sub=customer.name,
    )

    def save(data: Any) -> str:
        actor = actor_of(request.user)
        done = set_parent(pk, data["number"], data["notices"], actor=actor)
        return f"{done.parent} pays for it." if done.parent else "They pay themselves."

    return act(request, page, ParentForm(posted(request), initial=start), save)
