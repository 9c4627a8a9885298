"""Today's work: what waits for a person, counted, each with the page that deals with it."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import NoReverseMatch, reverse

from customers.models import Customer
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Letter,
    LetterStatus,
    Promise,
    PromiseStatus,
    Task,
    TaskStatus,
)
from dunning.policy.reasons import Reason

RECENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Duty:
    """A line of today's work; ``kind`` is the tag that says how pressing it is."""

    label: str
    count: int
    url: str
    kind: str = "current"


def duties(today: date) -> list[Duty]:
    """Everything that waits for a person, most pressing first; nothing is left out for being 0."""
    return [*_decisions(), *_work_of_the_day(today), *_overlooked(today)]


def _decisions() -> list[Duty]:
    attempts = ContactAttempt.objects
    unknown = attempts.filter(state=AttemptState.UNKNOWN).count()
    held = attempts.filter(state=AttemptState.HELD)
    approvals = held.filter(held_for=HeldFor.APPROVAL).count()
    waiting = held.exclude(held_for=HeldFor.APPROVAL).count()
    outbox = address("outbox")
    return [
        Duty("Messages of which it is unknown whether they left", unknown, outbox, "severe"),
        Duty("Steps that wait for approval", approvals, outbox, "late"),
        Duty("Messages that are held", waiting, outbox, "due"),
    ]


def _work_of_the_day(today: date) -> list[Duty]:
    planned = ContactAttempt.objects.filter(state=AttemptState.PLANNED)
    in_person = (Channel.CALL, Channel.VISIT)
    calls = planned.filter(channel__in=in_person, local_date__lte=today).count()
    tasks = Task.objects.filter(status=TaskStatus.OPEN, due_on__lte=today).count()
    letters = Letter.objects.filter(status=LetterStatus.APPROVED).count()
    mails = planned.filter(channel=Channel.EMAIL).count()
    return [
        Duty("Calls and visits to make", calls, address("worklist"), "promise"),
        Duty("Tasks due", tasks, address("worklist"), "promise"),
        Duty("Letters to print", letters, address("letter-list"), "promise"),
        Duty("E-mails that leave by themselves", mails, address("outbox")),
    ]


def _overlooked(today: date) -> list[Duty]:
    """What nobody did, or nobody owns (rule 4; neglected money)."""
    since = today - timedelta(days=RECENT_DAYS)
    not_made = ContactAttempt.objects.filter(
        state=AttemptState.SKIPPED, reason=Reason.NOT_MADE, planned_on__gte=since
    ).count()
    broken = Promise.objects.filter(
        status__in=(PromiseStatus.BROKEN, PromiseStatus.PART_KEPT), settled_on__gte=since
    ).count()
    ownerless = Customer.objects.filter(
        owner=None, invoices__open_amount__gt=0, invoices__next_due_date__lt=today
    )
    customers = address("customer-list")
    return [
        Duty("Promises broken in the last week", broken, address("worklist"), "late"),
        Duty("Calls not made in the last week", not_made, address("worklist"), "late"),
        Duty(
            "Overdue customers without an owner",
            ownerless.distinct().count(),
            f"{customers}?owner=none&overdue=on",
            "due",
        ),
    ]


def address(name: str) -> str:
    """The address of a page, or nothing where the installation does not have it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
