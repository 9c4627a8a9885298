"""What keeps a whole pass back: another installation's database, a storm, the rate, trouble."""

from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.staff.models import Company
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    Heartbeat,
    HeldFor,
    Run,
    RunStatus,
)
from dunning.outbox import desk, may_send, moves

PROCESSES = ("planner", "sender", "sweeper")
RATE = "mail-rate"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MONTH = timedelta(days=30)
DRIFT = timedelta(minutes=5)
STORM_TEXT = "Unusually many messages at once; confirm that they should go."
STORM_TIMES = 3


class NotOurDatabase(ServiceError):
    """This database belongs to another installation or was restored: nothing is sent (D9)."""

    def __init__(self) -> None:
        super().__init__(
            "This database belongs to another installation or is an older state of ours, so "
            "nothing is sent from here. If it is the one to go on with, run: manage.py "
            "adopt_instance"
        )


class WrongClock(ServiceError):
    """This machine's clock differs too much from the database's to decide what is due (F-49)."""

    def __init__(self, drift: timedelta) -> None:
        ahead = "ahead of" if drift > timedelta(0) else "behind"
        minutes = abs(int(drift / MINUTE))
        super().__init__(
            f"This machine's clock is {minutes} minutes {ahead} the database's, so nothing is "
            "planned or sent from here until it is set right."
        )


def check_clock() -> None:
    """WrongClock where our clock and the database's are more than five minutes apart: a worker
    whose clock runs ahead must not send tomorrow's messages today."""
    drift = clock.drift_from(_database_time())
    if abs(drift) > DRIFT:
        raise WrongClock(drift)


def _database_time() -> datetime:
    Company.load()
    known: datetime = Company.objects.annotate(at=Now()).values_list("at", flat=True).get(pk=1)
    return known


def check_instance() -> None:
    """NotOurDatabase on a restored backup or a copy."""
    if not may_send():
        raise NotOurDatabase


def hold_storm(company: Company, now: datetime) -> int:
    """Hold waiting automatic messages when there are more than max(floor, 3 x the usual day).

    Counted is what leaves within a day from now, so that a storm spread over many zones is seen
    before its first message leaves. What a person released once is not held again. Answers how
    many were held.
    """
    waiting, limit = _waiting(now + DAY), company.storm_floor
    if not waiting[limit : limit + 1].exists():
        return 0
    limit = max(limit, STORM_TIMES * usual_day(company, now))
    ids = list(waiting.values_list("pk", flat=True)[: limit + 1])
    if len(ids) <= limit:
        return 0
    held = 0
    with transaction.atomic():  # held without a word is held for nothing
        while ids:
            held += moves.hold(ids, HeldFor.STORM, text=STORM_TEXT)
            ids = list(waiting.values_list("pk", flat=True)[:500])
        desk.tell_all("sending.storm", f"{held} messages held: more than {limit} at once")
    return held


def _waiting(until: datetime) -> QuerySet[ContactAttempt]:
    return ContactAttempt.objects.filter(
        state=AttemptState.PLANNED,
        due_at__lte=until,
        channel=Channel.EMAIL,
        automatic=True,
        approved_at=None,
    ).order_by("due_at", "id")


def usual_day(company: Company, now: datetime) -> int:
    """Median of the automatic e-mails that left on a day with runs, over the last thirty days
    before ours (D10). What was planned and never left is nothing usual: a storm that was planned
    yesterday must not make itself the rule."""
    today = now.astimezone(ZoneInfo(company.time_zone)).date()
    month = (today - MONTH, today - DAY)
    runs = Run.objects.filter(date__range=month).exclude(status=RunStatus.FAILED)
    a_day = dict.fromkeys(runs.values_list("date", flat=True).distinct(), 0)
    left = ContactAttempt.objects.filter(
        state=AttemptState.SENT, channel=Channel.EMAIL, automatic=True, done_on__range=month
    )
    a_day |= dict(left.order_by().values_list("done_on").annotate(n=Count("pk")))
    return int(median(a_day.values())) if a_day else 0


def take_turn(company: Company, now: datetime, *, pace: int | None = None) -> bool:
    """Whether the send rate lets one more message go now (a minute's worth at once at most).

    ``pace`` is the slower rate of a restart after an outage.
    """
    rates = [rate for rate in (company.send_rate, pace) if rate is not None]
    if not rates:
        return True
    if min(rates) == 0:
        return False
    step = MINUTE / min(rates)
    Heartbeat.objects.bulk_create([Heartbeat(name=RATE, at=now)], ignore_conflicts=True)
    behind_or_ahead = Q(at__lt=now) | Q(at__gt=now + MINUTE)  # ahead: the clock was set back
    Heartbeat.objects.filter(behind_or_ahead, name=RATE).update(at=now)
    room = Heartbeat.objects.filter(name=RATE, at__lte=now + MINUTE - step)
    return bool(room.update(at=F("at") + step))


def beat(name: str, now: datetime) -> None:
    """This process was at work (a dashboard alarms where work is due and nobody beats)."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})
