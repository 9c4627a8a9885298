"""Calls a day: how many of what is due have room today, and which (PROTOCOL rule 5).

A person's own customers come first, then those that nobody owns; within each the most pressing
first, so that what waits for tomorrow is what can best wait.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Count

from arfollow.staff.models import User
from dunning.models import CallRecord, Channel, Direction
from dunning.worklist.sources import CALLS, PRIORITY, SOURCES, Chosen, Scope, keys_of, narrowed


@dataclass(frozen=True, slots=True)
class Share:
    """One person's calls of today: `made` so far, `chosen` still to make, `later` what has no
    room; `own` of the chosen are of their own customers."""

    capacity: int
    made: int
    chosen: Chosen
    own: int
    later: int

    @property
    def today(self) -> int:
        """Calls made and still to make today."""
        return self.made + len(self.chosen)


def room_of(user: User, made: int) -> int:
    """How many more calls a person has room for today."""
    return max(user.calls_a_day - made, 0)


def calls_made(today: date) -> Counter[int | None]:
    """Calls we made on a day, by person; those they made to us are not planned by anybody."""
    rows = CallRecord.objects.filter(
        direction=Direction.OUT, attempt__channel=Channel.CALL, attempt__done_on=today
    ).order_by()
    return Counter(dict(rows.values_list("by").annotate(n=Count("pk"))))


def share_of(user: User, scope: Scope) -> Share:
    """Today's share of the person whose list it is, whatever else the list is narrowed to."""
    made = calls_made(scope.today)[user.pk]
    room = room_of(user, made)
    whose = Scope(scope.today, scope.until, kind=CALLS, sort=PRIORITY, covers=scope.covers)
    own = keys_of(replace(whose, owner=user, only=True), None, limit=room) if room else []
    left = room - len(own)
    mine = () if scope.only or not left else keys_of(replace(whose, nobody=True), None, limit=left)
    chosen = frozenset((key[4], key[5]) for key in (*own, *mine))
    due = _due(replace(whose, owner=user, only=scope.only))
    return Share(user.calls_a_day, made, chosen, len(own), due - len(chosen))


def _due(scope: Scope) -> int:
    parts = [
        narrowed(source, scope).order_by().values_list("pk")
        for source in SOURCES
        if source.tab == CALLS
    ]
    return parts[0].union(*parts[1:], all=True).count()
