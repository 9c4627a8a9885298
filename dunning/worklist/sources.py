"""Where work comes from: a queryset for each kind, joined by one UNION and put in one order.

What stops everything for a customer comes first, then what has an hour, then all else by the
customer's priority. Each source says when its rows are due: before that they are *later*.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    DateField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.db.models.functions import Cast, Coalesce, TruncDate

from arfollow.staff.absences import covered_today
from arfollow.staff.models import User
from dunning.models import (
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    Exposure,
    HeldFor,
    Inbound,
    Task,
    TaskKind,
    TaskStatus,
    Tone,
)
from invoices.models import Dispute, DisputeStatus
from invoices.queries import DayNumber

PEOPLE = (Channel.CALL, Channel.VISIT)
CALLS = "calls"
FAR = 1_000_000
"""Later than any day number: rows of customers with nothing overdue come last by age."""
type Key = tuple[int, int, int, date, str, int]
"""Band, weight (the smaller, the sooner), rank of the kind, day, kind, id."""
type Chosen = frozenset[tuple[str, int]]

TODAY, LATER = "today", "later"
PRIORITY, AMOUNT, AGE, WAITING = "", "amount", "age", "waiting"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose work, and which.

    `owner` None is everyone; customers that nobody owns are everyone's, unless `only`.
    `when` is empty for all that is due, else `today` or `later`; `share` are the calls that
    have room today (rule 5), None where nobody counts them. `least` is an amount overdue in
    one currency, `days` days late. `covers` are the absent colleagues whose customers are
    the owner's today.
    """

    today: date
    until: datetime
    owner: User | None = None
    text: str = ""
    kind: str = ""
    approver: bool = False
    only: bool = False
    nobody: bool = False
    when: str = ""
    share: Chosen | None = None
    currency: str = ""
    least: Decimal | None = None
    days: int | None = None
    sort: str = PRIORITY
    covers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """Where one kind of work comes from. A smaller `band` is shown first, whatever the
    priority; within one customer a smaller `rank`. `due` says what is for today."""

    kind: str
    band: int
    rank: int
    tab: str
    rows: Callable[[Scope], QuerySet[Any]]
    due: Callable[[Scope], Q]


# --- the sources, most pressing first -------------------------------------------------------


def _unknown(_: Scope) -> QuerySet[Any]:
    return _dated(ContactAttempt.objects.filter(state=AttemptState.UNKNOWN), "local_date")


def _replies(_: Scope) -> QuerySet[Any]:
    rows = Inbound.objects.filter(read_at__isnull=True, auto_reply=False)
    return rows.annotate(day=TruncDate("received_at"))


def _approvals(scope: Scope) -> QuerySet[Any]:
    """A final demand goes by e-mail and letter: one row, the letter's."""
    if not scope.approver:
        return ContactAttempt.objects.none().annotate(day=F("planned_on"))
    rows = ContactAttempt.objects.filter(state=AttemptState.HELD, held_for=HeldFor.APPROVAL)
    return _dated(rows.exclude(rides_along(), Exists(letter_beside())), "planned_on")


def rides_along() -> Q:
    """The e-mail of a final demand."""
    return Q(channel=Channel.EMAIL, tone=Tone.FINAL, kind=AttemptKind.LADDER)


def letter_beside() -> QuerySet[ContactAttempt]:
    """The letter that waits for approval with the same customer's e-mail, of the same day."""
    return _final_of_the_day(Channel.LETTER)


def mail_beside() -> QuerySet[ContactAttempt]:
    """The e-mail that waits for approval with the same customer's letter, of the same day."""
    return _final_of_the_day(Channel.EMAIL)


def _final_of_the_day(channel: Channel) -> QuerySet[ContactAttempt]:
    return ContactAttempt.objects.filter(
        customer=OuterRef("customer"),
        planned_on=OuterRef("planned_on"),
        channel=channel,
        tone=Tone.FINAL,
        kind=AttemptKind.LADDER,
        state=AttemptState.HELD,
        held_for=HeldFor.APPROVAL,
    )


def _agreed(_: Scope) -> QuerySet[Any]:
    return _tasks().filter(kind=TaskKind.CALL_BACK)


