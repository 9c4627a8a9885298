"""Our firm run by its beat: every tick is the product's own, at a moment of our choosing."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.core import mail

from arfollow.shared import clock
from dunning import tasks
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, Channel, ContactAttempt


class Left(NamedTuple):
    """A message that left: the moment, and to which mailbox."""

    at: datetime
    to: str


def tick(moment: datetime, *, planners: int = 1) -> list[Left]:
    """What the beat asks for once a minute; answers what left. ``planners`` beats at once."""
    before = len(mail.outbox)
    with clock.at(moment):
        for _ in range(planners):
            tasks.plan_due()
        tasks.sweep()
        tasks.send_some()
    return [Left(moment, message.recipients()[0]) for message in mail.outbox[before:]]


def live(moments: Iterable[datetime], *, planners: int = 1) -> list[Left]:
    """One tick at each of these moments."""
    return [left for moment in moments for left in tick(moment, planners=planners)]


def hours(first: datetime, count: int, *, minutes: int = 60) -> Iterator[datetime]:
    """So many moments, one after the other in time that passes, whatever the clocks show."""
    start = first.astimezone(ZoneInfo("UTC"))
    return (start + timedelta(minutes=minutes * number) for number in range(count))


def local(day: date, hour: int, zone: str, minute: int = 0) -> datetime:
    """What the clock on the wall shows in a zone."""
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone))


def walls(left: Iterable[Left], zone: str) -> list[str]:
    """When the messages left, by the clock on the wall."""
    return [f"{one.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for one in left]


def mails() -> list[ContactAttempt]:
    """Every e-mail of the ladder that was sent, in order."""
    rows = ContactAttempt.objects.filter(channel=Channel.EMAIL, state=AttemptState.SENT)
    return list(rows.order_by("pk"))


def broken_promises(now: datetime) -> list[str]:
    """What the audit finds. ``sending_at`` is the database's own clock, which a story cannot set:
    the check that compares it with ours has nothing to say here."""
    return [breach.code for breach in audit(now) if breach.code != "D2-state"]
