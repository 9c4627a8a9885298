"""Today's work: what waits for a person, counted, each with the page that deals with it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from customers.models import Customer
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Promise,
    PromiseStatus,
)
from dunning.policy.reasons import Reason
from dunning.views.links import address
from dunning.worklist import TABS, Scope, counts, held_back

RECENT_DAYS = 7
PRESSING = {"problems": "severe", "approvals": "late", "replies": "late"}


@dataclass(frozen=True, slots=True)
class Duty:
    """A line of today's work; ``kind`` is the tag that says how pressing it is."""

    label: str
    count: int
    url: str
    kind: str = "current"


def duties(today: date, zone: str) -> list[Duty]:
    """Everything that waits for somebody, and what goes by itself; lines of nothing left out."""
    found = [*_worklist(today, zone), *_held(), *_automatic(), *_overlooked(today)]
    return [duty for duty in found if duty.count]


def _worklist(today: date, zone: str) -> list[Duty]:
    """The tabs of the worklist; their figures are the worklist's own."""
    midnight = datetime.combine(today + timedelta(days=1), time(), ZoneInfo(zone))
    counted = counts(Scope(today=today, until=midnight, approver=True))
    page = address("worklist")
    return [
        Duty(label, counted[tab], page and f"{page}?kind={tab}&who=all", _pressing(tab))
        for tab, label in TABS.items()
        if tab
    ]


def _pressing(tab: str) -> str:
    return PRESSING.get(tab, "promise")


def _held() -> list[Duty]:
    """Messages that one cause holds for all at once."""
    page = address("outbox")
    page = page and f"{page}?show=held"
    return [
        Duty(f"Messages held: {HeldFor(cause).label.lower()}", count, page, "due")
        for cause, count in held_back().items()
    ]


def _automatic() -> list[Duty]:
    planned = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel=Channel.EMAIL)
    return [Duty("E-mails that leave by themselves", planned.count(), address("outbox"))]


def _overlooked(today: date) -> list[Duty]:
    """What nobody did, or nobody owns (rule 4; neglected money)."""
    since = today - timedelta(days=RECENT_DAYS)
    not_made = ContactAttempt.objects.filter(
        state=AttemptState.SKIPPED, reason=Reason.NOT_MADE, planned_on__gte=since
    ).count()
    broken = Promise.objects.filter(
        status__in=(PromiseStatus.BROKEN, PromiseStatus.PART_KEPT), settled_on__gte=since
    ).count()
    late = {"invoices__open_amount__gt": 0, "invoices__next_due_date__lt": today}
    ownerless = Customer.objects.filter(owner=None, **late).distinct().count()
    customers = address("customer-list")
    nobody = f"{customers}?owner=none&overdue=on"
    return [
        Duty("Promises broken in the last week", broken, address("worklist"), "late"),
        Duty("Calls not made in the last week", not_made, address("worklist"), "late"),
        Duty("Overdue customers without an owner", ownerless, nobody, "due"),
    ]
