"""Where work comes from: a queryset with a rank for each kind, joined by one UNION."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import CharField, DateField, F, IntegerField, Q, QuerySet, Value
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.db.models.functions import Cast, Coalesce, TruncDate

from arfollow.staff.models import User
from dunning.models import (
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Inbound,
    Task,
    TaskKind,
    TaskStatus,
)
from invoices.models import Dispute, DisputeStatus

PEOPLE = (Channel.CALL, Channel.VISIT)
type Key = tuple[int, date, str, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose work, and which: `owner` None is everyone; unowned customers are everyone's."""

    today: date
    until: datetime
    owner: User | None = None
    text: str = ""
    kind: str = ""
    approver: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where one kind of work comes from; a smaller rank is shown first."""

    kind: str
    rank: int
    tab: str
    rows: Callable[[Scope], QuerySet[Any]]


# --- the sources, most pressing first -------------------------------------------------------


def _unknown(scope: Scope) -> QuerySet[Any]:
    return _dated(ContactAttempt.objects.filter(state=AttemptState.UNKNOWN), "local_date")


def _replies(scope: Scope) -> QuerySet[Any]:
    rows = Inbound.objects.filter(read_at__isnull=True, auto_reply=False)
    return rows.annotate(day=TruncDate("received_at"))


def _approvals(scope: Scope) -> QuerySet[Any]:
    held = Q(state=AttemptState.HELD, held_for=HeldFor.APPROVAL)
    rows = ContactAttempt.objects.filter(held) if scope.approver else ContactAttempt.objects.none()
    return _dated(rows, "planned_on")


def _agreed(scope: Scope) -> QuerySet[Any]:
    return _tasks(scope).filter(kind=TaskKind.CALL_BACK)


def _broken(scope: Scope) -> QuerySet[Any]:
    return _calls_due(scope).filter(kind=AttemptKind.PROMISE_FOLLOW_UP)


def _calls(scope: Scope) -> QuerySet[Any]:
    return _calls_due(scope).exclude(kind=AttemptKind.PROMISE_FOLLOW_UP)


def _calls_due(scope: Scope) -> QuerySet[Any]:
    due = Q(due_at__isnull=True) | Q(due_at__lt=scope.until)
    rows = ContactAttempt.objects.filter(due, state=AttemptState.PLANNED, channel__in=PEOPLE)
    return _dated(rows.filter(planned_on__lte=scope.today), "planned_on")


def _letters(scope: Scope) -> QuerySet[Any]:
    rows = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel=Channel.LETTER)
    return _dated(rows, "planned_on")


def _no_address(scope: Scope) -> QuerySet[Any]:
    rows = ContactAttempt.objects.filter(state=AttemptState.HELD, held_for=HeldFor.ADDRESS)
    return _dated(rows, "planned_on")


def _disputes(scope: Scope) -> QuerySet[Any]:
    rows = Dispute.objects.filter(status=DisputeStatus.OPEN, target_date__lte=scope.today)
    return _dated(rows, "target_date")


def _other_tasks(scope: Scope) -> QuerySet[Any]:
    return _tasks(scope).exclude(kind=TaskKind.CALL_BACK)


def _tasks(scope: Scope) -> QuerySet[Any]:
    """Open tasks; those that stand for a reply or an unknown delivery are listed as such."""
    open_ones = Task.objects.filter(status=TaskStatus.OPEN, due_on__lte=scope.today)
    doubled = Q(kind=TaskKind.READ_REPLY) | Q(attempt__state=AttemptState.UNKNOWN)
    return _dated(open_ones.exclude(doubled), "due_on")


def _dated(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    dated: QuerySet[Any] = rows.annotate(
        day=Coalesce(F(name), Value(date.min, output_field=DateField()))
    )
    return dated


SOURCES: tuple[Source, ...] = (
    Source("unknown", 10, "problems", _unknown),
    Source("reply", 20, "replies", _replies),
    Source("approval", 30, "approvals", _approvals),
    Source("agreed", 40, "calls", _agreed),
    Source("broken", 45, "calls", _broken),
    Source("call", 50, "calls", _calls),
    Source("letter", 60, "letters", _letters),
    Source("no_address", 65, "problems", _no_address),
    Source("dispute", 70, "tasks", _disputes),
    Source("task", 75, "tasks", _other_tasks),
)
TABS: Mapping[str, str] = {
    "": "Everything",
    "calls": "Calls",
    "approvals": "Approvals",
    "letters": "Letters",
    "replies": "Replies",
    "problems": "Delivery problems",
    "tasks": "Tasks",
}


# --- narrowing and reading a page of keys ---------------------------------------------------


def narrowed(source: Source, scope: Scope) -> QuerySet[Any]:
    """The source's rows within what the person looks at."""
    rows = source.rows(scope)
    path = "invoice__customer" if source.kind == "dispute" else "customer"
    # Approvals are nobody's customers: each approver sees them all.
    if scope.owner is not None and source.kind != "approval":
        rows = rows.filter(_mine(source, path, scope.owner))
    if scope.text:
        name = Q(**{f"{path}__name__icontains": scope.text})
        rows = rows.filter(name | Q(**{f"{path}__number__icontains": scope.text}))
    return rows


def _mine(source: Source, path: str, owner: User) -> Q:
    mine = Q(**{f"{path}__owner": owner}) | Q(**{f"{path}__owner__isnull": True})
    return mine | Q(assigned_to=owner) if source.kind in ("task", "agreed") else mine


def _keyed(source: Source, scope: Scope, after: Key | None) -> QuerySet[Any] | None:
    """The source's rows beyond the last one seen, as keys of the union."""
    if scope.kind and source.tab != scope.kind:
        return None
    if after is not None and after[0] > source.rank:
        return None
    rows = narrowed(source, scope)
    if after is not None and after[0] == source.rank:
        rows = rows.filter(TupleGreaterThan(Tuple(F("day"), F("pk")), (after[1], after[3])))
    rank = Value(source.rank, output_field=IntegerField())
    kind = Value(source.kind, output_field=CharField())
    keyed = rows.order_by().annotate(
        rank=rank, source=kind, key=Cast("pk", IntegerField()), on=Cast("day", DateField())
    )
    values: QuerySet[Any] = keyed.values_list("rank", "on", "source", "key")
    return values


def keys_of(scope: Scope, after: Key | None, *, limit: int) -> list[Key]:
    """The first keys beyond the last one seen, over all sources."""
    parts = [rows for source in SOURCES if (rows := _keyed(source, scope, after)) is not None]
    if not parts:
        return []
    union = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return list(union.order_by("rank", "on", "key")[:limit])


def read_place(text: str) -> Key | None:
    """The place in the list that an address names; None for anything else."""
    parts = text.split("~")
    try:
        rank, day, kind, pk = parts
        return int(rank), date.fromisoformat(day), kind, int(pk)
    except ValueError:
        return None


def place_of(key: Key) -> str:
    """A key as it stands in the address of the next page."""
    return f"{key[0]}~{key[1].isoformat()}~{key[2]}~{key[3]}"
