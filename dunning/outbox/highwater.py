"""How far this machine has sent, told by a file beside its id: the high-water mark (D9, F-70).

A backup that is restored in place has the right id, but not what left after it was made. The mark
rises with every batch that was handed over, in the database first and then in the file. So a
database whose mark is below the file's is older than what this machine has sent from it.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from arfollow.shared import clock
from dunning.models import Heartbeat

STEP = timedelta(milliseconds=1)  # a mark rises also while the clock stands or goes back
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose mark it is (each machine has its own) and how far it has risen."""

    name: str
    at: datetime


def is_below() -> bool:
    """Whether this machine sent from a later state of this database than the one it is in.

    A file that cannot be read counts as yes: what is unsure goes to a person.
    """
    try:
        mark = _read()
    except ValueError:
        return True
    if mark is None:
        return False
    known = Heartbeat.objects.filter(name=mark.name).values_list("at", flat=True).first()
    return known is None or known < mark.at


def begin() -> None:
    """A new mark, for a database that is adopted: what was sent before no longer counts."""
    mark = Mark(f"sent:{secrets.token_hex(8)}", clock.now())
    Heartbeat.objects.create(name=mark.name, at=mark.at)
    _write(mark)


def rise() -> None:
    """Something was handed over: raise the mark. Without room for the file it stays lower."""
    with suppress(ValueError):  # cannot be read: the next pass asks a person
        mark = _read()
        if mark is None:
            begin()
        else:
            _raise_to_now(mark)


def _raise_to_now(mark: Mark) -> None:
    with transaction.atomic():
        row = Heartbeat.objects.select_for_update().filter(name=mark.name).first()
        if row is None:  # restored under our feet: the next pass sees it
            return
        row.at = max(clock.now(), row.at + STEP)
        row.save(update_fields=["at"])
    _write(Mark(mark.name, row.at))


def _path() -> Path:
    own = Path(settings.INSTANCE_FILE)
    return own.with_name(f"{own.name}.mark")


def _read() -> Mark | None:
    try:
        name, at = _path().read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    return Mark(name, datetime.fromisoformat(at))


def _write(mark: Mark) -> None:
    """Whole or not at all; a full disk stops no message (the mark only rises later)."""
    path = _path()
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(f"{mark.name} {mark.at.isoformat()}", encoding="ascii")
        draft.replace(path)
    except OSError as error:
        log.warning("high-water mark not written", kind=type(error).__name__.lower())
        draft.unlink(missing_ok=True)
