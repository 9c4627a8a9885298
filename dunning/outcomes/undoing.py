"""Taking a logged call back within the minute: everything it changed, or nothing."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from customers.services import lock_customer, touch
from dunning.models import AttemptItem, AttemptState, CallRecord, ContactAttempt
from dunning.outbox import moves
from dunning.outcomes.notes import leave_event
from dunning.outcomes.trail import BY_NAME, UNDO, WATCHED, Watched, values_now
from invoices.services import withdraw_dispute

TAKEN_BACK = "taken_back"
TEXT = "Logged by mistake and taken back at once."
GONE = (AttemptState.SENDING, AttemptState.SENT, AttemptState.UNKNOWN)


def undo_until(record: CallRecord) -> datetime | None:
    """The end of the minute in which it can be taken back; None where it left no trail."""
    return _logged_at(record) + UNDO if record.trail else None


def _logged_at(record: CallRecord) -> datetime:
    return datetime.fromisoformat(record.trail[-1]["at"])


def last_logged(user_id: int, *, now: datetime) -> CallRecord | None:
    """The call that this person logged last, while it can be taken back."""
    rows = CallRecord.objects.filter(by=user_id, at__gt=now - 2 * UNDO, at__lte=now)
    record = rows.select_related("attempt__customer").order_by("-at", "-pk").first()
    until = undo_until(record) if record else None
    return record if until and now < until else None


def take_back(attempt_id: int, *, actor: Actor, now: datetime) -> ContactAttempt:
    """Undo a logged call with all its outcomes, in one transaction.

    ServiceError where the minute is over, it was somebody else's call, or something that
    follows from it has left or was changed since; nothing is undone then.
    """
    try:
        with transaction.atomic():
            record = _record(attempt_id, actor, now)
            attempt = record.attempt
            _tell(record, _undo(record), actor)
            record.delete()
            touch(attempt.customer_id)
    except IntegrityError as error:
        raise ServiceError(
            "The next step was planned meanwhile; it cannot be taken back any more."
        ) from error
    attempt.refresh_from_db()
    return attempt


def _record(attempt_id: int, actor: Actor, now: datetime) -> CallRecord:
    rows = CallRecord.objects.select_related("attempt")
    found = rows.filter(pk=attempt_id).first()
    if found is not None:
        lock_customer(found.attempt.customer_id)
        found = rows.filter(pk=attempt_id).first()
    if found is None:
        raise ServiceError("This call was taken back already.")
    if found.by_id != actor.id:
        raise ServiceError("Only who logged the call can take it back.")
    until = undo_until(found)
    if until is None or now >= until:
        raise ServiceError("The minute is over. Change what is wrong on the customer's page.")
    return found


def _undo(record: CallRecord) -> list[str]:
    """Newest step first; answers what was taken back, in words."""
    undone: list[str] = []
    for step in reversed(record.trail):
        _check(step, record.attempt_id)
        undone += _remove(step, record.attempt_id)
        _put_back(step)
    return undone


# --- is everything still as the call left it? -------------------------------------------------


def _check(step: Mapping[str, Any], own_id: int) -> None:
    for watched in WATCHED:
        changed = {pk: pair[1] for pk, pair in step["changed"].get(watched.name, {}).items()}
        new = step["new"].get(watched.name, {})
        wanted = changed | (new if watched.name not in ("attempt", "item") else {})
        rows = values_now(watched, [int(pk) for pk in wanted])
        for pk, values in wanted.items():
            _check_row(watched, rows.get(int(pk)), values)
    new_attempts = [int(pk) for pk in step["new"].get("attempt", {}) if int(pk) != own_id]
    gone = ContactAttempt.objects.filter(pk__in=new_attempts, state__in=GONE).first()
    if gone is not None:
        what = gone.get_channel_display().lower()
        raise ServiceError(f"Too late: the {what} that followed from it has left already.")


def _check_row(watched: Watched, row: Mapping[str, Any] | None, values: Mapping[str, Any]) -> None:
    if row is None or any(row[name] != value for name, value in values.items()):
        raise ServiceError(f"{watched.called} was changed since; nothing was taken back.")


# --- back to what it was ----------------------------------------------------------------------


def _put_back(step: Mapping[str, Any]) -> None:
    for name, rows in step["changed"].items():
        watched = BY_NAME[name]
        if name == "attempt":
            for pk, (before, after) in rows.items():
                _plan_again(int(pk), _typed(watched, before), after)
        elif name == "item":
            _items_back(rows)
        else:
            for pk, (before, _) in rows.items():
                found = watched.model._default_manager.filter(pk=int(pk))
                found.update(**_typed(watched, before))


def _plan_again(pk: int, before: dict[str, Any], after: Mapping[str, Any]) -> None:
    """A call that was made, skipped or moved waits again where it waited."""
    found = after.get("state") or ContactAttempt.objects.values_list("state", flat=True).get(pk=pk)
    if not moves.set_back(pk, found=found, **before):
        raise ServiceError("The planned contact was changed since; nothing was taken back.")


def _items_back(rows: Mapping[str, Any]) -> None:
    """Many rows share their former values: one update for each."""
    same: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for pk, (before, _) in rows.items():
        same[tuple(sorted(before.items()))].append(int(pk))
    for values, pks in same.items():
        for start in range(0, len(pks), 500):
            part = AttemptItem.objects.filter(pk__in=pks[start : start + 500])
            part.update(**dict(values))


def _typed(watched: Watched, values: Mapping[str, Any]) -> dict[str, Any]:
    fields = watched.model._meta
    return {
        name: value if value is None else fields.get_field(name).to_python(value)  # type: ignore[union-attr]  # concrete columns
        for name, value in values.items()
    }


# --- what was new -----------------------------------------------------------------------------


def _remove(step: Mapping[str, Any], own_id: int) -> list[str]:
    undone: list[str] = []
    new: Mapping[str, Any] = step["new"]
    for name in ("dispute", "plan", "promise", "hold", "task", "warning"):
        for pk in new.get(name, {}):
            undone.append(_delete(BY_NAME[name], int(pk)))
    for pk in new.get("attempt", {}):
        _end(int(pk), own_id, undone)
    added = AttemptItem.objects.filter(pk__in=[int(pk) for pk in new.get("item", {})])
    added.exclude(attempt__in=[int(pk) for pk in new.get("attempt", {})]).delete()
    for pk in new.get("contact", {}):
        undone.append(_delete(BY_NAME["contact"], int(pk)))
    return undone


def _delete(watched: Watched, pk: int) -> str:
    row = watched.model._default_manager.get(pk=pk)
    said = f"{watched.name}: {row}"
    if watched.name == "dispute":
        withdraw_dispute(pk)
    else:
        row.delete()
    return said


def _end(pk: int, own_id: int, undone: list[str]) -> None:
    if pk == own_id:
        moves.void(pk, reason=TAKEN_BACK, text=TEXT)
    elif moves.cancel(pk, reason=TAKEN_BACK, text=TEXT):
        undone.append(f"message: {pk}")


def _tell(record: CallRecord, undone: list[str], actor: Actor) -> None:
    attempt = record.attempt
    label = record.get_outcome_display().lower()
    values = {"outcome": record.outcome, "taken_back": undone, "note": record.note}
    said = f"Taken back, logged by mistake: {label}"
    leave_event("call.undone", attempt, attempt.customer_id, said, actor, values)
