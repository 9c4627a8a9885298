"""A customer's history as the timeline shows it: the events, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from arfollow.shared.models import Event
from arfollow.shared.words import say_days_in

PAGE = 40
ERASED = "Details were erased on request."


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline. ``kind`` and ``kind_label`` are a tag, empty for none."""

    when: datetime
    title: str
    who: str = ""
    text: str = ""
    kind: str = ""
    kind_label: str = ""
    url: str = ""


def events_of(
    customer_id: int, *, before: datetime | None = None, limit: int = PAGE
) -> list[Moment]:
    """The newest events of a customer, those before a moment where one is given."""
    events = Event.objects.filter(customer_id=customer_id).select_related("data")
    if before is not None:
        events = events.filter(at__lt=before)
    return [_moment(event) for event in events.order_by("-id")[:limit]]


def events_about(object_type: str, object_id: int, *, limit: int = PAGE) -> list[Moment]:
    """The newest events of one row: an invoice, a letter."""
    events = Event.objects.filter(object_type=object_type, object_id=object_id)
    return [_moment(event) for event in events.select_related("data").order_by("-id")[:limit]]


def newest(*sources: Iterable[Moment], limit: int = PAGE) -> list[Moment]:
    """Several histories as one, newest first."""
    merged = sorted(
        (moment for source in sources for moment in source),
        key=lambda moment: moment.when,
        reverse=True,
    )
    return merged[:limit]


def _moment(event: Event) -> Moment:
    said = event.data.summary if event.data.values is not None else ERASED
    return Moment(event.at, say_days_in(said), who=event.actor_label)