def _broken(_: Scope) -> QuerySet[Any]:
    return _planned_calls().filter(kind=AttemptKind.PROMISE_FOLLOW_UP)


def _calls(_: Scope) -> QuerySet[Any]:
    return _planned_calls().exclude(kind=AttemptKind.PROMISE_FOLLOW_UP)


def _planned_calls() -> QuerySet[Any]:
    rows = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel__in=PEOPLE)
    return _dated(rows, "planned_on")


def _letters(_: Scope) -> QuerySet[Any]:
    rows = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel=Channel.LETTER)
    return _dated(rows, "planned_on")


def _no_address(_: Scope) -> QuerySet[Any]:
    rows = ContactAttempt.objects.filter(state=AttemptState.HELD, held_for=HeldFor.ADDRESS)
    return _dated(rows, "planned_on")


def _disputes(_: Scope) -> QuerySet[Any]:
    rows = Dispute.objects.filter(status=DisputeStatus.OPEN, target_date__isnull=False)
    return _dated(rows, "target_date")


def _other_tasks(_: Scope) -> QuerySet[Any]:
    return _tasks().exclude(kind=TaskKind.CALL_BACK)


def _tasks() -> QuerySet[Any]:
    """Open tasks; those that stand for a reply or an unknown delivery are listed as such."""
    open_ones = Task.objects.filter(status=TaskStatus.OPEN)
    doubled = Q(kind=TaskKind.READ_REPLY) | Q(attempt__state=AttemptState.UNKNOWN)
    return _dated(open_ones.exclude(doubled), "due_on")


