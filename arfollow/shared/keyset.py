"""Pages of a long list by the last row seen, never by counting rows.

The database compares ``(sort value, id)`` with the last row's in one row comparison, so
that the ten-thousandth page costs what the first one does.
"""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleLessThan,
)

_READERS: dict[str, Callable[[str], object]] = {
    "m": dt.datetime.fromisoformat,
    "d": dt.date.fromisoformat,
    "n": Decimal,
    "i": int,
    "s": str,
}


@dataclass(frozen=True)
class Cursor:
    """A place in a list: the sort value and the id of one row."""

    value: object
    pk: int

    def __str__(self) -> str:
        text = json.dumps([_kind(self.value), _written(self.value), self.pk])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Page:
    """Rows in the order shown, and the cursors that lead on and back."""

    rows: list[Any]
    after: Cursor | None
    before: Cursor | None


def read_cursor(text: str) -> Cursor | None:
    """The cursor of a query string; None for anything that is not one of ours."""
    try:
        padded = text + "=" * (-len(text) % 4)
        kind, written, pk = json.loads(base64.urlsafe_b64decode(padded))
        return Cursor(_READERS[kind](written), int(pk))
    except (ValueError, TypeError, KeyError, InvalidOperation, binascii.Error):
        return None


def page_of[M: Model](
    rows: QuerySet[M, Any],
    sort: str,
    *,
    size: int,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> Page:
    """One page of ``rows`` by ``sort`` (a field, ``-`` for descending), ids breaking ties."""
    name, falling = sort.removeprefix("-"), sort.startswith("-")
    backwards = before is not None and after is None
    found = _from(rows, name, before if backwards else after, falling=falling is not backwards)
    taken = list(found[: size + 1])
    more, shown = len(taken) > size, taken[:size]
    if backwards:
        shown.reverse()
    if not shown:
        return Page([], None, None)
    return Page(
        shown,
        cursor_of(shown[-1], name) if more or backwards else None,
        cursor_of(shown[0], name) if (more if backwards else after is not None) else None,
    )


def cursor_of(row: Any, name: str) -> Cursor:
    return Cursor(pick(row, name), pick(row, "pk"))


def pick(row: Any, path: str) -> Any:
    """A value of a model row or of a mapping; ``customer__name`` follows relations."""
    if isinstance(row, dict):
        return row["id"] if path == "pk" and "pk" not in row else row[path]
    for part in path.split("__"):
        row = getattr(row, part) if row is not None else None
    return row


def _from(
    rows: QuerySet[Any, Any], name: str, start: Cursor | None, *, falling: bool
) -> QuerySet[Any, Any]:
    direction = "-" if falling else ""
    ordered = rows.order_by(f"{direction}{name}", f"{direction}pk")
    if start is None:
        return ordered
    beyond = TupleLessThan if falling else TupleGreaterThan
    return ordered.filter(beyond(Tuple(F(name), F("pk")), (start.value, start.pk)))


def _kind(value: object) -> str:
    kinds = ((dt.datetime, "m"), (dt.date, "d"), (Decimal, "n"), (int, "i"))
    return next((kind for of, kind in kinds if isinstance(value, of)), "s")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return value.isoformat() if isinstance(value, dt.date) else str(value)
