"""What providers report: stored first, applied once, status only moves up (DELIVERY §2.4)."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from arfollow.shared.events import SYSTEM, canonical
from arfollow.shared.workdays import ONE_DAY
from customers.services import lock_customer, touch
from dunning.delivery import returned
from dunning.delivery.bounces import read_bounces
from dunning.delivery.ids import attempt_of
from dunning.models import (
    AttemptState,
    ContactAttempt,
    DeliveryEvent,
    ProviderStatus,
    TaskKind,
)
from dunning.outbox import desk, moves

KEPT = timedelta(days=7)
PAGE = 500
RANK = {
    ProviderStatus.NONE: 0,
    ProviderStatus.QUEUED: 1,
    ProviderStatus.DEFERRED: 2,
    ProviderStatus.DELIVERED: 3,
    ProviderStatus.AUTORESPONDED: 4,
    ProviderStatus.REJECTED: 5,
    ProviderStatus.BOUNCED: 6,
    ProviderStatus.COMPLAINED: 7,
}
STATUS = {
    "queued": ProviderStatus.QUEUED,
    "sent": ProviderStatus.QUEUED,
    "deferred": ProviderStatus.DEFERRED,
    "delivered": ProviderStatus.DELIVERED,
    "opened": ProviderStatus.DELIVERED,
    "clicked": ProviderStatus.DELIVERED,
    "autoresponded": ProviderStatus.AUTORESPONDED,
    "rejected": ProviderStatus.REJECTED,
    "failed": ProviderStatus.REJECTED,
    "bounced": ProviderStatus.BOUNCED,
    "complained": ProviderStatus.COMPLAINED,
}
NOT_REACHED = frozenset(
    {ProviderStatus.REJECTED, ProviderStatus.BOUNCED, ProviderStatus.COMPLAINED}
)
# The mailbox took it. An open may be made by a machine and proves nothing (FACTS §9).
REACHED = frozenset({"delivered", "autoresponded"})


@dataclass(frozen=True, slots=True)
class Report:
    """One event of a provider, in our words."""

    provider: str
    event_type: str
    event_id: str = ""
    at: datetime | None = None
    message_id: str = ""
    recipient: str = ""
    attempt: str = ""
    reject_reason: str = ""
    description: str = ""
    cause: str = ""
    told: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


def reports_of_returned(raw: bytes) -> list[Report]:
    """A delivery report that came by mail, as the events a provider would have told us."""
    return [
        Report(
            provider="mailbox",
            event_type="bounced" if bounce.failed else "deferred",
            message_id=bounce.message_id,
            recipient=bounce.recipient,
            description=f"{bounce.status} {bounce.text}".strip(),
            cause=bounce.cause,
        )
        for bounce in read_bounces(raw)
    ]


def store(report: Report, *, now: datetime) -> DeliveryEvent | None:
    """Keep the event, each once; None where it was there already."""
    event, is_new = DeliveryEvent.objects.get_or_create(
        provider=report.provider[:40],
        event_id=_key(report),
        defaults={
            "event_type": report.event_type[:20],
            "at": report.at,
            "message_id": report.message_id[:200],
            "recipient": report.recipient[:254],
            "reject_reason": report.reject_reason[:20],
            "description": report.description,
            "payload": report.payload | _own_words(report),
            "received_at": now,
        },
    )
    return event if is_new else None


def _own_words(report: Report) -> dict[str, str]:
    told = {"told": report.told} if report.told else {}
    return {"attempt": report.attempt, "cause": report.cause} | told


def _key(report: Report) -> str:
    """What makes an event the same one.

    Not every provider numbers its events, and one number of Amazon's may stand for the
    bounces of several recipients.
    """
    if not report.event_id:
        return _fingerprint(report)
    about = canonical([report.event_type, report.recipient.lower()])
    suffix = hashlib.sha256(about.encode()).hexdigest()[:12]
    return f"{report.event_id[:100]}:{suffix}"


def _fingerprint(report: Report) -> str:
    parts = [report.event_type, report.message_id, report.recipient, report.at, report.payload]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def apply(event: DeliveryEvent, *, now: datetime) -> bool:
    """Apply a stored event to its attempt; False where none is known, or where it is ahead of
    our own record of the delivery: the sweeper applies it after that."""
    attempt_id = _find(event)
    if attempt_id is None:
        return False
    with transaction.atomic():
        known = ContactAttempt.objects.filter(pk=attempt_id)
        lock_customer(known.values_list("customer_id", flat=True)[0])
        if known.filter(state=AttemptState.SENDING).exists():
            DeliveryEvent.objects.filter(pk=event.pk).update(attempt=attempt_id)
            return False
        taken = DeliveryEvent.objects.filter(pk=event.pk, applied_at=None)
        if taken.update(applied_at=now, attempt=attempt_id):
            attempt = known.select_related("customer").get()
            _settle_unknown(attempt, event, now)
            _raise_status(attempt, event, now)
    return True


def apply_waiting(now: datetime) -> int:
    """Match events that came before our own commit; after seven days they stay unmatched.

    Only those that can be matched are looked at: a provider's account that others use as well
    may report any number of messages that are not ours.
    """
    waiting = DeliveryEvent.objects.filter(applied_at=None, received_at__gt=now - KEPT)
    if not waiting.exists():
        return 0
    ours = ContactAttempt.objects.filter(sent_at__gt=now - KEPT - ONE_DAY)
    known = waiting.alias(named=Cast(KT("payload__attempt"), TextField())).filter(
        Q(attempt__isnull=False)
        | Q(named__gt="")  # stored, and then the process died
        | Q(message_id__in=ours.exclude(message_id="").values("message_id"))
        | Q(message_id__in=ours.exclude(provider_message_id="").values("provider_message_id"))
    )
    return sum(apply(event, now=now) for event in known.order_by("-pk")[:PAGE])


def _find(event: DeliveryEvent) -> int | None:
    """By our id in the metadata, by our Message-ID, by the provider's id."""
    if event.attempt_id is not None:
        return event.attempt_id
    found = _uuid(str(event.payload.get("attempt", ""))) or attempt_of(event.message_id)
    rows = ContactAttempt.objects.values_list("pk", flat=True)
    if found is not None:
        return rows.filter(uuid=found).first()
    if not event.message_id:
        return None
    return rows.filter(
        Q(message_id=event.message_id) | Q(provider_message_id=event.message_id)
    ).first()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _settle_unknown(attempt: ContactAttempt, event: DeliveryEvent, now: datetime) -> None:
    """The provider knows the message: so it had left."""
    if attempt.state != AttemptState.UNKNOWN or event.event_type not in STATUS:
        return
    text = str(event.payload.get("told") or f"{event.provider} reports it as {event.event_type}.")
    theirs = attempt.provider_message_id
    if not theirs and attempt_of(event.message_id) is None:
        theirs = event.message_id
    if moves.settle_sent(
        attempt.pk,
        done_on=attempt.local_date,
        text=text[:300],
        sent_at=event.at or now,
        provider_message_id=theirs,
    ):
        attempt.refresh_from_db()
        desk.tell(attempt, "attempt.settled", f"Was unknown; {text}")
        desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=SYSTEM, at=now)
        touch(attempt.customer_id)


def _raise_status(attempt: ContactAttempt, event: DeliveryEvent, now: datetime) -> None:
    """A lattice: the order in which events come does not matter."""
    new = STATUS.get(event.event_type, ProviderStatus.NONE)
    old, at = ProviderStatus(attempt.provider_status), event.at or now
    known = attempt.provider_status_at
    if RANK[new] > RANK[old] or (RANK[new] == RANK[old] > 0 and known is not None and at < known):
        attempt.provider_status, attempt.provider_status_at = new, at
    attempt.reached_on = _reached_on(attempt, event.event_type, at)
    attempt.save(update_fields=["provider_status", "provider_status_at", "reached_on"])
    if event.event_type == "unsubscribed":
        returned.wants_no_mail(attempt, event, today=now.date())
    elif new in NOT_REACHED:  # each recipient for itself
        returned.not_reached(attempt, event, today=now.date())


def _reached_on(attempt: ContactAttempt, event_type: str, at: datetime) -> date | None:
    """The first day on which their mailbox had it; none where it came back later."""
    if attempt.provider_status in NOT_REACHED:
        return None
    if event_type not in REACHED or attempt.shadowed:
        return attempt.reached_on
    return min(attempt.reached_on or at.date(), at.date())
