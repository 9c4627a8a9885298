"""How many messages in a row met the same failure, counted by all processes together.

One message that fails is its own affair. The same failure again and again, with nothing taken
in between, is ours: a key that was revoked, a deployment that cannot render (F-36). Rows of
`Heartbeat`, one for each cause; the first message that is taken wipes them away.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from dunning.models import Heartbeat

PREFIX = "in-a-row:"
ALONE = "refused-alone:"
FRESH = timedelta(hours=2)
LIMIT = 5
KEPT = 2 * LIMIT


@dataclass(frozen=True, slots=True)
class Streak:
    """``count`` failures of ``messages`` different messages."""

    count: int
    messages: int


def add(cause: str, attempt_id: int, now: datetime) -> Streak:
    """One more failure of this cause. What lies more than two hours back is another story."""
    digest = hashlib.sha256(cause.encode()).hexdigest()[:16]
    return _count(f"{PREFIX}{digest}", attempt_id, now)


def is_its_own(attempt_id: int, now: datetime) -> bool:
    """Whether a message keeps meeting a refusal that others do not meet: then it is no fault of
    ours, and it would come back for ever. Call it for each refusal outside an outage."""
    name = f"{ALONE}{attempt_id}"
    if _count(name, attempt_id, now).count <= LIMIT:
        return False
    Heartbeat.objects.filter(name=name).delete()
    return True


def _count(name: str, attempt_id: int, now: datetime) -> Streak:
    with transaction.atomic():
        Heartbeat.objects.bulk_create([Heartbeat(name=name, at=now)], ignore_conflicts=True)
        row = Heartbeat.objects.select_for_update().get(name=name)
        if abs(now - row.at) > FRESH:
            row.count, row.note = 0, ""
        ids = [*row.note.split(), str(attempt_id)][-KEPT:]
        row.at, row.count, row.note = now, min(row.count + 1, 1000), " ".join(ids)
        row.save()
    return Streak(row.count, len(set(ids)))


def over() -> None:
    """Something was taken. Asks before it writes: this is called for every message sent."""
    _wipe(PREFIX)


def forget() -> None:
    """An outage is over, and with it what it did to single messages."""
    _wipe(PREFIX)
    _wipe(ALONE)


def _wipe(prefix: str) -> None:
    rows = Heartbeat.objects.filter(name__startswith=prefix)
    if rows.exists():
        rows.delete()
