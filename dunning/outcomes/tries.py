"""Unanswered calls: at most one a day and three a week; three on two days are a call (rule 4)."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from arfollow.shared.workdays import Calendar
from dunning.models import CallOutcome, CallRecord, ContactAttempt, Direction

TRIES = frozenset({CallOutcome.NO_ANSWER, CallOutcome.BUSY})
NUMBER_WRONG = frozenset({CallOutcome.WRONG_NUMBER, CallOutcome.DISCONNECTED})
TRIES_A_WEEK = 3
TRIES_THAT_MAKE_A_CALL = 3
DAYS_OF_TRIES = 2
WEEK = 7


def tried_days(customer_id: int, today: date) -> list[date]:
    """Days of the last week on which we rang a customer in vain, one entry a call."""
    calls = CallRecord.objects.filter(
        attempt__customer_id=customer_id,
        attempt__done_on__gt=today - timedelta(days=WEEK),
        direction=Direction.OUT,
        outcome__in=TRIES | NUMBER_WRONG,
    )
    days = calls.order_by("attempt__done_on").values_list("attempt__done_on", flat=True)
    return [day for day in days if day is not None]


def tried_lately(customer_ids: Collection[int], now: datetime) -> dict[int, list[date]]:
    """The same for many customers at once."""
    calls = CallRecord.objects.filter(
        attempt__customer__in=customer_ids,
        at__gt=now - timedelta(days=WEEK + 1),
        direction=Direction.OUT,
        outcome__in=TRIES | NUMBER_WRONG,
    )
    found: dict[int, list[date]] = {}
    for customer_id, day in calls.values_list("attempt__customer_id", "attempt__done_on"):
        if day is not None:
            found.setdefault(customer_id, []).append(day)
    return found


def next_try(tried: list[date], today: date, ours: Calendar) -> date:
    """The next working day that keeps within one try a day and three a week.

    The try that is being logged today counts too.
    """
    tried = [*tried, today]
    day = ours.add(today, 1)
    while sum(1 for each in tried if (day - each).days < WEEK) >= TRIES_A_WEEK:
        day = ours.add(day, 1)
    return day


def tries_of(planned: ContactAttempt) -> list[date]:
    """The days on which a planned call was tried in vain."""
    tried = ContactAttempt.objects.filter(dedupe_key__startswith=f"try:{planned.pk}:")
    return [day for day in tried.values_list("done_on", flat=True) if day is not None]


def is_last_try(planned: ContactAttempt, today: date) -> bool:
    """Whether a try today makes the planned call done."""
    tried = [*tries_of(planned), today]
    return len(tried) >= TRIES_THAT_MAKE_A_CALL and len(set(tried)) >= DAYS_OF_TRIES
