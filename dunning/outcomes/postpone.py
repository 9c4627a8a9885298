"""Putting off what a person owes to a later day: tasks, and calls until they would lapse."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.staff.models import Company
from customers.services import lock_customer
from dunning.models import AttemptState, Channel, ContactAttempt, Task, TaskStatus
from dunning.outbox.calendars import customer_calendar
from dunning.outcomes.notes import leave_event
from dunning.outcomes.words import say_day
from dunning.policy.types import Settings

MOST_DAYS = 90
BY_HAND = (Channel.CALL, Channel.VISIT)


def postpone_task(
    task_id: int, until: date, *, actor: Actor, today: date, reason: str = ""
) -> Task:
    """Give an open task a later day; an agreed hour goes with the old day.

    Refused: a task that is closed, a day that is not later, more than 90 days ahead.
    """
    with transaction.atomic():
        task = Task.objects.get(pk=task_id)
        if task.customer_id is not None:
            lock_customer(task.customer_id)
            task.refresh_from_db()
        if task.status != TaskStatus.OPEN:
            raise ServiceError(f"It is {task.get_status_display().lower()} already.")
        _check_day(until, today, task.due_on)
        before, task.due_on, task.due_at = task.due_on, until, None
        task.save(update_fields=["due_on", "due_at"])
        if task.customer_id is not None:
            said = _said(f"Postponed to {say_day(until)}: {task.title}", reason)
            values = {"from": before, "to": until}
            leave_event("task.postponed", task, task.customer_id, said, actor, values)
    return task


def postpone_call(
    attempt_id: int, until: date, *, actor: Actor, today: date, reason: str = ""
) -> ContactAttempt:
    """Put a planned call or visit before people on a later day, not before.

    Refused from the day on which it would lapse as not made (rule 4): who wants to wait
    longer puts the customer on hold, which says so.
    """
    with transaction.atomic():
        customer_id = ContactAttempt.objects.values_list("customer_id", flat=True).get(
            pk=attempt_id
        )
        customer = lock_customer(customer_id)
        attempt = ContactAttempt.objects.get(pk=attempt_id)
        if attempt.state != AttemptState.PLANNED or attempt.channel not in BY_HAND:
            raise ServiceError("This call is not planned any more.")
        _check_day(until, today, today)
        lapses = customer_calendar(customer).add(
            attempt.local_date, Settings().call_lapses_business_days
        )
        if lapses <= today:
            raise ServiceError(
                "Too old to wait: the next run notes it as not made. Call, or put them on hold."
            )
        if until >= lapses:
            raise ServiceError(
                f"Unmade, it lapses on {say_day(lapses)}. Put the customer on hold to wait longer."
            )
        company = Company.load()
        attempt.due_at = datetime.combine(until, time.min, tzinfo=ZoneInfo(company.time_zone))
        attempt.save(update_fields=["due_at"])
        what = attempt.get_channel_display()
        said = _said(f"{what} postponed to {say_day(until)}", reason)
        leave_event("attempt.postponed", attempt, customer_id, said, actor, {"to": until})
    return attempt


def _check_day(until: date, today: date, current: date) -> None:
    if until <= today:
        raise ServiceError("Choose a day after today.")
    if until == current:
        raise ServiceError("It is due on that day already.")
    if until > today + timedelta(days=MOST_DAYS):
        raise ServiceError(f"Choose a day within {MOST_DAYS} days.")


def _said(what: str, reason: str) -> str:
    return f"{what} ({reason.strip()})"[:300] if reason.strip() else what[:300]
