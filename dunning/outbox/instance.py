"""The guard against copies: a restored backup or a staging copy mails nobody (D9).

A random id lives in a file that no database backup carries along. The database remembers
the id that may send from it; only a database without attempts adopts one by itself. A backup
restored in place has the right id: it is told by the high-water mark.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from arfollow.shared import clock, events
from arfollow.shared.events import SYSTEM, Actor, Entry
from dunning.models import ContactAttempt, Heartbeat, Installation
from dunning.outbox import highwater, switches

OLD = timedelta(minutes=10)
LOOK_FIRST = "What left after it is not known here; look at the outbox, then let it go on."


@dataclass(frozen=True, slots=True)
class Adopted:
    """Who sends now, when the sender was last seen, and whether that made it pause."""

    identifier: str
    last_seen: datetime | None
    paused: bool


def own_id() -> str:
    """This machine's id; made at the first start, complete or not at all."""
    path = Path(settings.INSTANCE_FILE)
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.write_text(secrets.token_hex(16), encoding="ascii")
    try:
        path.hardlink_to(draft)  # fails where another process was first
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def may_send() -> bool:
    """Whether this database may send from here."""
    return adopt_if_new() if _owner() is None else not trouble()


def trouble() -> str:
    """Why nothing is sent from here, in two words; empty where this database is ours."""
    owner = _owner()
    if owner is None:
        return ""
    if owner != own_id():
        return "not ours"
    return "restored" if highwater.is_below() else ""


def _owner() -> str | None:
    return Installation.objects.filter(pk=1).values_list("instance_id", flat=True).first()


def adopt_if_new() -> bool:
    """A database without attempts belongs to whoever uses it first."""
    if Installation.objects.filter(pk=1).exists() or ContactAttempt.objects.exists():
        return False
    with transaction.atomic():
        row, is_new = Installation.objects.get_or_create(pk=1, defaults={"instance_id": own_id()})
        if is_new:
            highwater.begin()
    return row.instance_id == own_id()


def adopt(*, actor: Actor = SYSTEM, nothing_left_since: bool = False) -> Adopted:
    """Say that this installation sends from this database from now on; leaves an event.

    A database whose sender was last seen longer ago than OLD is a backup, and so is one that is
    below our own high-water mark: what left after it was made is not in it, so that sending is
    paused until somebody has looked, unless ``nothing_left_since`` says that the installation
    before was stopped before the copy.
    """
    with transaction.atomic():
        seen = Heartbeat.objects.filter(name="sender").values_list("at", flat=True).first()
        moved, restored = _owner() != own_id(), highwater.is_below()
        Installation.objects.update_or_create(
            pk=1, defaults={"instance_id": own_id(), "adopted_at": clock.now()}
        )
        summary = "This installation sends from this database"
        events.record(Entry("installation.adopted", "installation", 1, summary), actor=actor)
        is_old = moved and seen is not None and clock.now() - seen > OLD
        paused = (is_old or restored) and not nothing_left_since
        if paused:
            when = f" of {seen:%Y-%m-%d %H:%M} UTC" if seen else ""
            switches.pause(actor=actor, reason=f"Restored from a backup{when}. {LOOK_FIRST}")
        if moved or restored:
            highwater.begin()
    return Adopted(own_id(), seen, paused)
