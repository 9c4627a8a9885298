"""A customer's history as the timeline shows it: the events, newest first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from arfollow.shared.keyset import Cursor, page_of
from arfollow.shared.models import Event
from arfollow.shared.words import say_days_in

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


def history_of(customer_id: int, *, after: Cursor | None = None) -> History:
    """The newest events of a customer, or those after a place.

    By the time they tell of, then by number: an import writes thousands at one moment.
    """
    return _history(Event.objects.filter(customer_id=customer_id), after)


def history_about(rows: Mapping[str, Collection[int]]) -> History:
    """The newest events of some rows, told as ``{"invoice": [7], "attempt": [3, 4]}``."""
    about = Q(pk__in=())
    for object_type, ids in rows.items():
        about |= Q(object_type=object_type, object_id__in=ids)
    return _history(Event.objects.filter(about), None)


def _history(events: QuerySet[Event], after: Cursor | None) -> History:
    page = page_of(events.select_related("data"), "-at", size=PAGE, after=after)
    return History([_moment(event) for event in page.rows], page.after)


def _moment(event: Event) -> Moment:
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
