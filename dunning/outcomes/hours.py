"""When a customer may be rung: calling hours where they are, and the hour that worked before."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company
from dunning.models import CallRecord, Channel, ContactLevel, Direction

FIRST, LAST = time(8), time(21)
"""Calling hours where the customer is (FACTS §1)."""

LOOKED_BACK = timedelta(days=365)
RECORDS = 200


@dataclass(frozen=True, slots=True)
class Hours:
    """The customer's clock at this moment; `closed` says why nobody is rung now, or ""."""

    local: datetime
    closed: str

    @property
    def may_ring(self) -> bool:
        """Whether a call may be made now."""
        return not self.closed


def hours_at(now: datetime, zone: ZoneInfo, calendar: Calendar, company: Company) -> Hours:
    """Calling hours are 8 to 21 of the customer's clock, on business days there (rule 5)."""
    local = now.astimezone(zone)
    said = f"It is {local:%H:%M} there"
    if not company.send_every_day and not calendar.is_business_day(local.date()):
        return Hours(local, f"{said}, and {local:%A} is no working day.")
    if not FIRST <= local.time() < LAST:
        return Hours(local, f"{said}. Calls are made from 8:00 to 21:00 of their clock.")
    return Hours(local, "")


@dataclass(frozen=True, slots=True)
class BestHour:
    """The hour of their clock at which most of our calls were answered."""

    hour: int
    answered: int
    of: int

    def __str__(self) -> str:
        calls = "1 call was" if self.answered == 1 else f"{self.answered} calls were"
        rung = f" of {self.of} at that hour" if self.of > self.answered else ""
        return f"{self.hour}:00 to {self.hour + 1}:00 ({calls} answered then{rung})"


def best_hour(customer_id: int, zone: ZoneInfo, *, now: datetime) -> BestHour | None:
    """From our calls of the last year; None where none was answered yet."""
    calls = CallRecord.objects.filter(
        attempt__customer_id=customer_id,
        attempt__channel=Channel.CALL,
        direction=Direction.OUT,
        at__gt=now - LOOKED_BACK,
    )
    answered: Counter[int] = Counter()
    rung: Counter[int] = Counter()
    for at, level in calls.order_by("-at").values_list("at", "level")[:RECORDS]:
        hour = at.astimezone(zone).hour
        rung[hour] += 1
        answered[hour] += level != ContactLevel.NONE
    return _best(answered, rung)


def _best(answered: Counter[int], rung: Counter[int]) -> BestHour | None:
    """Most answers; of equals the one with fewer calls in vain, then the earlier."""
    if not answered.total():
        return None
    hour = min(answered, key=lambda h: (-answered[h], rung[h], h))
    return BestHour(hour, answered[hour], rung[hour])
