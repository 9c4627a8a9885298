"""What must be true in the model after every step, and when everything has come to rest."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection

from arfollow.shared import chains
from arfollow.staff.models import Company
from dunning.dispatch.audit import audit
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    Document,
    FollowUp,
    FollowUpState,
    Task,
    TaskStatus,
)
from dunning.outbox.calendars import our_calendar
from invoices.services.check import breaches
from tests.dunning.model_world import Key, World

ENDED = {"sent", "failed", "cancelled", "skipped"}
NOBODY_SWEPT = "D2-forgotten"  # true while no sweeper ran; at rest nothing may be in flight
LATEST = timedelta(days=4)
BY_THEIR_MONEY = ("paid", "tolerance", "disputed", "covered")


def writes() -> int:
    """How much was written so far: where it stands still, nothing needs to be looked at again."""
    return int(connection.connection.total_changes)


# --- after every step ---------------------------------------------------------------------------


def after_every_step(world: World) -> Iterator[str]:
    """Everything that does not hold at this moment."""
    yield from world.wrong
    yield from _taken_twice(world)
    yield from _lost(world)
    yield from _invisible()
    for breach in audit(world.now):
        if breach.code == NOBODY_SWEPT:
            continue
        yield f"audit {breach.code}: {breach.text} {breach.attempts}"


def at_rest(world: World) -> Iterator[str]:
    """What is too slow for every step: chains, the ledger, the bytes."""
    for fault in chains.verify().faults:
        yield f"chain {fault.chain} #{fault.seq}: {fault.text}"
    for breach in breaches():
        yield f"ledger: {breach}"
    if Document.objects.filter(data=b"").exists():
        yield "a document is empty"


def _taken_twice(world: World) -> Iterator[str]:
    for attempt, times in world.taken.items():
        if times > 1:
            yield f"message {attempt} was taken {times} times"
    live = set(ContactAttempt.objects.filter(live=True).values_list("pk", flat=True))
    said: Counter[Key] = Counter()
    for one in world.departures:
        if one.taken and one.attempt in live:
            said.update(key for key in one.keys)
    for key, times in said.items():
        if times > 1:
            yield f"{key} was said {times} times"


def _lost(world: World) -> Iterator[str]:
    """Every attempt has ended, or waits for a moment, or stands where a person sees it."""
    for row in ContactAttempt.objects.exclude(state__in=ENDED):
        name = f"attempt {row.pk} ({row.channel}, {row.state})"
        machine = row.channel in (Channel.EMAIL, Channel.INTERNAL)
        if row.state == AttemptState.PLANNED and machine and row.due_at is None:
            yield f"{name} waits for no moment"
        if row.state == AttemptState.HELD and not (row.held_for and row.reason_text):
            yield f"{name} is held for nothing"
        if row.state in (AttemptState.CLAIMED, AttemptState.SENDING) and row.lease_until is None:
            yield f"{name} has no lease"
        if row.state == AttemptState.UNKNOWN and not _task(row):
            yield f"{name} is on nobody's desk"
    ended = ContactAttempt.objects.filter(state__in=["failed", "cancelled", "skipped"])
    for row in ended.filter(reason_text=""):
        yield f"attempt {row.pk} ended as {row.state} without a word"


def _task(attempt: ContactAttempt) -> bool:
    return Task.objects.filter(attempt=attempt, status=TaskStatus.OPEN).exists()


def _invisible() -> Iterator[str]:
    """A follow-up that is not closed has a reason, and a day or a person who ends it."""
    rows = FollowUp.objects.exclude(state=FollowUpState.CLOSED)
    for row in rows.select_related("customer"):
        if not row.reason or not row.reason_text:
            yield f"follow-up of {row.invoice_id} has no reason"
        if row.next_on is None and not _somebody(row):
            yield f"follow-up of {row.invoice_id} ({row.reason}) waits for nobody"


def _somebody(row: FollowUp) -> bool:
    open_tasks = Task.objects.filter(customer=row.customer, status=TaskStatus.OPEN)
    held = ContactAttempt.objects.filter(customer=row.customer, state__in=["held", "unknown"])
    elsewhere = row.reason == "placed" or bool(row.customer.legal_stop)
    by_their_money = row.reason in BY_THEIR_MONEY
    return by_their_money or elsewhere or open_tasks.exists() or held.exists()


def stuck(world: World) -> Iterator[str]:
    """Days after the last obstacle went: nothing waits past its slot, nothing is in flight."""
    for row in ContactAttempt.objects.filter(state__in=["planned", "claimed", "sending"]):
        late = row.due_at is not None and world.now - row.due_at > LATEST
        if row.channel in (Channel.EMAIL, Channel.INTERNAL) and (late or row.state != "planned"):
            yield f"attempt {row.pk} ({row.state}) is stuck since {row.due_at}"
    own = our_calendar(Company.load())
    for follow in FollowUp.objects.exclude(state=FollowUpState.CLOSED).exclude(next_on=None):
        if own.add(follow.next_on, 2) < world.today:  # type: ignore[arg-type]  # never None here
            yield f"follow-up of {follow.invoice_id} was to be looked at on {follow.next_on}"
