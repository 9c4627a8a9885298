"""Calls against capacity, and what each of us did in a week."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, F, IntegerField
from django.db.models.functions import Cast, Coalesce

from arfollow.shared.models import Event
from arfollow.shared.money import round_half_up
from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Role, User
from dunning.models import CallRecord, Direction, Promise, Task
from dunning.worklist import SOURCES, TABS, Scope, calls_made, counts
from dunning.worklist.sources import narrowed
from invoices.models import Payment

WEEK = timedelta(days=7)
MONTH = timedelta(days=30)
BOOKED_WITHIN = timedelta(days=60)
NOBODY = "Nobody’s customers"


@dataclass(frozen=True, slots=True)
class Member:
    """One of us. ``pace`` is calls made on a business day, ``load`` the days that those due take.

    ``load`` is None where nobody's pace is known. ``today`` are the calls made today and those
    of their own customers that have room yet, out of ``capacity`` a day (rule 5); the worklist
    shows the same ones. What has no room is ``later``.
    """

    name: str
    due: int
    pace: Decimal
    load: Decimal | None
    calls: int
    promises: int
    payments: int
    capacity: int = 0
    made: int = 0

    @property
    def today(self) -> int:
        return self.made + min(self.due, self._room)

    @property
    def later(self) -> int:
        return max(self.due - self._room, 0)

    @property
    def _room(self) -> int:
        return max(self.capacity - self.made, 0)


def team(today: date, *, zone: str, calendar: Calendar) -> list[Member]:
    """Everybody who may write, most calls due first; then calls of customers without an owner."""
    week, month = (_start(today - span, zone) for span in (WEEK, MONTH))
    midnight = _start(today, zone)
    days = max(calendar.between(today - MONTH - timedelta(days=1), today - timedelta(days=1)), 1)
    due = calls_due(today, zone)
    made = _calls(at__gte=month, at__lt=midnight)
    calls, promises = _calls(at__gte=week), _promises(today - WEEK)
    payments = _payments(week, today - WEEK)
    today_made = calls_made(today)
    people = User.objects.filter(is_active=True).exclude(role=Role.READ_ONLY)
    found = [
        replace(
            _member(str(user), user.pk, due, made, days, (calls, promises, payments)),
            capacity=user.calls_a_day,
            made=today_made[user.pk],
        )
        for user in people.order_by("first_name", "last_name", "pk")
    ]
    found.sort(key=lambda member: (-member.due, -member.pace))
    if due[None]:
        found.append(_member(NOBODY, None, due, made, days, (Counter(), Counter(), Counter())))
    return found


type Tally = Counter[int | None]


def _member(
    name: str, pk: int | None, due: Tally, made: Tally, days: int, week: tuple[Tally, Tally, Tally]
) -> Member:
    pace = round_half_up(Decimal(made[pk]) / days, 1)
    load = round_half_up(Decimal(due[pk] * days) / made[pk], 1) if made[pk] else None
    calls, promises, payments = (tally[pk] for tally in week)
    return Member(name, due[pk], pace, load, calls, promises, payments)


def waiting(today: date, zone: str) -> dict[str, int]:
    """How much of each kind waits in the worklist, everybody's together, by its label."""
    counted = counts(replace(_scope(today, zone), approver=True))
    return {label: counted[tab] for tab, label in TABS.items() if tab}


def _scope(today: date, zone: str) -> Scope:
    return Scope(today=today, until=_start(today + timedelta(days=1), zone))


def calls_due(today: date, zone: str) -> Tally:
    """Calls and agreed call-backs of the worklist, by the customer's owner (None: nobody)."""
    scope = _scope(today, zone)
    parts = []
    for source in (each for each in SOURCES if each.tab == "calls"):
        rows = narrowed(source, scope).order_by()
        whose = F("customer__owner")
        person = Coalesce("assigned_to", whose) if rows.model is Task else whose
        rows = rows.annotate(person=Cast(person, IntegerField()))
        parts.append(rows.values("person").annotate(n=Count("pk")).values_list("person", "n"))
    found: Tally = Counter()
    for person, number in parts[0].union(*parts[1:], all=True):
        found[person] += number
    return found


def _calls(**when: object) -> Tally:
    """Calls that we made; those we answered are not ours to plan."""
    rows = CallRecord.objects.filter(direction=Direction.OUT, **when).order_by()
    return Counter(dict(rows.values_list("by").annotate(n=Count("pk"))))


def _promises(since: date) -> Tally:
    rows = Promise.objects.filter(made_on__gt=since).order_by()
    return Counter(dict(rows.values_list("recorded_by").annotate(n=Count("pk"))))


def _payments(week: datetime, since: date) -> Tally:
    """Payments a person booked, by the events that tell of it."""
    booked = Payment.objects.filter(
        received_on__gte=since - BOOKED_WITHIN, recorded_at__gte=week, reversed_on=None
    )
    told = Event.objects.filter(
        object_type="payment", object_id__in=booked.values("pk"), verb="payment.recorded"
    )
    rows = told.filter(actor_id__isnull=False).order_by()
    return Counter(dict(rows.values_list("actor_id").annotate(n=Count("pk"))))


def _start(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