def _dated(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    dated: QuerySet[Any] = rows.annotate(
        day=Coalesce(F(name), Value(date.min, output_field=DateField()))
    )
    return dated


def _at_once(_: Scope) -> Q:
    return Q()


def _call_due(scope: Scope) -> Q:
    reached = Q(due_at__isnull=True) | Q(due_at__lt=scope.until)
    return reached & Q(planned_on__lte=scope.today)


def _task_due(scope: Scope) -> Q:
    return Q(due_on__lte=scope.today)


def _dispute_due(scope: Scope) -> Q:
    return Q(target_date__lte=scope.today)


SOURCES: tuple[Source, ...] = (
    Source("unknown", 10, 10, "problems", _unknown, _at_once),
    Source("reply", 20, 20, "replies", _replies, _at_once),
    Source("approval", 30, 30, "approvals", _approvals, _at_once),
    Source("agreed", 40, 40, CALLS, _agreed, _task_due),
    Source("broken", 45, 45, CALLS, _broken, _call_due),
    Source("call", 50, 50, CALLS, _calls, _call_due),
    Source("letter", 50, 60, "letters", _letters, _at_once),
    Source("no_address", 50, 65, "problems", _no_address, _at_once),
    Source("dispute", 50, 70, "tasks", _disputes, _dispute_due),
    Source("task", 50, 75, "tasks", _other_tasks, _task_due),
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


# --- narrowing ------------------------------------------------------------------------------


def narrowed(source: Source, scope: Scope) -> QuerySet[Any]:
    """The source's rows within what the person looks at."""
    rows = _timed(source, scope)
    path = path_of(source)
    # Approvals are nobody's customers: each approver sees them all.
    if source.kind != "approval":
        rows = rows.filter(_whose(source, path, scope))
    if scope.text:
        name = Q(**{f"{path}__name__icontains": scope.text})
        rows = rows.filter(name | Q(**{f"{path}__number__icontains": scope.text}))
    if scope.currency or scope.least is not None or scope.days is not None:
        rows = rows.filter(Exists(_exposed(path, scope)))
    return rows


def path_of(source: Source) -> str:
    """How a row of the source leads to its customer."""
    return "invoice__customer" if source.kind == "dispute" else "customer"


def _timed(source: Source, scope: Scope) -> QuerySet[Any]:
    """What is due, of it today's share of calls, or what comes later."""
    rows, due = source.rows(scope), source.due(scope)
    counted = scope.share is not None and source.tab == CALLS
    todays = [pk for kind, pk in scope.share or () if kind == source.kind]
    if scope.when == LATER:
        if counted:
            return rows.exclude(due, pk__in=todays)
        return rows.exclude(due) if due else rows.none()
    rows = rows.filter(due)
    return rows.filter(pk__in=todays) if counted and scope.when == TODAY else rows


def _whose(source: Source, path: str, scope: Scope) -> Q:
    nobodys = Q(**{f"{path}__owner__isnull": True})
    if scope.nobody:
        return nobodys
    if scope.owner is None:
        return Q()
    mine = Q(**{f"{path}__owner__in": {scope.owner.pk} | scope.covers})
    mine |= Q(**{f"{path}__owner__in": covered_today(scope.owner, scope.today).values("user")})
    mine = mine if scope.only else mine | nobodys
    return mine | Q(assigned_to=scope.owner) if source.kind in ("task", "agreed") else mine


def _exposed(path: str, scope: Scope) -> QuerySet[Exposure]:
    rows = Exposure.objects.filter(customer=OuterRef(f"{path}_id"))
    if scope.currency:
        rows = rows.filter(currency=scope.currency)
    if scope.least is not None:
        rows = rows.filter(overdue__gte=scope.least)
    if scope.days is not None:
        rows = rows.filter(oldest_due__lte=scope.today - timedelta(days=scope.days))
    return rows


# --- one order, a page of keys --------------------------------------------------------------


def _weight(source: Source, sort: str) -> Any:
    """What the rows are ordered by, the smaller the sooner, as a whole number."""
    priority = f"{path_of(source)}__priority"
    if sort == AMOUNT:
        value: Any = Cast(-F(f"{priority}__overdue") * 100, BigIntegerField())
        return Coalesce(value, Value(0), output_field=BigIntegerField())
    if sort == AGE:
        value = DayNumber(F(f"{priority}__oldest_due"))
        return Coalesce(value, Value(FAR * 10), output_field=BigIntegerField())
    if sort == WAITING:
        return DayNumber(F("day"))
    return Coalesce(-F(f"{priority}__score"), Value(0), output_field=BigIntegerField())


def band_of(source: Source, sort: str) -> int:
    """Bands hold for the usual order only; who sorts by amount wants amounts."""
    return 0 if sort else source.band


def _keyed(source: Source, scope: Scope, after: Key | None) -> QuerySet[Any] | None:
    """The source's rows beyond the last one seen, as keys of the union."""
    if scope.kind and source.tab != scope.kind:
        return None
    band = band_of(source, scope.sort)
    if after is not None and after[0] > band:
        return None
    rows = narrowed(source, scope).annotate(weight=_weight(source, scope.sort))
    if after is not None and after[0] == band:
        rows = _beyond(rows, source, after)
    keyed = rows.order_by().annotate(
        band=Value(band, output_field=IntegerField()),
        rank=Value(source.rank, output_field=IntegerField()),
        source=Value(source.kind, output_field=CharField()),
        key=Cast("pk", IntegerField()),
        on=Cast("day", DateField()),
    )
    values: QuerySet[Any] = keyed.values_list("band", "weight", "rank", "on", "source", "key")
    return values


def _beyond(rows: QuerySet[Any], source: Source, after: Key) -> QuerySet[Any]:
    _, weight, rank, day, _, pk = after
    if source.rank == rank:
        here = Tuple(F("weight"), F("day"), F("pk"))
        return rows.filter(TupleGreaterThan(here, (weight, day, pk)))
    return rows.filter(weight__gte=weight) if source.rank > rank else rows.filter(weight__gt=weight)


def keys_of(scope: Scope, after: Key | None, *, limit: int) -> list[Key]:
    """The first keys beyond the last one seen, over all sources."""
    parts = [rows for source in SOURCES if (rows := _keyed(source, scope, after)) is not None]
    if not parts:
        return []
    union = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return list(union.order_by("band", "weight", "rank", "on", "key")[:limit])


def read_place(text: str) -> Key | None:
    """The place in the list that an address names; None for anything else."""
    parts = text.split("~")
    try:
        band, weight, rank, day, kind, pk = parts
        return int(band), int(weight), int(rank), date.fromisoformat(day), kind, int(pk)
    except ValueError:
        return None


def place_of(key: Key) -> str:
    """A key as it stands in the address of the next page."""
    band, weight, rank, day, kind, pk = key
    return f"{band}~{weight}~{rank}~{day.isoformat()}~{kind}~{pk}"
