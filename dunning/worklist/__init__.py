"""One list of everything a person has to do, the most pressing first, with the reason in words.

One UNION orders the sources and gives a page of keys, then each kind of row is read once.
The number of queries does not depend on how much there is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, Value

from dunning.worklist.beside import enrich, held_back
from dunning.worklist.priority import renew
from dunning.worklist.rows import DESCRIBE, READ_BY, READERS, Money, Work
from dunning.worklist.share import Share, calls_made, share_of
from dunning.worklist.sources import (
    LATER,
    SOURCES,
    TABS,
    TODAY,
    Key,
    Scope,
    keys_of,
    narrowed,
    place_of,
    read_place,
)

__all__ = [
    "LATER",
    "SOURCES",
    "TABS",
    "TODAY",
    "Key",
    "Money",
    "Page",
    "Scope",
    "Share",
    "Work",
    "calls_made",
    "chosen",
    "counts",
    "everything",
    "held_back",
    "page",
    "read_place",
    "renew",
    "share_of",
]

PER_PAGE = 50
PER_PART = 1000


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


def everything(scope: Scope) -> Iterator[Work]:
    """All rows of a scope, in their order, read in parts."""
    after: Key | None = None
    while keys := keys_of(scope, after, limit=PER_PART):
        rows = _rows(keys, scope)
        enrich(rows, scope.today)
        yield from rows
        after = keys[-1]


def chosen(marks: Iterable[str], scope: Scope) -> list[Work]:
    """Rows by their marks (``call~7``), as far as they are work still and within the scope."""
    wanted = {mark for mark in marks if mark.count("~") == 1}
    found: list[Work] = []
    for source in SOURCES:
        ids = [pk for kind, pk in map(_parted, wanted) if kind == source.kind and pk.isdecimal()]
        if ids:
            rows = narrowed(source, scope).filter(pk__in=ids).values_list("day", "pk")
            keys = [(0, 0, source.rank, day, source.kind, pk) for day, pk in rows]
            found += _rows(keys, scope)
    enrich(found, scope.today)
    return found


def _parted(mark: str) -> tuple[str, str]:
    kind, _, pk = mark.partition("~")
    return kind, pk


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
    for _, _, _, day, kind, pk in keys:
        row = found[READ_BY[kind]].get(pk)
        if row is not None:
            work = DESCRIBE[kind](row, day, scope.today)
            work.mark = f"{kind}~{pk}"
            works.append(work)
    return works


def _read(name: str, keys: Sequence[Key]) -> Mapping[int, Any]:
    wanted = [pk for *_, kind, pk in keys if READ_BY[kind] == name]
    return {row.pk: row for row in READERS[name].filter(pk__in=wanted)} if wanted else {}
