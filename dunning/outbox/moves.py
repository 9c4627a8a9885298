"""The only legal moves between states, each a conditional UPDATE (DELIVERY §3.2).

Nothing else in the project writes `state`. A move answers whether it happened: a row that
is not (or no longer) where the move starts stays untouched. Fencing is in the WHERE
clause: who sends must still own the row. Leases run on the database clock.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Least, Now

from arfollow.shared import faults
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
)
from dunning.models.attempts import MAX_TRIES

STATE = AttemptState
SENT_BY_MACHINE = (Channel.EMAIL, Channel.INTERNAL)
POISON = 2  # workers it took with it before the last one
PAGE = 500  # rows that one pass of the sweeper takes up
IN_FLIGHT = (STATE.CLAIMED, STATE.SENDING)

LEGAL: dict[str, frozenset[str]] = {
    STATE.CLAIMED: frozenset({STATE.PLANNED}),
    STATE.SENDING: frozenset({STATE.CLAIMED}),
    STATE.PLANNED: frozenset({STATE.CLAIMED, STATE.SENDING, STATE.HELD}),
    STATE.HELD: frozenset({STATE.PLANNED, STATE.CLAIMED}),
    # planned → sent: made by a person (a call, a posted letter). unknown → sent: settled.
    STATE.SENT: frozenset({STATE.SENDING, STATE.UNKNOWN, STATE.PLANNED}),
    STATE.FAILED: frozenset({STATE.CLAIMED, STATE.SENDING, STATE.UNKNOWN}),
    STATE.UNKNOWN: frozenset({STATE.SENDING}),
    STATE.CANCELLED: frozenset({STATE.PLANNED, STATE.CLAIMED, STATE.HELD}),
    STATE.SKIPPED: frozenset({STATE.PLANNED, STATE.HELD}),
}


def claim(worker: str, *, now: datetime, lease: timedelta, limit: int = 5) -> list[int]:
    """Take up to ``limit`` due messages, one a customer, for ``lease``; oldest slot first.

    PostgreSQL passes over rows that others are taking; on SQLite the transaction is
    IMMEDIATE. The UPDATE looks at the state again either way.
    """
    try:
        with transaction.atomic():
            ids = _candidates(now, limit)
            taken = _take(ids, worker, lease)
            faults.point("C2a")
    except IntegrityError:  # another worker took a row of the same customer meanwhile
        taken = [pk for pk in _candidates_read(now, limit) if _take_one(pk, worker, lease)]
    faults.point("C2")
    return taken


def _candidates(now: datetime, limit: int) -> list[int]:
    rows = _due(now).select_for_update(skip_locked=True, of=("self",))
    return _one_a_customer(rows, limit)


def _candidates_read(now: datetime, limit: int) -> list[int]:
    return _one_a_customer(_due(now), limit)


def _due(now: datetime) -> QuerySet[ContactAttempt]:
    busy = ContactAttempt.objects.filter(customer=OuterRef("customer"), state__in=IN_FLIGHT)
    due = ContactAttempt.objects.filter(
        state=STATE.PLANNED, due_at__lte=now, channel__in=SENT_BY_MACHINE
    )
    return due.exclude(Exists(busy)).order_by("due_at", "id")


def _one_a_customer(rows: QuerySet[ContactAttempt], limit: int) -> list[int]:
    """What was tried before goes alone: should it kill its worker, no other message suffers."""
    first: dict[int, int] = {}
    for pk, customer_id, tries in rows.values_list("pk", "customer_id", "tries")[: limit * 4]:
        if tries:
            return list(first.values())[:limit] or [pk]
        first.setdefault(customer_id, pk)
    return list(first.values())[:limit]


def _take(ids: Sequence[int], worker: str, lease: timedelta) -> list[int]:
    planned = ContactAttempt.objects.filter(pk__in=ids, state=STATE.PLANNED)
    if not ids or not planned.update(state=STATE.CLAIMED, worker=worker, lease_until=Now() + lease):
        return []
    mine = ContactAttempt.objects.filter(pk__in=ids, state=STATE.CLAIMED, worker=worker)
    return list(mine.order_by("due_at", "id").values_list("pk", flat=True))


def _take_one(pk: int, worker: str, lease: timedelta) -> bool:
    try:
        with transaction.atomic():
            return bool(_take([pk], worker, lease))
    except IntegrityError:
        return False


def release(attempt_id: int, worker: str, *, due_at: datetime | None = None) -> bool:
    """Claimed → planned: given back, nothing left the house."""
    fields: dict[str, Any] = {"due_at": due_at} if due_at else {}
    return _move(_owned(attempt_id, worker), STATE.PLANNED, **_FREE, **fields)


def release_all(worker: str) -> int:
    """Claimed → planned for whatever a worker did not come to."""
    rows = ContactAttempt.objects.filter(worker=worker, state=STATE.CLAIMED)
    return _move_many(rows, STATE.PLANNED, **_FREE)


def postpone(attempt_id: int, worker: str, *, due_at: datetime, local_date: date) -> bool:
    """Claimed → planned at a later slot. IntegrityError where that day is taken."""
    mine = _owned(attempt_id, worker)
    return _move(mine, STATE.PLANNED, due_at=due_at, local_date=local_date, **_FREE)


def begin_sending(attempt_id: int, worker: str, *, lease: timedelta, **fields: Any) -> bool:
    """Claimed → sending, the point of no return; only while our lease still runs."""
    mine = _owned(attempt_id, worker).filter(lease_until__gt=Now())
    return _move(mine, STATE.SENDING, sending_at=Now(), lease_until=Now() + lease, **fields)


def put_back(attempt_id: int, worker: str, *, due_at: datetime, error: str) -> bool:
    """Sending → planned: provably not taken by the other side; tried again at ``due_at``."""
    mine = _owned(attempt_id, worker)
    tries = Least(F("tries") + 1, MAX_TRIES)
    fields = {"due_at": due_at, "error": error, "tries": tries, "sending_at": None}
    return _move(mine, STATE.PLANNED, **_FREE, **fields)


def finish(attempt_id: int, worker: str, *, done_on: date, **fields: Any) -> bool:
    """Sending → sent. The late answer of a worker whose lease ran out settles the unknown."""
    mine = _owned(attempt_id, worker)
    return _move(mine, STATE.SENT, done_on=done_on, lease_until=None, error="", **fields)


def unknown(attempt_id: int, worker: str, *, error: str) -> bool:
    """Sending → unknown: it may have left. The machine never sends it again."""
    return _move(_owned(attempt_id, worker), STATE.UNKNOWN, lease_until=None, error=error)


def fail(attempt_id: int, worker: str, *, reason: str, text: str, error: str) -> bool:
    """Claimed or sending → failed: it did not leave and will not."""
    mine = _owned(attempt_id, worker)
    fields = {"reason": reason, "reason_text": text, "error": error, "lease_until": None}
    return _end(mine, STATE.FAILED, **fields)


def hold(ids: Iterable[int], held_for: HeldFor, *, text: str) -> int:
    """Planned or claimed → held, until a person or the end of the cause releases it.

    ``text`` says what is in the way; why it was planned stays on the row.
    """
    rows = ContactAttempt.objects.filter(pk__in=ids)
    return _move_many(rows, STATE.HELD, held_for=held_for, error=text, **_FREE)


def unhold(attempt_id: int, *, due_at: datetime | None, local_date: date, **fields: Any) -> bool:
    """Held → planned, with its new slot. IntegrityError where that day is taken."""
    row = ContactAttempt.objects.filter(pk=attempt_id)
    fields = {"held_for": "", "error": "", **fields}
    return _move(row.filter(state=STATE.HELD), STATE.PLANNED, due_at=due_at,
                 local_date=local_date, **fields)  # fmt: skip


def unhold_many(ids: Iterable[int], **fields: Any) -> int:
    """Held → planned at the slot they had; the gate moves what comes outside its window."""
    rows = ContactAttempt.objects.filter(pk__in=ids, state=STATE.HELD)
    return _move_many(rows, STATE.PLANNED, held_for="", error="", **fields)


def cancel(attempt_id: int, *, reason: str, text: str, **fields: Any) -> bool:
    """Planned, claimed or held → cancelled; the step may be planned again."""
    row = ContactAttempt.objects.filter(pk=attempt_id)
    fields = {"reason": reason, "reason_text": text, "held_for": "", **_FREE, **fields}
    return _end(row, STATE.CANCELLED, **fields)


def skip(attempt_id: int, *, reason: str, text: str, done_on: date) -> bool:
    """Planned or held → skipped: recorded instead of done, so the ladder goes on."""
    row = ContactAttempt.objects.filter(pk=attempt_id)
    fields = {"reason": reason, "reason_text": text, "held_for": "", "done_on": done_on}
    return _move(row, STATE.SKIPPED, **fields)


def made(attempt_id: int, *, done_on: date, at: datetime, **fields: Any) -> bool:
    """Planned → sent for what a person carries out: a call logged, a letter posted."""
    row = ContactAttempt.objects.filter(pk=attempt_id, state=STATE.PLANNED)
    row = row.exclude(channel__in=SENT_BY_MACHINE)
    return _move(row, STATE.SENT, done_on=done_on, sent_at=at, **fields)


def settle_sent(attempt_id: int, *, done_on: date, text: str, **fields: Any) -> bool:
    """Unknown → sent: the provider or a person says that it arrived."""
    row = ContactAttempt.objects.filter(pk=attempt_id, state=STATE.UNKNOWN)
    return _move(row, STATE.SENT, done_on=done_on, reason_text=text, **fields)


def settle_failed(attempt_id: int, *, reason: str, text: str) -> bool:
    """Unknown → failed: a person decided that it does not count."""
    row = ContactAttempt.objects.filter(pk=attempt_id, state=STATE.UNKNOWN)
    return _end(row, STATE.FAILED, reason=reason, reason_text=text)


def uncount(attempt_id: int) -> bool:
    """A bounce: sent stays sent, but its step is not completed (L15)."""
    rows = ContactAttempt.objects.filter(pk=attempt_id, state=STATE.SENT, live=True)
    with transaction.atomic():
        done = rows.update(live=False)
        AttemptItem.objects.filter(attempt_id=attempt_id, live=True).update(live=False)
    return bool(done)


def uncount_shadow_copies() -> Counter[int]:
    """Copies that went to ourselves reached nobody: their steps come again. Answers how many
    there were of each customer."""
    rows = ContactAttempt.objects.filter(state=STATE.SENT, shadowed=True, live=True)
    with transaction.atomic():
        customers = Counter(rows.values_list("customer_id", flat=True))
        AttemptItem.objects.filter(attempt__in=rows, live=True).update(live=False)
        rows.update(live=False)
    return customers


def void(attempt_id: int, *, reason: str, text: str) -> bool:
    """Sent → cancelled for a conversation logged by mistake: nothing ever left for it.

    It becomes a mere note: neither a contact of ours nor one of theirs.
    """
    spoken = Q(channel__in=(Channel.CALL, Channel.VISIT)) | Q(kind=AttemptKind.INBOUND)
    rows = ContactAttempt.objects.filter(spoken, pk=attempt_id, sending_at=None)
    with transaction.atomic():
        gone = rows.filter(state=STATE.SENT).update(
            state=STATE.CANCELLED, live=False, kind=AttemptKind.MANUAL, reason=reason,
            reason_text=text, done_on=None, sent_at=None, reached_on=None,
        )  # fmt: skip
        AttemptItem.objects.filter(attempt_id=attempt_id, live=True).update(live=False)
    return gone == 1


def set_back(attempt_id: int, *, found: str, **fields: Any) -> bool:
    """Where it waited before a call was logged that is taken back; never what has left.

    ``fields`` are its columns of then. IntegrityError where its place was taken since.
    """
    rows = ContactAttempt.objects.filter(pk=attempt_id, state=found, sending_at=None)
    if found == STATE.SENT:
        rows = rows.exclude(channel__in=SENT_BY_MACHINE)
    return rows.update(**fields) == 1


def expire_claims() -> list[int]:
    """Claimed past the lease → planned: the worker is gone, nothing had left."""
    over = ContactAttempt.objects.filter(_lease_is_over(), state=STATE.CLAIMED)
    back = {"tries": Least(F("tries") + 1, MAX_TRIES), **_FREE}
    ids = list(over.values_list("pk", flat=True)[:PAGE])
    return [pk for pk in ids if _move(over.filter(pk=pk), STATE.PLANNED, **back)]


def poisonous() -> list[int]:
    """Claimed past the lease as often as it takes: messages that kill their workers."""
    over = ContactAttempt.objects.filter(_lease_is_over(), state=STATE.CLAIMED, tries__gte=POISON)
    return list(over.values_list("pk", flat=True)[:PAGE])


def set_aside(attempt_id: int, *, reason: str, text: str) -> bool:
    """Claimed past the lease once too often → failed. Nothing had left."""
    rows = ContactAttempt.objects.filter(_lease_is_over(), pk=attempt_id, tries__gte=POISON)
    ended = {"reason": reason, "reason_text": text, "error": text, "lease_until": None}
    return _end(rows.filter(state=STATE.CLAIMED), STATE.FAILED, **ended)


def doubtful() -> list[int]:
    """Sending past the lease: whoever sent is gone, and nobody knows whether they left."""
    over = ContactAttempt.objects.filter(_lease_is_over(), state=STATE.SENDING)
    return list(over.values_list("pk", flat=True)[:PAGE])


def expire_sending(attempt_id: int, error: str) -> bool:
    """Sending past the lease → unknown; the worker stays on the row for its late answer."""
    rows = ContactAttempt.objects.filter(_lease_is_over(), pk=attempt_id)
    return _move(rows, STATE.UNKNOWN, lease_until=None, error=error)


_FREE: dict[str, Any] = {"worker": "", "lease_until": None}


def _owned(attempt_id: int, worker: str) -> QuerySet[ContactAttempt]:
    return ContactAttempt.objects.filter(pk=attempt_id, worker=worker)


def _lease_is_over() -> Q:
    """It ran out; or it ends later than any lease given now could: the database's clock was
    set back, and nobody should wait until it has caught up. Fencing makes both harmless."""
    longest = timedelta(seconds=2 * settings.SEND_LEASE_SECONDS)
    return Q(lease_until__lte=Now()) | Q(lease_until__gt=Now() + longest)


def _move(rows: QuerySet[ContactAttempt], target: str, **fields: Any) -> bool:
    return _move_many(rows, target, **fields) == 1


def _move_many(rows: QuerySet[ContactAttempt], target: str, **fields: Any) -> int:
    return rows.filter(Q(state__in=LEGAL[target])).update(state=target, **fields)


def _end(rows: QuerySet[ContactAttempt], target: str, **fields: Any) -> bool:
    """A move to an end that does not count: `live` goes with it, on the items too."""
    with transaction.atomic():
        pk = rows.values_list("pk", flat=True).first()
        if not _move(rows, target, live=False, **fields):
            return False
        AttemptItem.objects.filter(attempt_id=pk, live=True).update(live=False)
    return True
