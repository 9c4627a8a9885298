"""Logging a call, a visit or what a reply says, with everything at hand (R32).

One page for all ways to it: from a customer's page, from the worklist, and from the call
desk, which goes on to the next customer after saving.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from arfollow.shared import clock
from arfollow.shared.acting import back_to, posted, refused_or_done
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import requires
from customers.models import Customer
from dunning.forms.calls import CallForm, Desk
from dunning.forms.desk import CallingForm, SkipForm
from dunning.models import AttemptState, CallRecord, Channel, ContactAttempt, Inbound, Task
from dunning.outcomes import (
    Wanted,
    add_answer,
    collectible_by_currency,
    days_around,
    last_logged,
    record_call,
    send_copies,
    undo_until,
)
from dunning.views.desk_page import desk_of, sight_of

PEOPLE = (Channel.CALL, Channel.VISIT)


@dataclass(frozen=True, slots=True)
class Case:
    """What the page is opened for: a planned call, an agreed one, a reply, one more outcome."""

    customer: Customer
    planned: ContactAttempt | None
    task: Task | None
    reply: Inbound | None
    earlier: CallRecord | None
    inbound: bool

    @property
    def channel(self) -> str:
        """Which outcomes are possible."""
        if self.reply is not None:
            return Channel.EMAIL
        return self.planned.channel if self.planned else Channel.CALL


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def log_call(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; with `?attempt=` for a planned call, `?task=` for an agreed call-back,
    `?reply=` for a message of theirs, `?call=` for one more outcome, `?inbound=1`."""

    def home(done: ContactAttempt) -> str:
        return back_to(request, reverse("customer-detail", args=[pk]))

    return call_page(request, pk, home, lambda: {"in_queue": False})


def call_page(
    request: HttpRequest,
    pk: int,
    then: Callable[[ContactAttempt], str],
    more: Callable[[], dict[str, Any]],
) -> HttpResponse:
    """The page of a call; `then` says where to go after it is saved."""
    now = clock.now()
    case = _case(request, pk)
    company = Company.load()
    days = days_around(case.customer, company, now)
    desk = desk_of(
        case.customer, days, channel=case.channel, inbound=case.inbound, reply=case.reply
    )
    form = CallForm(posted(request), desk=desk, initial=_initial(request, case, desk))
    said: dict[str, Any] = {}
    if "send" in request.POST:
        form.as_typed = True
        said = _send(request, form, now)
    elif form.is_bound and form.is_valid():
        done = refused_or_done(form, lambda: _save(request, form, case, now))
        if done is not None:
            return _go_on(request, form, done, then)
    context = _context(request, form, case, company, now) | said | more()
    return render(request, "dunning/desk.html", context, status=422 if form.errors else 200)


# --- what the page is about -------------------------------------------------------------------


def _case(request: HttpRequest, pk: int) -> Case:
    customer = get_object_or_404(Customer.objects.select_related("owner", "terms"), pk=pk)
    replies = Inbound.objects.filter(customer=customer)
    reply, call = _number(request, "reply"), _number(request, "call")
    earlier = CallRecord.objects.filter(attempt__customer=customer)
    tasks = Task.objects.filter(customer=customer)
    return Case(
        customer=customer,
        planned=None if reply else _planned(request, customer),
        task=tasks.filter(pk=_number(request, "task") or 0).first(),
        reply=get_object_or_404(replies, pk=reply) if reply else None,
        earlier=get_object_or_404(earlier.select_related("attempt"), pk=call) if call else None,
        inbound="inbound" in request.GET,
    )


def _planned(request: HttpRequest, customer: Customer) -> ContactAttempt | None:
    """The planned call in the address, else the oldest that waits; a gone one is None."""
    waiting = ContactAttempt.objects.filter(
        customer=customer, state=AttemptState.PLANNED, channel__in=PEOPLE
    ).order_by("planned_on", "pk")
    asked = request.GET.get("attempt", "")
    if asked.isdecimal():
        return waiting.filter(pk=asked).first()
    return None if request.GET.get("call") else waiting.filter(channel=Channel.CALL).first()


