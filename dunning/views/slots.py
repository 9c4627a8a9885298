"""What leaves next and when: the messages of the outbox by the moment they leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from dunning.briefing.sending import NextSlot, next_slot
from dunning.models import AttemptState, ContactAttempt
from dunning.outbox.moves import SENT_BY_MACHINE


@dataclass(frozen=True, slots=True)
class SlotRows:
    """The rows of one page that leave at one moment; ``total`` counts those of other pages."""

    at: datetime
    over: bool
    wait: str
    total: int
    rows: Sequence[ContactAttempt]


def slots_of(rows: Sequence[ContactAttempt], now: datetime) -> list[SlotRows]:
    """Rows in the order of their slots, grouped; all that is due already is one group."""
    totals = _totals({row.due_at for row in rows if row.due_at is not None and row.due_at > now})
    groups: dict[datetime, list[ContactAttempt]] = {}
    for row in rows:
        if row.due_at is not None:
            groups.setdefault(row.due_at if row.due_at > now else now, []).append(row)
    return [
        SlotRows(at, at <= now, in_words(at, now), totals.get(at, len(found)), found)
        for at, found in groups.items()
    ]


def _totals(moments: set[datetime]) -> dict[datetime, int]:
    waiting = ContactAttempt.objects.filter(
        state=AttemptState.PLANNED, channel__in=SENT_BY_MACHINE, due_at__in=moments
    )
    rows = waiting.order_by().values("due_at").annotate(number=Count("pk"))
    return {row["due_at"]: row["number"] for row in rows if row["due_at"] is not None}


def upcoming(now: datetime) -> dict[str, object] | None:
    """The line above the list: when the next messages leave, and how many wait in all."""
    slot: NextSlot | None = next_slot()
    if slot is None:
        return None
    return {"at": slot.at, "waiting": slot.waiting, "over": slot.at <= now,
            "wait": in_words(slot.at, now)}  # fmt: skip


def in_words(moment: datetime, now: datetime) -> str:
    """``in 2 days``, ``in 3 h 20 min``, ``in 5 min``, ``now``: the plain form of the countdown."""
    minutes = -int((now - moment).total_seconds() // 60)
    if minutes <= 0:
        return "now"
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"in {hours // 24} days"
    return f"in {hours} h {rest} min" if hours else f"in {rest} min"
