"""The only place that asks the time; every rule is given its dates."""

from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone


def now() -> datetime:
    """This moment, aware, in UTC."""
    return timezone.now()


def today(tz: tzinfo | str | None = None) -> date:
    """The date it is in ``tz`` (a zone or its name), without one in the project's zone."""
    zone = ZoneInfo(tz) if isinstance(tz, str) else tz
    return timezone.localdate(now(), timezone=zone)
