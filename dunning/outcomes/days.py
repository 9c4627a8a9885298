"""The days that outcomes speak of: the same ones are shown before saving and kept after."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from arfollow.staff.models import Company
from customers.models import Customer
from dunning.outbox.calendars import our_calendar
from dunning.outcomes.tries import next_try, tried_days

MORNING, AFTERNOON = time(10, 0), time(14, 30)
NOON = time(12, 0)
MESSAGE_RETRY = 2
DOCUMENT_HOLD = 3
RESENT_PAUSE = 5
PLAN_ANSWER = 5
PROMISE_LIMIT_DAYS = 30
DISPUTE_TARGET = 10
DEFAULT_PROMISE = 5


@dataclass(frozen=True, slots=True)
class Days:
    """The days around a call; holds name their last day."""

    now: datetime
    zone: ZoneInfo
    today: date
    retry_at: datetime
    message_retry_on: date
    says_paid_until: date
    document_until: date
    resent_until: date
    plan_until: date
    promise_default: date
    promise_latest: date
    promise_grace: int
    dispute_target: date
    next_day: date


def zone_of(customer: Customer, company: Company) -> ZoneInfo:
    """The customer's time zone, or ours where none is known."""
    return ZoneInfo(customer.time_zone or company.time_zone)


def days_around(customer: Customer, company: Company, now: datetime) -> Days:
    """All days that an outcome of a call at `now` can lead to."""
    zone = zone_of(customer, company)
    today = now.astimezone(zone).date()
    ours = our_calendar(company)
    retry_on = next_try(tried_days(customer.pk, today), today, ours)
    return Days(
        now=now,
        zone=zone,
        today=today,
        retry_at=_another_hour(now.astimezone(zone), retry_on),
        message_retry_on=ours.add(today, MESSAGE_RETRY),
        says_paid_until=ours.add(today, company.says_paid_hold_days),
        document_until=ours.add(today, DOCUMENT_HOLD),
        resent_until=ours.add(today, RESENT_PAUSE),
        plan_until=ours.add(today, PLAN_ANSWER),
        promise_default=ours.add(today, DEFAULT_PROMISE),
        promise_latest=today + timedelta(days=PROMISE_LIMIT_DAYS),
        promise_grace=company.promise_grace_days,
        dispute_target=ours.add(today, DISPUTE_TARGET),
        next_day=ours.add(today, 1),
    )


def _another_hour(local: datetime, day: date) -> datetime:
    """After a morning call the afternoon, after an afternoon call the morning."""
    hour = AFTERNOON if local.time() < NOON else MORNING
    return datetime.combine(day, hour, tzinfo=local.tzinfo)
