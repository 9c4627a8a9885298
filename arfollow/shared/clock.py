"""The only place that asks the time; every rule is given its dates."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone

_set_to: ContextVar[datetime | None] = ContextVar("clock_set_to", default=None)


def now() -> datetime:
    """This moment, aware, in UTC."""
    return _set_to.get() or timezone.now()


def today(tz: tzinfo | str | None = None) -> date:
    """The date it is in ``tz`` (a zone or its name), without one in the project's zone."""
    zone = ZoneInfo(tz) if isinstance(tz, str) else tz
    return timezone.localdate(now(), timezone=zone)


def drift_from(other: datetime) -> timedelta:
    """How far this machine's clock is ahead of another; nothing where another moment is set."""
    return timedelta(0) if _set_to.get() else timezone.now() - other


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be another moment in here: for made-up histories, never in the running product."""
    token = _set_to.set(moment.astimezone(ZoneInfo("UTC")))
    try:
        yield
    finally:
        _set_to.reset(token)
