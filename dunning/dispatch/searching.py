"""Looking for unknown deliveries at the provider: three looks, ten minutes to an hour after.

Found means sent, with the evidence. Not found proves nothing: the message stays unknown, each
look is written down beside it, and a person decides (DELIVERY §3.3).
"""

from datetime import datetime, timedelta

import structlog
from django.db.models import Count, Q
from django.db.models.functions import Now

from dunning.delivery import events
from dunning.delivery.base import Frozen
from dunning.delivery.frozen import thaw
from dunning.delivery.lookup import REMEMBERS, NotAsked, look_up
from dunning.dispatch import circuit, record
from dunning.models import AttemptState, ContactAttempt, DeliveryEvent, FrozenMessage, Heartbeat
from dunning.outbox import desk
from dunning.outbox.moves import SENT_BY_MACHINE

LOOKS = tuple(timedelta(minutes=minutes) for minutes in (10, 30, 60))
REST = timedelta(minutes=5)
RESTS = "mail-search"
SEARCHED = "searched"

log = structlog.get_logger(__name__)


def search_unknown(now: datetime) -> bool:
    """Look for one unknown delivery whose time has come; whether it was settled as sent."""
    way = circuit.provider()
    if way not in REMEMBERS or _rests(now):
        return False
    attempt = _next(way)
    if attempt is None:
        return False
    frozen = _frozen(attempt)
    try:
        found = look_up(frozen, sent=attempt.sending_at or now) if frozen is not None else []
    except NotAsked as error:
        log.warning("unknown not searched", provider=way, trouble=str(error))
        Heartbeat.objects.update_or_create(name=RESTS, defaults={"at": now})
        return False
    for report in found:
        stored = events.store(report, now=now)
        if stored is not None:
            events.apply(stored, now=now)
    if not found:
        _note(attempt, now)
    return bool(found)


def _rests(now: datetime) -> bool:
    """After a search that could not be made; a mark ahead of us was left by another clock."""
    at = Heartbeat.objects.filter(name=RESTS).values_list("at", flat=True).first()
    return at is not None and at <= now < at + REST


def _next(way: str) -> ContactAttempt | None:
    """On the database clock, the least looked for first."""
    due = Q()
    for number, after in enumerate(LOOKS):
        due |= Q(looks=number, sending_at__lt=Now() - after)
    unknown = ContactAttempt.objects.filter(
        state=AttemptState.UNKNOWN,
        channel__in=SENT_BY_MACHINE,
        provider=way,
        sending_at__gt=Now() - REMEMBERS[way],
    ).annotate(looks=Count("delivery_events", filter=Q(delivery_events__event_type=SEARCHED)))
    return unknown.filter(due).order_by("looks", "pk").first()


def _frozen(attempt: ContactAttempt) -> Frozen | None:
    """None where the text was erased or damaged meanwhile: there is nothing to look for."""
    row = FrozenMessage.objects.select_related("document", "attempt").filter(attempt=attempt)
    try:
        return thaw(row.get())
    except (FrozenMessage.DoesNotExist, ValueError):
        return None


def _note(attempt: ContactAttempt, now: datetime) -> None:
    """The look stands beside the attempt; after the last one the timeline says so too."""
    with record.locked(attempt.pk) as current:
        number = current.delivery_events.filter(event_type=SEARCHED).count() + 1
        last = number >= len(LOOKS)
        words = (
            f"Looked for at {attempt.provider} at {now:%H:%M} UTC ({number} of {len(LOOKS)}): it "
            "does not know this message" + (", which proves nothing." if last else " yet.")
        )
        new, is_new = DeliveryEvent.objects.get_or_create(
            provider=attempt.provider,
            event_id=f"{SEARCHED}:{attempt.uuid}:{number}",
            defaults={"event_type": SEARCHED, "at": now, "attempt": current, "applied_at": now,
                      "description": words, "received_at": now},
        )  # fmt: skip
        if last and is_new:
            desk.tell(current, "attempt.searched", new.description)
