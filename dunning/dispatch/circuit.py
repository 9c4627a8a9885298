"""The circuit breaker of a mail provider: opens on an outage, closes by a probe, starts slowly.

One message opens it where every other would meet the same (no connection, 429, no TLS), three
in a row where nobody can tell (500, timeouts), five in a row where our key is refused, where
the server fails in the same way before the text, or where our own code breaks. While it is
open nothing is tried; then one message goes ahead, and only when it was taken the others
follow, a few a minute at first, so that nothing bursts out after an outage. Rows of
`Heartbeat`, so every process sees the same; each provider has its own.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from arfollow.shared import events
from arfollow.shared.events import Entry
from dunning.dispatch import streaks
from dunning.models import AttemptState, ContactAttempt, Heartbeat

UNTIL, SINCE, RESTART = "mail-trouble", "mail-trouble-since", "mail-restart"
LONGEST = timedelta(minutes=15)
FURTHEST = timedelta(hours=2)
IN_A_ROW = 3
RECENT = timedelta(minutes=10)
FIRST_RATE = 10
RAMP = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)

log = structlog.get_logger(__name__)


def provider() -> str:
    """The short name of the way out: ``postmark``, ``smtp``, ``mailfile``."""
    backend: str = settings.MAILERS["default"]["BACKEND"]
    return backend.rpartition(".")[0].rpartition(".")[2]


def note_trouble(now: datetime, wait: timedelta, *, why: str = "", ours: bool = False) -> None:
    """Open it, or keep it open for longer: nothing is tried for ``wait`` at least, and for as
    long again as it has been open, up to a quarter of an hour.

    ``why`` is told to staff; as the whole story where the fault is ``ours``.
    """
    words = why if ours else f"The mail provider ({provider()}) takes nothing: {why}"
    words = words.rstrip(": ")[:300]
    with transaction.atomic():
        row, is_new = Heartbeat.objects.update_or_create(
            name=_name(SINCE), defaults={"note": words}, create_defaults={"at": now, "note": words}
        )
        until = now + max(wait, min(now - row.at, LONGEST))
        Heartbeat.objects.update_or_create(name=_name(UNTIL), defaults={"at": until})
        Heartbeat.objects.filter(name=_name(RESTART)).delete()
        if is_new:
            events.record(Entry("sending.circuit", "provider", None, words))
            log.error("circuit open", provider=provider(), until=until.isoformat())


def trouble_until(now: datetime) -> datetime | None:
    """When sending is tried again after trouble; None where there is none."""
    until = _at(UNTIL)
    if until is None or not now < until <= now + FURTHEST:  # further: the clock was set back
        return None
    return until


def open_since() -> datetime | None:
    """Since when the provider has taken nothing; it may be time for a probe all the same."""
    return _at(SINCE)


def story() -> str:
    """Why it is open, in words for staff; empty where it is closed."""
    row = Heartbeat.objects.filter(name=_name(SINCE)).first()
    return "" if row is None else row.note or "The mail provider takes nothing."


def close(now: datetime) -> None:
    """A probe was taken: go on, slowly at first."""
    with transaction.atomic():
        streaks.forget()
        closed, _ = Heartbeat.objects.filter(name=_name(SINCE)).delete()
        Heartbeat.objects.filter(name=_name(UNTIL)).delete()
        if closed:
            Heartbeat.objects.update_or_create(name=_name(RESTART), defaults={"at": now})
            words = f"The mail provider ({provider()}) takes messages again"
            events.record(Entry("sending.circuit", "provider", None, words))
            log.warning("circuit closed", provider=provider())


def pace(now: datetime) -> int | None:
    """Messages a minute while it starts again, doubling each minute; None afterwards."""
    since = _at(RESTART)
    if since is None or now - since >= RAMP:
        return None
    return FIRST_RATE << max(int((now - since) / MINUTE), 0)


def is_failing() -> bool:
    """Whether the last few deliveries all ended unknown (on the database clock)."""
    rows = ContactAttempt.objects.filter(
        state=AttemptState.UNKNOWN, sending_at__gte=Now() - RECENT
    ).order_by("-sending_at")
    began = list(rows.values_list("sending_at", flat=True)[:IN_A_ROW])
    if len(began) < IN_A_ROW:
        return False
    return not ContactAttempt.objects.filter(sent_at__gte=began[-1], worker__gt="").exists()


def _name(kind: str) -> str:
    return f"{kind}:{provider()}"[:40]


def _at(kind: str) -> datetime | None:
    return Heartbeat.objects.filter(name=_name(kind)).values_list("at", flat=True).first()
