"""What a logged call changed, row by row, so that it can be taken back whole.

The rows that an outcome may touch are read before and after, under the customer's lock;
the difference is kept on the record as plain values.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Model, Q

from customers.models import Contact, Customer, FraudWarning
from dunning.models import (
    AttemptItem,
    AttemptState,
    CallRecord,
    ContactAttempt,
    Hold,
    Inbound,
    PaymentPlan,
    PlanStatus,
    Promise,
    PromiseStatus,
    Task,
    TaskStatus,
)
from invoices.models import Dispute, DisputeStatus

UNDO = timedelta(minutes=1)
"""So long a logged call can be taken back; what it sends waits as long."""

WAITING = (AttemptState.PLANNED, AttemptState.HELD)
UNENDED = (PlanStatus.DRAFT, PlanStatus.ACTIVE)

type Values = dict[str, Any]
type Rows = dict[int, Values]


@dataclass(frozen=True, slots=True)
class Watched:
    """One kind of row: those of a customer that an outcome may change, and their columns."""

    name: str
    model: type[Model]
    customer: str
    which: Q
    fields: tuple[str, ...]
    called: str


WATCHED: tuple[Watched, ...] = (
    Watched(
        "customer", Customer, "pk", Q(),
        ("cannot_pay_reason", "legal_stop", "legal_stop_since"), "The customer",
    ),
    Watched(
        "contact", Contact, "customer", Q(),
        ("role", "name", "email", "email_state", "do_not_email", "phone", "phone_state",
         "do_not_call", "primary", "active"), "The contact",
    ),
    Watched("reply", Inbound, "customer", Q(read_at=None), ("read_at", "read_by_id"), "The reply"),
    Watched(
        "attempt", ContactAttempt, "customer", Q(state__in=WAITING),
        ("state", "held_for", "live", "reason", "reason_text", "error", "due_at", "local_date",
         "done_on", "sent_at", "reached_on", "exempt"), "The planned contact",
    ),
    Watched(
        "item", AttemptItem, "attempt__customer", Q(attempt__state__in=WAITING),
        ("outcome", "live"), "The planned contact",
    ),
    Watched(
        "task", Task, "customer", Q(status=TaskStatus.OPEN),
        ("title", "due_on", "due_at", "invoice_id", "attempt_id", "status", "result", "done_at",
         "done_by_id"), "The task",
    ),
    Watched("hold", Hold, "customer", Q(released_on=None), ("ends_on", "released_on"), "The hold"),
    Watched(
        "promise", Promise, "customer", Q(status=PromiseStatus.OPEN), ("status",), "The promise"
    ),
    Watched(
        "plan", PaymentPlan, "customer", Q(status__in=UNENDED), ("status", "total"), "The plan"
    ),
    Watched(
        "warning", FraudWarning, "customer", Q(cleared_at=None), ("text", "cleared_at"),
        "The warning",
    ),
    Watched(
        "dispute", Dispute, "invoice__customer", Q(status=DisputeStatus.OPEN),
        ("status", "amount"), "The dispute",
    ),
)  # fmt: skip
BY_NAME: Mapping[str, Watched] = {watched.name: watched for watched in WATCHED}


@contextmanager
def trailed(record: CallRecord | None, customer_id: int, at: datetime) -> Iterator["Walk"]:
    """Keep on the record what happens inside; call it under the customer's lock.

    The record may be made inside: it is then given to the walk.
    """
    walk = Walk(record)
    before = _look(customer_id)
    newest = _newest_attempt(customer_id)
    yield walk
    if walk.record is None:
        return
    after = _look(customer_id, known=before, newest=newest)
    step = {"at": at.isoformat(), "token": str(walk.token or ""), **difference(before, after)}
    walk.record.trail = [*walk.record.trail, step]
    walk.record.save(update_fields=["trail"])


@dataclass(slots=True)
class Walk:
    """The record that gets the trail, and the form that it came from."""

    record: CallRecord | None
    token: UUID | None = None


def difference(before: Mapping[str, Rows], after: Mapping[str, Rows]) -> Values:
    """What is new, with its values, and what changed, with those before and after."""
    new: Values = {}
    changed: Values = {}
    for name, rows in after.items():
        for pk, values in rows.items():
            was = before[name].get(pk)
            if was is None:
                new.setdefault(name, {})[str(pk)] = values
            elif was != values:
                names = [field for field in values if was[field] != values[field]]
                pair = [{f: was[f] for f in names}, {f: values[f] for f in names}]
                changed.setdefault(name, {})[str(pk)] = pair
    return {"new": new, "changed": changed}


def values_now(watched: Watched, pks: list[int]) -> Rows:
    """The watched columns of these rows as they are; a row that is gone is left out."""
    rows: Rows = {}
    for start in range(0, len(pks), 500):
        found = _manager(watched).filter(pk__in=pks[start : start + 500])
        rows |= _read(watched, found)
    return rows


def _newest_attempt(customer_id: int) -> int:
    rows = ContactAttempt.objects.filter(customer=customer_id).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def _look(
    customer_id: int, *, known: Mapping[str, Rows] | None = None, newest: int = 0
) -> dict[str, Rows]:
    return {watched.name: _rows(watched, customer_id, known, newest) for watched in WATCHED}


def _rows(
    watched: Watched, customer_id: int, known: Mapping[str, Rows] | None, newest: int
) -> Rows:
    """Those an outcome may change; afterwards also those it did, the new attempts, and what
    was added to attempts that waited."""
    mine = _manager(watched).filter(Q(**{watched.customer: customer_id}))
    found = _read(watched, mine.filter(watched.which))
    if known is None:
        return found
    found |= values_now(watched, [pk for pk in known[watched.name] if pk not in found])
    if watched.name == "attempt":
        found |= _read(watched, mine.filter(pk__gt=newest))
    elif watched.name == "item":
        found |= _read(watched, mine.filter(attempt__in=list(known["attempt"])))
    return found


def _manager(watched: Watched) -> Any:
    return watched.model._default_manager


def _read(watched: Watched, rows: Any) -> Rows:
    return {
        row.pop("pk"): {name: _plain(value) for name, value in row.items()}
        for row in rows.order_by().values("pk", *watched.fields)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
