"""How often is too often: counted in the database, so across processes and without Redis.

Windows of a minute, one row for each pair of who and what, one statement for each use.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q

from arfollow.staff.models import RateCount

WINDOW = timedelta(minutes=1)
KEPT = timedelta(days=1)
"""Addresses of callers are forgotten after that."""


def wait_for(who: str, what: str, *, most: int, now: datetime) -> int:
    """Count one use; 0 where it is allowed, else the seconds until the next may be.

    A count that begins in the future, for the clock was set back, begins anew.
    """
    row = RateCount.objects.filter(who=who, what=what)
    current = Q(since__gt=now - WINDOW, since__lte=now + WINDOW)
    room = row.filter(current, count__lt=most)
    if room.update(count=F("count") + 1) or row.exclude(current).update(since=now, count=1):
        return 0
    full, made = RateCount.objects.get_or_create(who=who, what=what, defaults={"since": now})
    if made:
        RateCount.objects.filter(since__lt=now - KEPT).delete()
    if made or room.update(count=F("count") + 1):  # another process began it just now
        return 0
    return max(int((full.since + WINDOW - now).total_seconds()), 1)
