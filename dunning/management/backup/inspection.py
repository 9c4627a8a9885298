"""What a restored backup holds and whether it holds, asked from inside it.

Runs in a process of its own whose DATABASE_URL is the scratch place: Django's connections of the
one that was started by a person never touch the backup. It migrates and sweeps what it looks at,
so it refuses any database that does not have a scratch name.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max

from arfollow.shared.models import Event
from customers.models import Customer
from dunning.dispatch import PROCESSES
from dunning.dispatch.audit import FORGOTTEN_AFTER
from dunning.management.backup.findings import BREACH, LOOK, OK, Finding, Unusable
from dunning.management.backup.scratch import NAME
from dunning.models import AttemptState, ContactAttempt, Heartbeat, Installation
from dunning.outbox.moves import IN_FLIGHT
from invoices.models import Invoice

OURS = {"shared", "staff", "customers", "invoices", "dunning"}
SHOWN = 3
RPO = timedelta(hours=24)
IN_DOUBT = (AttemptState.SENDING, AttemptState.UNKNOWN)


def inspect(now: datetime, media: str = "") -> Iterator[Finding]:
    """One finding after the other; Unusable where this program cannot read that database."""
    if not Path(str(connection.settings_dict["NAME"])).name.startswith(NAME):
        raise Unusable("This looks into restored backups only; this database is none.")
    first = _answer("migrations", _migrations)
    yield first
    if first.result == BREACH:
        return  # whatever else were said would be about that
    for name, question in QUESTIONS.items():
        yield _answer(name, partial(question, now))
    if media:
        yield _answer("media", partial(_media, Path(media)))


def _answer(name: str, question: Callable[[], Finding]) -> Finding:
    try:
        return question()
    except (DatabaseError, CommandError, InconsistentMigrationHistory) as error:
        return Finding(name, BREACH, f"cannot be asked: {type(error).__name__}: {error}"[:400])


# --- Is it ours, and how old is its form ----------------------------------------------------------


def _migrations() -> Finding:
    applied = set(MigrationRecorder(connection).applied_migrations())
    loader = MigrationLoader(None, ignore_no_migrations=True)
    if not any(app == "dunning" for app, _ in applied):
        raise Unusable("It is a database, but not one of arfollow.")
    unknown = applied - set(loader.disk_migrations)
    # Others fold theirs together and leave the rows of the old ones behind.
    if newer := sorted(one for one in unknown if one[0] in OURS):
        raise Unusable(
            f"It was made by a newer arfollow: {_named(newer)} unknown to this one. Verify and "
            "restore it with the version that made it."
        )
    missing = sorted(set(loader.disk_migrations) - applied)
    if missing:
        call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # a restored database knows nothing of its own sizes
    if not missing:
        return Finding("migrations", OK, "those of this program")
    text = f"made by an older arfollow; {_named(missing)} applied to the scratch copy"
    return Finding("migrations", LOOK, text, {"applied": [f"{a}.{n}" for a, n in missing]})


def _named(migrations: list[tuple[str, str]]) -> str:
    some = ", ".join(f"{app}.{name}" for app, name in migrations[:SHOWN])
    more = len(migrations) - SHOWN
    return f"{some} and {more} more" if more > 0 else some


# --- How much it holds, how old it is -------------------------------------------------------------


def _contents(now: datetime) -> Finding:
    holds = {
        "customers": Customer.objects.count(),
        "invoices": Invoice.objects.count(),
        "attempts": ContactAttempt.objects.count(),
        "events": Event.objects.count(),
    }
    text = ", ".join(f"{count} {name}" for name, count in holds.items())
    return Finding("contents", OK if holds["events"] else LOOK, text, {"holds": holds})


def _age(now: datetime) -> Finding:
    """Of the last event, and of the last sign of life: on a Sunday nothing else happens."""
    event, seen = _newest_event(), _last_seen()
    newest = max((moment for moment in (event, seen) if moment), default=None)
    if newest is None:
        return Finding("age", LOOK, "nothing in it says when it was made", {"age_seconds": None})
    age = now - newest
    text = "no event yet" if event is None else f"newest event {ago(now - event)} old"
    if seen:
        text += f", last at work {ago(now - seen)} ago"
    if age > RPO:
        text += f": older than the {RPO // timedelta(hours=1)} hours that are promised"
    facts = {
        "newest_event": event.isoformat() if event else None,
        "last_at_work": seen.isoformat() if seen else None,
        "age_seconds": max(0, int(age.total_seconds())),
    }
    return Finding("age", LOOK if age > RPO else OK, text, facts)


def _newest_event() -> datetime | None:
    found: datetime | None = Event.objects.aggregate(at=Max("at"))["at"]
    return found


def _last_seen() -> datetime | None:
    rows = Heartbeat.objects.filter(name__in=PROCESSES)
    found: datetime | None = rows.aggregate(last=Max("at"))["last"]
    return found


def ago(span: timedelta) -> str:
    """Two figures of it at most: 3 d 4 h, 5 h 12 min, 7 min."""
    minutes = max(0, int(span.total_seconds() // 60))
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


# --- Do its promises hold -------------------------------------------------------------------------


def _said(command: str) -> dict[str, Any]:
    """What a command that checks answers as JSON, whether it is content or not."""
    out = StringIO()
    try:
        call_command(command, "--json", stdout=out, stderr=StringIO())
    except CommandError:
        if not out.getvalue():
            raise
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def _found(name: str, good: str, faults: list[str]) -> Finding:
    if not faults:
        return Finding(name, OK, good)
    more = len(faults) - SHOWN
    text = "; ".join(faults[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return Finding(name, BREACH, text, {"faults": faults[:100], "count": len(faults)})


def _events(now: datetime) -> Finding:
    said = _said("audit_verify")
    faults = [f"{fault['chain']} #{fault['seq']}: {fault['text']}" for fault in said["faults"]]
    return _found("events", f"{said['events']} on {said['chains']} chains, all fit", faults)


def _ledger(now: datetime) -> Finding:
    said = _said("check_ledger")
    faults = [
        f"{one['kind']} {one['id']}, {one['column']}: {one['stored']}, but its rows give "
        f"{one['derived']}"
        for one in said["breaches"]
    ]
    good = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in said["checked"].items())
    return _found("ledger", f"{good}: every amount equals its rows", faults)


def _outbox(now: datetime) -> Finding:
    said = _said("dunning_audit")
    breaches = [one for one in said["breaches"] if one["code"] != "D2-forgotten" or _forgotten()]
    faults = [f"{one['code']}: {one['text']} {one['count']}" for one in breaches]
    return _found("outbox", f"{said['checks']} checks of dunning_audit, no breach", faults)


def _forgotten() -> bool:
    """Whether a lease had run out unnoticed when the backup was made. In a copy all of them run
    out, as no sweeper works there; that says nothing about the backup."""
    made = max((moment for moment in (_newest_event(), _last_seen()) if moment), default=None)
    rows = ContactAttempt.objects.filter(state__in=IN_FLIGHT)
    return made is None or rows.filter(lease_until__lt=made - FORGOTTEN_AFTER).exists()


# --- What a restore would do ----------------------------------------------------------------------


def _in_doubt(now: datetime) -> Finding:
    rows = ContactAttempt.objects.filter(state__in=IN_DOUBT).order_by("pk")
    found = [
        {
            "attempt": pk,
            "customer": number,
            "channel": channel,
            "state": state,
            "since": at.isoformat(timespec="seconds") if at else None,
        }
        for pk, number, channel, state, at in rows.values_list(
            "pk", "customer__number", "channel", "state", "sending_at"
        )
    ]
    if not found:
        return Finding("in doubt", OK, "no message was on its way", {"in_doubt": []})
    text = f"{len(found)} may have left; after a restore a person looks at each"
    return Finding("in doubt", LOOK, text, {"in_doubt": found})


def _mute(now: datetime) -> Finding:
    """Ask it to send, with nothing but a directory to send to (D9). The last question: the sweep
    of send_due changes rows."""
    owner = Installation.objects.filter(pk=1).values_list("instance_id", flat=True).first()
    attempts, facts = ContactAttempt.objects.exists(), {"instance": owner} if owner else {}
    try:
        call_command("send_due", stdout=StringIO(), stderr=StringIO())
    except CommandError as refusal:
        if "adopt_instance" not in str(refusal):
            raise
        text = "send_due refuses there until manage.py adopt_instance"
        return Finding("mute", OK, text, facts)
    left = len(list(Path(settings.MAIL_DIR).glob("*.eml")))
    if attempts or left:
        return Finding("mute", BREACH, f"a copy would send; {left} messages left", facts)
    text = "nobody has sent from it yet: whoever starts it first may"
    return Finding("mute", LOOK, text, facts)


def _media(place: Path) -> Finding:
    """Whether every file that the rows name is in the copy of MEDIA_ROOT."""
    names = Invoice.objects.exclude(original="").order_by("pk").values_list("original", flat=True)
    total, faults = 0, []
    for name in names.iterator():
        total += 1
        if not (place / name).is_file():
            faults.append(f"{name} is missing")
    return _found("media", f"{total} files named, all there", faults)


QUESTIONS: dict[str, Callable[[datetime], Finding]] = {
    "contents": _contents,
    "age": _age,
    "events": _events,
    "ledger": _ledger,
    "outbox": _outbox,
    "in doubt": _in_doubt,
    "mute": _mute,
}
