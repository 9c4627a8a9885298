"""Append-only audit: every change of money, contact or policy leaves an event.

Call `record()` (or `record_many()`) inside the transaction of the change it
tells of. Events of one customer form a hash chain over salted digests.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from django.db import transaction

from arfollow.shared import clock
from arfollow.shared.models import Event, EventChain, EventData

COMPANY_CHAIN = "company"


class ActorLike(Protocol):
    """Whoever acts: a staff user (anything with a key and a name)."""

    @property
    def pk(self) -> Any: ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted; `id` is None for the machine itself."""

    id: int | None
    label: str


SYSTEM = Actor(None, "arfollow")


def actor_of(user: ActorLike | Actor | None) -> Actor:
    """The actor behind a request's user; the machine when there is none."""
    if user is None:
        return SYSTEM
    if isinstance(user, Actor):
        return user
    return Actor(user.pk, str(user))


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to be recorded. `summary` is the sentence the timeline shows."""

    verb: str
    object_type: str
    object_id: int | None
    summary: str
    customer_id: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


def record(entry: Entry, *, actor: Actor = SYSTEM) -> Event:
    """Write one event in the caller's transaction."""
    return record_many([entry], actor=actor)[0]


def record_many(entries: Iterable[Entry], *, actor: Actor = SYSTEM) -> list[Event]:
    """Write events in order, each on its customer's chain, in a fixed number of queries."""
    entries = list(entries)
    if not entries:
        return []
    with transaction.atomic():
        heads = _lock_heads({chain_of(entry) for entry in entries})
        now = clock.now()
        pairs = [_append(heads[chain_of(entry)], entry, actor, now) for entry in entries]
        Event.objects.bulk_create([event for event, _ in pairs], batch_size=500)
        EventData.objects.bulk_create([data for _, data in pairs], batch_size=500)
        EventChain.objects.bulk_update(heads.values(), ["seq", "head"], batch_size=500)
    return [event for event, _ in pairs]


def chain_of(entry: Entry) -> str:
    """Key of the chain an entry belongs to."""
    return COMPANY_CHAIN if entry.customer_id is None else f"customer:{entry.customer_id}"


def _lock_heads(keys: set[str]) -> dict[str, EventChain]:
    ordered = sorted(keys)
    EventChain.objects.bulk_create(
        [EventChain(key=key) for key in ordered], ignore_conflicts=True, batch_size=500
    )
    heads: dict[str, EventChain] = {}
    for part in _parts(ordered, 500):
        rows = EventChain.objects.select_for_update().filter(key__in=part).order_by("key")
        heads.update({row.key: row for row in rows})
    return heads


def _parts(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _append(head: EventChain, entry: Entry, actor: Actor, now: datetime) -> tuple[Event, EventData]:
    values = json.loads(canonical(dict(entry.values)))
    salt = secrets.token_hex(16)
    event = Event(
        chain=head.key,
        seq=head.seq + 1,
        at=now,
        customer_id=entry.customer_id,
        actor_id=actor.id,
        actor_label=actor.label[:150],
        verb=entry.verb,
        object_type=entry.object_type,
        object_id=entry.object_id,
        digest=data_digest(salt, entry.summary, values),
        previous=head.head,
    )
    event.hash = event_hash(event)
    head.seq, head.head = event.seq, event.hash
    return event, EventData(event=event, salt=salt, summary=entry.summary, values=values)


def canonical(value: Any) -> str:
    """Stable JSON of plain values; dates and amounts as text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def data_digest(salt: str, summary: str, values: Mapping[str, Any]) -> str:
    """Salted digest of the erasable part of an event."""
    return _sha(f"{salt}\n{summary}\n{canonical(dict(values))}")


def event_hash(event: Event) -> str:
    """Hash of an event's fixed part, chained to the one before it."""
    fixed = [
        event.chain,
        event.seq,
        event.at.isoformat(),
        event.customer_id,
        event.actor_id,
        event.actor_label,
        event.verb,
        event.object_type,
        event.object_id,
        event.digest,
        event.previous,
    ]
    return _sha(canonical(fixed))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
