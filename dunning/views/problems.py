"""What can be done about messages that did not arrive: the two or three actions that fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from arfollow.shared import clock
from arfollow.shared.acting import back_to, do_at_once
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from dunning import outbox
from dunning.models import (
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    DeliveryEvent,
)
from dunning.outbox.repairs import UNREACHED


@dataclass(frozen=True, slots=True)
class Fix:
    """What fits one attempt; ``contact`` is whose address is to be corrected, ``why`` what the
    provider said last."""

    settle: bool = False
    again: bool = False
    call: bool = False
    contact: int | None = None
    address: str = ""
    why: str = ""


def fixes_of(rows: Sequence[ContactAttempt]) -> dict[int, Fix]:
    """The actions of each row, in two queries."""
    to: dict[int, AttemptRecipient] = {}
    ids = [row.pk for row in rows]
    for recipient in AttemptRecipient.objects.filter(attempt__in=ids).order_by("-pk"):
        to[recipient.attempt_id] = recipient
    said = dict(
        DeliveryEvent.objects.filter(attempt__in=ids)
        .exclude(description="")
        .order_by("pk")
        .values_list("attempt", "description")
    )
    return {row.pk: _fix(row, to.get(row.pk), said.get(row.pk, "")) for row in rows}


def _fix(row: ContactAttempt, to: AttemptRecipient | None, said: str) -> Fix:
    if row.state == AttemptState.UNKNOWN:
        return Fix(settle=True, address=to.address if to else "", why=f"{row.error} {said}".strip())
    address_fault = row.provider_status in UNREACHED or row.reason == "refused_address"
    outward = row.customer_facing and row.channel == Channel.EMAIL
    return Fix(
        again=outbox.may_try_again(row),
        call=outward and (row.state == AttemptState.FAILED or address_fault),
        contact=to.contact_id if to and address_fault and outward else None,
        address=to.address if to else "",
        why=said or row.error or row.reason_text,
    )


@require_POST
@requires(Role.COLLECTOR)
def attempt_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a failed or returned message again, to the address as it is now."""
    attempt = get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk)

    def retry() -> str:
        outbox.try_again(pk, actor=actor_of(request.user))
        return f"The message to {attempt.customer.name} leaves again within a minute."

    return do_at_once(request, _back(request, pk), retry)


@require_POST
@requires(Role.COLLECTOR)
def attempt_call(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a call on the list in the place of a message that did not arrive."""
    attempt = get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk)

    def hand_over() -> str:
        today = clock.today(Company.load().time_zone)
        new = outbox.call_instead(pk, actor=actor_of(request.user), today=today)
        name = attempt.customer.name
        return (
            f"A call to {name} is on the list." if new else f"A call to {name} was there already."
        )

    return do_at_once(request, _back(request, pk), hand_over)


def _back(request: HttpRequest, pk: int) -> str:
    return back_to(request, reverse("attempt-detail", args=[pk]))
