"""One list of everything a person has to do, the most pressing first, with the reason in words.

One UNION orders the sources and gives a page of keys, then each kind of row is read once.
The number of queries does not depend on how much there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, Value

from dunning.worklist.beside import enrich, held_back
from dunning.worklist.rows import DESCRIBE, READ_BY, READERS, Money, Work
from dunning.worklist.sources import (
    SOURCES,
    TABS,
    Key,
    Scope,
    keys_of,
    narrowed,
    place_of,
    read_place,
)

__all__ = [
    "SOURCES",
    "TABS",
    "Key",
    "Money",
    "Page",
    "Scope",
    "Work",
    "counts",
    "held_back",
    "page",
    "read_place",
]

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """A page of work; `after` is the place of the next one."""

    rows: list[Work]
    after: str


def page(scope: Scope, *, after: Key | None = None) -> Page:
    """A page of the worklist, in a fixed number of queries."""
    keys = keys_of(scope, after, limit=PER_PAGE + 1)
    shown = keys[:PER_PAGE]
    rows = _rows(shown, scope)
    enrich(rows, scope.today)
    return Page(rows, place_of(shown[-1]) if len(keys) > PER_PAGE else "")


def counts(scope: Scope) -> dict[str, int]:
    """How much there is per tab, "" for everything; one query."""
    parts = []
    for source in SOURCES:
        rows = (
            narrowed(source, scope)
            .order_by()
            .annotate(tab=Value(source.tab, output_field=CharField()))
        )
        parts.append(rows.values("tab").annotate(n=Count("pk")).values_list("tab", "n"))
    found: dict[str, int] = dict.fromkeys(TABS, 0)
    for tab, number in parts[0].union(*parts[1:], all=True):
        found[tab] += number
        found[""] += number
    return found


def _rows(keys: Sequence[Key], scope: Scope) -> list[Work]:
    found = {name: _read(name, keys) for name in READERS}
    works = []
    for _, day, kind, pk in keys:
        row = found[READ_BY[kind]].get(pk)
        if row is not None:
            works.append(DESCRIBE[kind](row, day, scope.today))
    return works


def _read(name: str, keys: Sequence[Key]) -> Mapping[int, Any]:
    wanted = [pk for _, _, kind, pk in keys if READ_BY[kind] == name]
    return {row.pk: row for row in READERS[name].filter(pk__in=wanted)} if wanted else {}
