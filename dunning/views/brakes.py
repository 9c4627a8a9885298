"""Stopping a part of sending and letting it go on: who, when and why (D8)."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from arfollow.shared.acting import ActionPage, act, do_at_once, posted
from arfollow.shared.events import actor_of
from arfollow.shared.models import Event
from arfollow.staff.models import Role
from arfollow.staff.permissions import requires
from dunning.forms.sending import ONE_CUSTOMER, StopForm
from dunning.models import AttemptState, ContactAttempt, SendSwitch, SwitchScope
from dunning.outbox import switches

WAITING = (AttemptState.PLANNED, AttemptState.CLAIMED, AttemptState.HELD)
VERBS = ("switch.on", "switch.off", "sending.paused", "sending.resumed", "sending.shadow",
         "sending.circuit", "installation.adopted")  # fmt: skip
OBJECTS = ("switch", "company", "installation", "provider")
SHOWN = 12


@require_http_methods(["GET", "POST"])
@requires(Role.MANAGER)
def sending_stop(request: HttpRequest) -> HttpResponse:
    """Stop everything, a channel, a policy or a customer, within a second."""
    page = ActionPage(
        title="Stop sending",
        submit="Stop it now",
        back=reverse("sending-settings"),
        sub="Nothing in its scope leaves from the moment you save; runs go on planning.",
        text="What is being handed to the mail server in this very second may still arrive. "
        "Everything else is held, in the outbox, until somebody lets it go on.",
    )
    number = request.GET.get("customer", "")
    first = {"what": ONE_CUSTOMER, "customer": number} if number else {}
    form = StopForm(posted(request), initial=first)

    def stop(data: Any) -> str:
        scope, target = form.target()
        switches.switch_off(scope, target, actor=actor_of(request.user), reason=data["reason"])
        what = switches.name_of(scope, target)
        return f"Stopped: {what}. It stays so until somebody lets it go on."

    return act(request, page, form, stop)


@require_POST
@requires(Role.MANAGER)
def sending_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Let what one switch stopped go on; pressing it twice changes nothing."""
    switch = get_object_or_404(SendSwitch, pk=pk)
    if not switch.on:
        return do_at_once(
            request, reverse("sending-settings"), lambda: "It goes on already; nothing changed."
        )

    def lift() -> str:
        switches.switch_on_again(pk, actor=actor_of(request.user))
        what = switches.name_of(switch.scope, switch.target)
        return f"Goes on: {what}. What was held gets new times within a minute."

    return do_at_once(request, reverse("sending-settings"), lift)


def stopped_parts() -> list[dict[str, Any]]:
    """The switches that are on, for people, each with how many messages wait for it."""
    rows = SendSwitch.objects.filter(on=True).select_related("set_by").order_by("set_at", "pk")
    return [
        {
            "pk": row.pk,
            "what": switches.name_of(row.scope, row.target),
            "reason": row.reason,
            "by": row.set_by,
            "at": row.set_at,
            "waiting": _waiting(row),
        }
        for row in rows[:50]
    ]


def _waiting(row: SendSwitch) -> int:
    concerned = {
        SwitchScope.CUSTOMER: Q(customer_id=row.target),
        SwitchScope.CHANNEL: Q(channel=row.target),
        SwitchScope.POLICY: Q(policy_version__policy__key=row.target),
    }.get(SwitchScope(row.scope), Q())
    return ContactAttempt.objects.filter(concerned, state__in=WAITING).count()


def lately() -> list[Event]:
    """Who pulled which brake, newest first."""
    rows = Event.objects.filter(object_type__in=OBJECTS, verb__in=VERBS).select_related("data")
    return list(rows.order_by("-pk")[:SHOWN])
