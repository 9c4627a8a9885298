"""The brakes of sending: pause, shadow mode, a test message through the whole machine."""

import uuid
from datetime import timedelta
from typing import cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import requires
from customers.models import Customer
from customers.services import own_account
from dunning.dispatch import PROCESSES
from dunning.forms.policies import PauseForm, ShadowForm
from dunning.models import (
    AttemptKind,
    AttemptRecipient,
    Channel,
    ContactAttempt,
    Heartbeat,
    Tone,
)
from dunning.outbox import adopt_if_new, switches
from dunning.views.brakes import lately, stopped_parts

TEST_ACCOUNT = "TEST"
SILENT_AFTER = timedelta(minutes=3)


@require_safe
@requires(Role.READ_ONLY)
def sending_settings(request: HttpRequest) -> HttpResponse:
    company = Company.load()
    me = cast(User, request.user)
    tests = ContactAttempt.objects.filter(kind=AttemptKind.TEST).order_by("-pk")
    now = clock.now()
    context = {
        "company": company,
        "pause_form": PauseForm(),
        "shadow_form": ShadowForm(initial={"email": company.shadow_email or me.email}),
        "stopped": stopped_parts(),
        "brakes_history": lately(),
        "beats": [
            {"name": beat.name, "at": beat.at, "silent": now - beat.at > SILENT_AFTER}
            for beat in Heartbeat.objects.filter(name__in=PROCESSES).order_by("name")
        ],
        "tests": tests.prefetch_related("recipients")[:5],
    }
    return render(request, "dunning/sending.html", context)


@require_POST
@requires(Role.MANAGER)
def sending_pause(request: HttpRequest) -> HttpResponse:
    """Pause with a reason; without one, go on."""
    actor = actor_of(request.user)
    if "resume" in request.POST:
        done = switches.resume(actor=actor)
        words = "Sending goes on. What was held gets new times."
        messages.success(request, words if done else "Sending goes on already.")
        return redirect("sending-settings")
    form = PauseForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why sending is paused; everyone will see it.")
        return redirect("sending-settings")
    done = switches.pause(actor=actor, reason=form.cleaned_data["reason"])
    words = "Sending is paused. Nothing leaves until somebody lets it go on."
    messages.success(request, words if done else "Sending is paused already; nothing changed.")
    return redirect("sending-settings")


@require_POST
@requires(Role.ADMIN)
def sending_shadow(request: HttpRequest) -> HttpResponse:
    """Every message to one address, until somebody says go."""
    if "go" in request.POST:
        copies = switches.leave_shadow(actor=actor_of(request.user))
        words = f" The {copies} copies you saw count as not sent." if copies else ""
        messages.success(request, f"Messages go to your customers from now on.{words}")
        return redirect("sending-settings")
    form = ShadowForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Enter the address that gets every message.")
        return redirect("sending-settings")
    switches.enter_shadow(form.cleaned_data["email"], actor=actor_of(request.user))
    messages.success(request, f"Every message goes to {form.cleaned_data['email']} now.")
    return redirect("sending-settings")


@require_POST
@requires(Role.ADMIN)
def test_mail(request: HttpRequest) -> HttpResponse:
    """A message to oneself through the same outbox, checks and mail server as every other."""
    me = cast(User, request.user)
    try:
        attempt = plan_test(me)
    except ServiceError as refusal:
        messages.error(request, str(refusal))
        return redirect("sending-settings")
    to = Company.load().shadow_email if Company.load().shadow_mode else me.email
    messages.success(request, f"A test message to {to} is in the outbox and leaves in a minute.")
    return redirect("attempt-detail", attempt.pk)


def plan_test(me: User) -> ContactAttempt:
    """Put a test message into the outbox. ServiceError without an address of one's own."""
    if not me.email:
        raise ServiceError("Enter your own e-mail address in your profile first.")
    today = clock.today(Company.load().time_zone)
    adopt_if_new()
    with transaction.atomic():
        attempt = ContactAttempt.objects.create(
            customer=_test_account(),
            channel=Channel.EMAIL,
            kind=AttemptKind.TEST,
            tone=Tone.COURTESY,
            automatic=False,
            customer_facing=False,
            exempt=True,
            reason="test",
            reason_text=f"A test that {me} asked for.",
            planned_on=today,
            local_date=today,
            due_at=clock.now(),
            dedupe_key=f"test:{uuid.uuid4()}",
            created_by=me,
        )
        AttemptRecipient.objects.create(attempt=attempt, name=str(me), address=me.email)
    return attempt


def _test_account() -> Customer:
    """Test messages hang on an account of their own, so that no customer's history has them."""
    return own_account(TEST_ACCOUNT, "Test messages")
