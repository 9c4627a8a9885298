"""What people do about a message that did not arrive: send it again, or call instead.

Each takes the customer's lock and leaves an event. A `ServiceError` is a sentence for the
person who asked; asking twice changes nothing.
"""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from customers.models import EmailState
from customers.services import lock_customer, touch
from dunning.models import (
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    ProviderStatus,
    Task,
    TaskKind,
)
from dunning.outbox import desk
from dunning.outbox.copies import copy_of

UNREACHED = (ProviderStatus.BOUNCED, ProviderStatus.COMPLAINED, ProviderStatus.REJECTED)
USABLE = (EmailState.UNVERIFIED, EmailState.VERIFIED)
SETTLED = ("sent_again", "dropped")
GONE_ON = (
    AttemptState.PLANNED,
    AttemptState.CLAIMED,
    AttemptState.SENDING,
    AttemptState.HELD,
    AttemptState.SENT,
    AttemptState.UNKNOWN,
)


def unknown() -> QuerySet[ContactAttempt]:
    """Messages of which nobody can tell whether they left."""
    return ContactAttempt.objects.filter(state=AttemptState.UNKNOWN)


def failed(since: datetime) -> QuerySet[ContactAttempt]:
    """Messages that did not leave, and that nothing has taken the place of."""
    rows = ContactAttempt.objects.filter(state=AttemptState.FAILED, created_at__gte=since)
    return _open(rows.exclude(reason__in=SETTLED))


def unreached(since: datetime) -> QuerySet[ContactAttempt]:
    """Messages that came back, and that nothing has taken the place of."""
    return _open(
        ContactAttempt.objects.filter(
            state=AttemptState.SENT, provider_status__in=UNREACHED, created_at__gte=since
        )
    )


def _open(rows: QuerySet[ContactAttempt]) -> QuerySet[ContactAttempt]:
    later = ContactAttempt.objects.filter(
        customer=OuterRef("customer"),
        channel=OuterRef("channel"),
        pk__gt=OuterRef("pk"),
        live=True,
        state__in=GONE_ON,
    )
    called = Task.objects.filter(attempt=OuterRef("pk"), kind=TaskKind.CALL_BACK)
    return rows.exclude(Exists(later)).exclude(Exists(called))


def problems(since: datetime) -> QuerySet[ContactAttempt]:
    """All three, each row once."""
    ids = [rows.order_by().values("pk") for rows in (unknown(), failed(since), unreached(since))]
    wanted = Q(pk__in=ids[0]) | Q(pk__in=ids[1]) | Q(pk__in=ids[2])
    return ContactAttempt.objects.filter(wanted)


def may_try_again(attempt: ContactAttempt) -> bool:
    """It failed or came back; an unknown one is settled first."""
    if attempt.channel not in (Channel.EMAIL, Channel.INTERNAL):
        return False
    if attempt.state == AttemptState.FAILED:
        return attempt.reason not in SETTLED
    return attempt.state == AttemptState.SENT and attempt.provider_status in UNREACHED


def try_again(attempt_id: int, *, actor: Actor, now: datetime | None = None) -> ContactAttempt:
    """The same message as a new attempt, to the addresses as the contacts have them now.

    It is looked at again before it leaves, like every other.
    """
    now = now or clock.now()
    try:
        with transaction.atomic():
            attempt = _locked(attempt_id)
            if not may_try_again(attempt):
                raise ServiceError("There is nothing to send again: it arrived or is settled.")
            new = copy_of(attempt, actor=actor, now=now)
            if new.channel == Channel.EMAIL:
                _address_anew(new)
            desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=actor, at=now)
            touch(attempt.customer_id)
    except IntegrityError:
        raise ServiceError("It is on its way again already; nothing was added.") from None
    return new


def _locked(attempt_id: int) -> ContactAttempt:
    customer_id = ContactAttempt.objects.values_list("customer_id", flat=True).get(pk=attempt_id)
    lock_customer(customer_id)
    return ContactAttempt.objects.select_related("customer").get(pk=attempt_id)


def _address_anew(attempt: ContactAttempt) -> None:
    """Each contact's address of today; those that are dead or gone are left out."""
    usable = 0
    for to in AttemptRecipient.objects.filter(attempt=attempt).select_related("contact"):
        contact = to.contact
        if contact is None:
            usable += 1
        elif not contact.active or contact.email_state not in USABLE or not contact.email:
            to.delete()
        else:
            AttemptRecipient.objects.filter(pk=to.pk).update(
                address=contact.email, name=contact.name
            )
            usable += 1
    if not usable:
        raise ServiceError("There is no usable address. Correct it first, then send it again.")


def call_instead(attempt_id: int, *, actor: Actor, today: date) -> bool:
    """Put a call on the owner's list in the place of a message; False where it is there."""
    with transaction.atomic():
        attempt = _locked(attempt_id)
        if Task.objects.filter(attempt=attempt, kind=TaskKind.CALL_BACK).exists():
            return False
        why = attempt.get_provider_status_display() if attempt.provider_status else "not sent"
        title = f"Call instead: our {attempt.get_channel_display().lower()} did not arrive ({why})"
        desk.ask(attempt, TaskKind.CALL_BACK, title, due_on=today)
        desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=actor, at=clock.now())
        desk.tell(attempt, "attempt.call_instead", "Handed to a call", actor=actor)
        touch(attempt.customer_id)
    return True
