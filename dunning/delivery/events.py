"""What providers report: stored first, applied once, status only moves up (DELIVERY §2.4)."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from arfollow.shared.events import SYSTEM, canonical
from customers.models import Contact, EmailState
from customers.services import lock_customer, set_email_state, touch
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
# A full mailbox or a spam filter says nothing about the address (FACTS §9).
DEAD_ADDRESS = frozenset({"invalid", "bounced", ""})


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
    payload: dict[str, Any] = field(default_factory=dict)


def store(report: Report, *, now: datetime) -> DeliveryEvent | None:
    """Keep the event, each once; None where it was there already."""
    event, is_new = DeliveryEvent.objects.get_or_create(
        provider=report.provider[:40],
        event_id=report.event_id[:120] or _fingerprint(report),
        defaults={
            "event_type": report.event_type[:20],
            "at": report.at,
            "message_id": report.message_id[:200],
            "recipient": report.recipient[:254],
            "reject_reason": report.reject_reason[:20],
            "description": report.description,
            "payload": report.payload | {"attempt": report.attempt},
            "received_at": now,
        },
    )
    return event if is_new else None


def _fingerprint(report: Report) -> str:
    """Not every provider numbers its events."""
    parts = [report.event_type, report.message_id, report.recipient, report.at, report.payload]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def apply(event: DeliveryEvent, *, now: datetime) -> bool:
    """Apply a stored event to its attempt; False where none is known (yet)."""
    attempt_id = _find(event)
    if attempt_id is None:
        return False
    with transaction.atomic():
        known = ContactAttempt.objects.filter(pk=attempt_id)
        lock_customer(known.values_list("customer_id", flat=True)[0])
        taken = DeliveryEvent.objects.filter(pk=event.pk, applied_at=None)
        if taken.update(applied_at=now, attempt=attempt_id):
            attempt = known.select_related("customer").get()
            _settle_unknown(attempt, event, now)
            _raise_status(attempt, event, now)
    return True


def apply_waiting(now: datetime) -> int:
    """Match events that came before our own commit; after seven days they stay unmatched."""
    waiting = DeliveryEvent.objects.filter(applied_at=None, received_at__gt=now - KEPT)
    return sum(apply(event, now=now) for event in waiting.order_by("pk")[:500])


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
    text = f"{event.provider} reports it as {event.event_type}."
    if moves.settle_sent(
        attempt.pk, done_on=attempt.local_date, text=text, sent_at=event.at or now
    ):
        attempt.refresh_from_db()
        desk.tell(attempt, "attempt.settled", f"Was unknown; {text}")
        desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=SYSTEM, at=now)
        touch(attempt.customer_id)


def _raise_status(attempt: ContactAttempt, event: DeliveryEvent, now: datetime) -> None:
    """A lattice: the order in which events come does not matter."""
    new = STATUS.get(event.event_type)
    if new is None or RANK[new] <= RANK[ProviderStatus(attempt.provider_status)]:
        return
    attempt.provider_status, attempt.provider_status_at = new, event.at or now
    fields = ["provider_status", "provider_status_at"]
    if new == ProviderStatus.DELIVERED and attempt.reached_on is None and not attempt.shadowed:
        attempt.reached_on = attempt.provider_status_at.date()
        fields.append("reached_on")
    if new in NOT_REACHED and attempt.reached_on is not None:
        attempt.reached_on = None
        fields.append("reached_on")
    attempt.save(update_fields=fields)
    if new in NOT_REACHED:
        _not_reached(attempt, event, now)


def _not_reached(attempt: ContactAttempt, event: DeliveryEvent, now: datetime) -> None:
    """The step is not completed, the address is looked at, somebody asks for another (L15)."""
    moves.uncount(attempt.pk)
    words = f"{event.event_type} {event.description}".strip()[:200]
    desk.tell(attempt, "attempt.bounced", f"Did not reach {event.recipient}: {words}")
    if not attempt.shadowed:
        _mark_address(attempt, event)
        title = f"Ask for a usable e-mail address: {event.recipient or 'theirs'} {event.event_type}"
        desk.ask(attempt, TaskKind.ASK_ADDRESS, title, due_on=now.date())
    touch(attempt.customer_id)


def _mark_address(attempt: ContactAttempt, event: DeliveryEvent) -> None:
    complained = event.event_type == "complained"
    if not complained and event.reject_reason not in DEAD_ADDRESS:
        return
    state = EmailState.COMPLAINED if complained else EmailState.BOUNCED
    found = Contact.objects.filter(customer_id=attempt.customer_id)
    if event.recipient:
        found = found.filter(email__iexact=event.recipient)
    else:
        found = found.filter(pk__in=attempt.recipients.values("contact"))
    for contact in found:
        set_email_state(contact.pk, state, actor=SYSTEM, why=event.description or "bounced")
