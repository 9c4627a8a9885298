"""A customer's history as the timeline shows it: the events, newest first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from arfollow.shared.keyset import Cursor, page_of
from arfollow.shared.models import Event
from arfollow.shared.words import say_days_in
from customers.models import Customer

PAGE = 40
ERASED = "Details were erased on request."


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline, and the row that it is about."""

    when: datetime
    title: str
    who: str
    verb: str
    object_type: str
    object_id: int | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """A part of a history, and the place where the older part begins."""

    moments: list[Moment]
    older: Cursor | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a history: verbs by their beginnings, days of ours, who acted.

    ``person`` is a user's id, 0 for the machine, None for everybody.
    """

    verbs: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    person: int | None = None
    zone: str = "UTC"


EVERYTHING = Asked()


def history_of(
    customer_id: int, *, after: Cursor | None = None, asked: Asked = EVERYTHING
) -> History:
    """The newest events of a customer, or those after a place.

    By the time they tell of, then by number: an import writes thousands at one moment. The
    history of accounts that were merged into this one is part of it.
    """
    return _history(events_of(customer_id, asked), after)


def events_of(customer_id: int, asked: Asked = EVERYTHING) -> QuerySet[Event]:
    """The events themselves, for an export; unordered."""
    merged = Customer.objects.filter(merged_into=customer_id).values_list("pk", flat=True)
    rows = Event.objects.filter(customer_id__in=[customer_id, *merged])
    if asked.verbs:
        begins = Q()
        for verb in asked.verbs:
            begins |= Q(verb__startswith=verb)
        rows = rows.filter(begins)
    if asked.person is not None:
        rows = rows.filter(actor_id=asked.person or None)
    return _within(rows, asked)


def _within(rows: QuerySet[Event], asked: Asked) -> QuerySet[Event]:
    zone = ZoneInfo(asked.zone)
    if asked.since is not None:
        rows = rows.filter(at__gte=datetime.combine(asked.since, time.min, zone))
    if asked.until is not None:
        end = datetime.combine(asked.until + timedelta(days=1), time.min, zone)
        rows = rows.filter(at__lt=end)
    return rows


def history_about(rows: Mapping[str, Collection[int]]) -> History:
    """The newest events of some rows, told as ``{"invoice": [7], "attempt": [3, 4]}``."""
    about = Q(pk__in=())
    for object_type, ids in rows.items():
        about |= Q(object_type=object_type, object_id__in=ids)
    return _history(Event.objects.filter(about), None)


def _history(events: QuerySet[Event], after: Cursor | None) -> History:
    page = page_of(events.select_related("data"), "-at", size=PAGE, after=after)
    return History([moment_of(event) for event in page.rows], page.after)


def moment_of(event: Event) -> Moment:
    """One event in the words of the timeline; ``data`` must be loaded."""
    values = event.data.values
    return Moment(
        when=event.at,
        title=ERASED if values is None else say_days_in(event.data.summary),
        who=event.actor_label,
        verb=event.verb,
        object_type=event.object_type,
        object_id=event.object_id,
        values=values or {},
    )
