"""The call desk: one customer after the other, in the order of my list."""

from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import do_at_once
from arfollow.shared.events import Actor, actor_of
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import requires
from customers.models import Customer
from customers.services import lock_customer
from dunning.forms.desk import CallingForm, SkipForm
from dunning.models import CallRecord, ContactAttempt, DeskSkip
from dunning.outcomes import leave_event, take_back
from dunning.views.calls import call_page, undo_line
from dunning.views.desk_queue import Asked, queue_of
from dunning.views.desk_search import callers

TRAIL = "desk_trail"
REMEMBERED = 30


@require_safe
@requires(Role.COLLECTOR)
def desk(request: HttpRequest) -> HttpResponse:
    """The next call; where nobody waits, why, and what else there is to do."""
    asked = _asked(request)
    now = clock.now()
    queue = queue_of(cast(User, request.user), asked, now)
    if queue.next is not None:
        return redirect(queue.next.url)
    context = {"queue": queue, "asked": asked, "calling": CallingForm()}
    context |= undo_line(request, now)
    return render(request, "dunning/desk_empty.html", context)


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def desk_call(request: HttpRequest, pk: int) -> HttpResponse:
    """One call of the desk; after saving it is the next customer's turn."""
    asked, now, me = _asked(request), clock.now(), cast(User, request.user)
    if request.method == "GET":
        _remember(request)

    def then(done: ContactAttempt) -> str:
        # Saving may have brought this customer back, or taken others out: look again.
        found = queue_of(me, asked, clock.now())
        return found.next.url if found.next else _home(asked)

    def more() -> dict[str, Any]:
        queue = queue_of(me, asked, now, but=pk)
        return {
            "in_queue": True,
            "queue": queue,
            "asked": asked,
            "previous": _previous(request),
        }

    return call_page(request, pk, then, more)


@require_POST
@requires(Role.COLLECTOR)
def desk_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a customer off for the rest of the day, with the reason; the next one comes."""
    customer = get_object_or_404(Customer, pk=pk)
    reason, asked, me = SkipForm(request.POST).said(), _asked(request), cast(User, request.user)
    if not reason:
        messages.error(request, "Say why this call is put off.")
        return redirect(_back_to_call(request, pk))
    _put_off(customer.pk, me, reason, clock.now())
    messages.success(request, f"{customer.name} is put off until the end of your list: {reason}.")
    queue = queue_of(me, asked, clock.now(), but=pk)
    return redirect(queue.next.url if queue.next else _home(asked))


def _back_to_call(request: HttpRequest, pk: int) -> str:
    place = reverse("desk-call", args=[pk])
    query = request.GET.urlencode()
    return f"{place}?{query}" if query else place


def _put_off(customer_id: int, me: User, reason: str, now: datetime) -> None:
    with transaction.atomic():
        lock_customer(customer_id)
        today = clock.today(Company.load().time_zone)
        DeskSkip.objects.filter(by=me, on=today, customer=customer_id).delete()
        row = DeskSkip.objects.create(
            customer_id=customer_id, by=me, on=today, at=now, reason=reason[:120]
        )
        said = f"Call put off for today: {reason}"
        leave_event("call.put_off", row, customer_id, said, actor_of(me))


@require_POST
@requires(Role.COLLECTOR)
def desk_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the call back that was just logged, and open its customer once more."""
    record = get_object_or_404(CallRecord.objects.select_related("attempt__customer"), pk=pk)
    customer = record.attempt.customer
    reply = f"?reply={record.reply_id}" if record.reply_id else ""
    page = reverse("desk-call", args=[customer.pk]) + reply
    actor: Actor = actor_of(request.user)

    def undone() -> str:
        take_back(pk, actor=actor, now=clock.now())
        label = record.get_outcome_display().lower()
        return f"{customer.name}: “{label}” is taken back, with everything it did."

    return do_at_once(request, page, undone)


@require_safe
@requires(Role.COLLECTOR)
def desk_calling(request: HttpRequest) -> HttpResponse:
    """Somebody is calling: who is it? One match opens at once."""
    form = CallingForm(request.GET)
    text = form.cleaned_data["q"].strip() if form.is_valid() else ""
    found = callers(text)
    if len(found) == 1:
        return redirect(f"{reverse('desk-call', args=[found[0].customer.pk])}?inbound=1")
    context = {"calling": form, "found": found, "text": text}
    return render(request, "dunning/desk_calling.html", context)


# --- the way through the day ------------------------------------------------------------------


def _asked(request: HttpRequest) -> Asked:
    return Asked(
        everyone=request.GET.get("who") == "all", any_hour=request.GET.get("hours") == "any"
    )


def _home(asked: Asked) -> str:
    return reverse("desk") + (f"?{asked.query}" if asked.query else "")


def _remember(request: HttpRequest) -> None:
    """The pages of this person's calls, so that there is a way back."""
    trail: list[str] = request.session.get(TRAIL, [])
    here = request.get_full_path()
    if not trail or trail[-1] != here:
        kept = [place for place in trail if place != here]
        request.session[TRAIL] = [*kept, here][-REMEMBERED:]


def _previous(request: HttpRequest) -> str:
    """The call before this one; the last of them when the trail begins here."""
    trail: list[str] = request.session.get(TRAIL, [])
    here = request.get_full_path()
    before = trail[: trail.index(here)] if here in trail else trail
    return before[-1] if before else ""
