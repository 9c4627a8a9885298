"""Logging a call or a visit, with the evidence of what we sent at hand (R32)."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from arfollow.shared import clock
from arfollow.shared.acting import back_to, posted, refused_or_done
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from customers.models import Customer
from dunning.forms.calls import CallForm, Desk
from dunning.models import AttemptState, CallRecord, Channel, ContactAttempt, Task
from dunning.outcomes import (
    add_answer,
    collectible_by_currency,
    days_around,
    open_items,
    record_call,
    tried_days,
)

EVIDENCE = 8


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def log_call(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; with `?attempt=` for a planned call, `?task=` for an agreed call-back,
    `?call=` for one more outcome of a call that is logged."""
    customer = get_object_or_404(Customer.objects.select_related("owner"), pk=pk)
    planned = _planned(request, customer)
    now = clock.now()
    desk = _desk(customer, planned, now)
    form = CallForm(posted(request), desk=desk, initial={"outcome": request.GET.get("outcome")})
    if form.is_bound and form.is_valid():
        done = refused_or_done(form, lambda: _save(request, form, planned, now))
        if done is not None:
            return _go_on(request, form, done)
    context = _context(request, form, desk, planned)
    return render(request, "dunning/call.html", context, status=422 if form.errors else 200)


def _planned(request: HttpRequest, customer: Customer) -> ContactAttempt | None:
    """The planned call in the address, else the oldest that waits; a gone one is None."""
    waiting = ContactAttempt.objects.filter(
        customer=customer, state=AttemptState.PLANNED, channel__in=[Channel.CALL, Channel.VISIT]
    ).order_by("planned_on", "pk")
    asked = request.GET.get("attempt", "")
    if asked.isdecimal():
        return waiting.filter(pk=asked).first()
    return None if request.GET.get("call") else waiting.filter(channel=Channel.CALL).first()


def _desk(customer: Customer, planned: ContactAttempt | None, now: datetime) -> Desk:
    contacts = customer.contacts.filter(active=True).order_by("-primary", "id")
    return Desk(
        customer=customer,
        contacts=list(contacts),
        items=open_items(customer.pk),
        days=days_around(customer, Company.load(), now),
        channel=planned.channel if planned else Channel.CALL,
    )


def _save(
    request: HttpRequest, form: CallForm, planned: ContactAttempt | None, now: datetime
) -> ContactAttempt:
    actor = actor_of(request.user)
    earlier = _earlier(request, form.desk.customer)
    if earlier is not None:
        return add_answer(earlier.pk, form.answer(), actor=actor, now=now)
    task = _number(request, "task")
    asked = _number(request, "attempt")
    call = form.call(
        attempt_id=asked or (planned.pk if planned and not task else None), task_id=task
    )
    return record_call(call, actor=actor, now=now)


def _earlier(request: HttpRequest, customer: Customer) -> CallRecord | None:
    """The logged call that gets one more outcome."""
    number = _number(request, "call")
    calls = CallRecord.objects.filter(attempt__customer=customer)
    return get_object_or_404(calls, pk=number) if number else None


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 12 else None


def _go_on(request: HttpRequest, form: CallForm, done: ContactAttempt) -> HttpResponse:
    customer = form.desk.customer
    small = dict(form.fields["outcome"].choices)[form.cleaned_data["outcome"]]  # type: ignore[attr-defined]  # a choice field
    messages.success(request, f"{customer.name}: {str(small).lower()}. {_said(form)}")
    if "more" in request.POST:
        return redirect(reverse("log-call", args=[customer.pk]) + f"?call={done.pk}")
    return redirect(back_to(request, reverse("customer-detail", args=[customer.pk])))


def _said(form: CallForm) -> str:
    chosen = form.cleaned_data["outcome"].value
    return next(c.says for _, group in form.groups() for c in group if c.value == chosen)


def _context(
    request: HttpRequest, form: CallForm, desk: Desk, planned: ContactAttempt | None
) -> dict[str, Any]:
    customer = desk.customer
    home = reverse("customer-detail", args=[customer.pk])
    task = Task.objects.filter(pk=_number(request, "task") or 0, customer=customer).first()
    return {
        "form": form,
        "customer": customer,
        "contacts": desk.contacts,
        "planned": planned,
        "task": task,
        "earlier": _earlier(request, customer),
        "back": back_to(request, home),
        "next": back_to(request, ""),
        "today": desk.days.today,
        "totals": collectible_by_currency(
            item for item in desk.items if item.due_date < desk.days.today
        ),
        "evidence": _evidence(customer),
        "tried": tried_days(customer.pk, desk.days.today),
        "visit": desk.channel == Channel.VISIT,
    }


def _evidence(customer: Customer) -> list[ContactAttempt]:
    """What we sent last, with what became of it."""
    sent = ContactAttempt.objects.filter(
        customer=customer,
        state=AttemptState.SENT,
        channel__in=[Channel.EMAIL, Channel.LETTER],
        customer_facing=True,
    )
    return list(sent.order_by("-pk").prefetch_related("recipients").defer("content")[:EVIDENCE])
