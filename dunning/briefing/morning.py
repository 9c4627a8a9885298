"""The morning e-mail: once a day at most, through the outbox like every other message.

It is an internal notice on an account of our own, so the pause, the instance guard, shadow mode,
leases and the question "did it leave?" hold for it without rules of its own. The attempt itself
is the guard: one for each day, whatever became of it.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from arfollow.staff.models import Company, Role, User
from customers.models import Customer
from customers.services import own_account
from dunning.briefing import read
from dunning.briefing.mail import body_of, subject_of
from dunning.models import (
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    Tone,
)
from dunning.outbox import SendTimes, desk, may_send, moves
from dunning.outbox.calendars import our_calendar
from dunning.outbox.slots import in_window
from dunning.wording.notice import Purpose

ACCOUNT = "OFFICE"
UNSENT = (AttemptState.PLANNED, AttemptState.HELD)


def plan_morning(now: datetime) -> ContactAttempt | None:
    """Put this morning's figures into the outbox; None where they are there, or not due.

    Due on our business days from the earliest hour of sending on. A paused company gets none
    until sending goes on, an empty ledger has none, a copy of the database writes none.
    """
    company = Company.load()
    today = now.astimezone(ZoneInfo(company.time_zone)).date()
    if not _is_time(company, now) or _known(today) or not may_send():
        return None
    people, found = _readers(), read(company, today=today, now=now)
    if found.main is None or not people:
        return None
    link = f"{settings.BASE_URL}{reverse('dashboard')}"
    content = {"purpose": Purpose.MANUAL, "subject": subject_of(found),
               "body": body_of(found, link=link)}  # fmt: skip
    with transaction.atomic():
        Company.objects.select_for_update().get(pk=company.pk)  # planners take turns
        if _known(today):
            return None
        _drop_older(today)
        return _put(content, people, today, now)


def _is_time(company: Company, now: datetime) -> bool:
    """Within the hours of sending; they are asked again when it leaves."""
    times = SendTimes.of(company)
    zone = ZoneInfo(company.time_zone)
    wanted = settings.MORNING_MAIL and not company.paused
    return wanted and in_window(times, zone=zone, calendar=our_calendar(company), moment=now)


def _key(day: date) -> str:
    return f"morning:{day.isoformat()}"


def _known(day: date) -> bool:
    """Whether there was one that day, also one that failed or was cancelled."""
    return ContactAttempt.objects.filter(
        channel=Channel.INTERNAL, kind=AttemptKind.MORNING, dedupe_key=_key(day)
    ).exists()


def _readers() -> list[User]:
    """Everybody who works with it and has an address; each address once."""
    people = User.objects.filter(is_active=True).exclude(role=Role.READ_ONLY).exclude(email="")
    return list({person.email.lower(): person for person in people.order_by("pk")}.values())


def _drop_older(today: date) -> None:
    """Figures of an earlier day that are still here tell nobody anything."""
    older = ContactAttempt.objects.filter(
        kind=AttemptKind.MORNING, state__in=UNSENT, planned_on__lt=today
    )
    text = "Newer figures took its place."
    for attempt in older:
        if moves.cancel(attempt.pk, reason="newer_figures", text=text):
            desk.tell(attempt, "attempt.cancelled", text)


def _put(content: dict[str, str], people: list[User], today: date, now: datetime) -> ContactAttempt:
    attempt = ContactAttempt.objects.create(
        customer=_account(),
        channel=Channel.INTERNAL,
        kind=AttemptKind.MORNING,
        tone=Tone.INTERNAL,
        customer_facing=False,
        exempt=True,
        reason="morning",
        reason_text="The figures of the morning, for everybody who works with them.",
        planned_on=today,
        local_date=today,
        due_at=now,
        dedupe_key=_key(today),
        content=content,
    )
    AttemptRecipient.objects.bulk_create(
        AttemptRecipient(attempt=attempt, name=str(person), address=person.email)
        for person in people
    )
    return attempt


def _account() -> Customer:
    """Our own notices hang on an account of their own, not on a customer's history."""
    return own_account(ACCOUNT, "Our own office")