def _initial(request: HttpRequest, case: Case, desk: Desk) -> dict[str, Any]:
    """After a first outcome the invoices that had none yet are ticked."""
    initial: dict[str, Any] = {"outcome": request.GET.get("outcome")}
    if case.earlier is not None:
        answered = set(
            case.earlier.attempt.items.exclude(outcome="").values_list(
                "invoice_id", "instalment_no"
            )
        )
        left = [item for item in desk.overdue if tuple(item.key) not in answered]
        initial["items"] = [f"{i.key.invoice_id}-{i.key.instalment_no}" for i in left]
    return initial


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 12 else None


# --- saving -----------------------------------------------------------------------------------


def _save(request: HttpRequest, form: CallForm, case: Case, now: datetime) -> ContactAttempt:
    actor = actor_of(request.user)
    if case.earlier is not None:
        token = form.cleaned_data["token"]
        return add_answer(case.earlier.pk, form.answer(), actor=actor, now=now, token=token)
    theirs = form.cleaned_data["direction"] == "in"
    asked = _number(request, "attempt") if not theirs else None
    own = case.planned.pk if case.planned and not case.task and not theirs else None
    call = form.call(attempt_id=asked or own, task_id=case.task.pk if case.task else None)
    return record_call(call, actor=actor, now=now)


def _go_on(
    request: HttpRequest,
    form: CallForm,
    done: ContactAttempt,
    then: Callable[[ContactAttempt], str],
) -> HttpResponse:
    customer = form.desk.customer
    small = dict(form.fields["outcome"].choices)[form.cleaned_data["outcome"]]  # type: ignore[attr-defined]  # a choice field
    said = f"{customer.name}: {str(small).lower()}. {form.consequence()}"
    messages.success(request, said)
    if "more" in request.POST:
        return redirect(f"{request.path}?call={done.pk}")
    return redirect(then(done))


def _send(request: HttpRequest, form: CallForm, now: datetime) -> dict[str, Any]:
    """Copies or a statement while they are on the telephone; what was typed stays."""
    try:
        attempt = send_copies(
            form.desk.customer.pk,
            Wanted(request.POST.get("send", "")),
            form.keys_typed(),
            contact_id=form.contact_typed("send_to"),
            token=request.POST.get("token", "")[:40],
            actor=actor_of(request.user),
            now=now,
        )
    except (ServiceError, ValueError) as refusal:
        return {"sent_said": str(refusal), "sent_tone": "error"}
    to = attempt.recipients.get().address
    what = "statement" if attempt.content else "copies"
    return {"sent_said": f"On the way to {to}: the {what}.", "sent_tone": "success"}


# --- the page ---------------------------------------------------------------------------------


def _context(
    request: HttpRequest, form: CallForm, case: Case, company: Company, now: datetime
) -> dict[str, Any]:
    desk, me = form.desk, cast(User, request.user)
    return {
        "form": form,
        "customer": case.customer,
        "contacts": desk.contacts,
        "mailable": [contact for contact in desk.contacts if contact.can_email],
        "planned": case.planned,
        "task": case.task,
        "reply": case.reply,
        "stranger": _is_stranger(case.reply, desk),
        "earlier": case.earlier,
        "inbound": case.inbound,
        "back": back_to(request, reverse("customer-detail", args=[case.customer.pk])),
        "next": back_to(request, ""),
        "today": desk.days.today,
        "totals": collectible_by_currency(desk.overdue),
        "sight": sight_of(desk, company, me, planned=case.planned, task=case.task, now=now),
        "visit": desk.channel == Channel.VISIT,
        "skip": SkipForm(),
        "calling": CallingForm(),
        **undo_line(request, now),
    }


def _is_stranger(reply: Inbound | None, desk: Desk) -> bool:
    """Whether a reply comes from an address that no contact of theirs has (R58)."""
    if reply is None or not reply.from_address:
        return reply is not None
    return reply.from_address.lower() not in {contact.email.lower() for contact in desk.contacts}


def undo_line(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The call that this person logged within the minute."""
    undo = last_logged(cast(User, request.user).pk, now=now)
    return {"undo": undo, "undo_until": undo_until(undo) if undo else None}
