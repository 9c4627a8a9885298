"""Writing intended contacts into the outbox: each step once, whoever plans (DELIVERY §3.4, §3.5).

Constraints decide, not code: a row that exists already is passed over silently, an attempt
whose step somebody else planned meanwhile is taken back whole.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, QuerySet

from arfollow.shared import events, faults
from arfollow.shared.events import SYSTEM, Actor, Entry
from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
)
from dunning.outbox import instance
from dunning.outbox.slots import SendTimes, next_slot, zone_of

CAPPED = (Channel.EMAIL, Channel.LETTER)
FREE_STATES = (AttemptState.CANCELLED, AttemptState.SKIPPED, AttemptState.HELD)
TIMED = (Channel.EMAIL, Channel.INTERNAL)
BATCH = 500

Taken = dict[tuple[int, str], set[date]]


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsaved attempt with its unsaved items and recipients.

    ``attempt.customer`` must be loaded. ``calendar`` is the one its slot follows: the
    customer's, ours for an internal notice. A `due_at` that is set already stays.
    """

    attempt: ContactAttempt
    items: Sequence[AttemptItem] = ()
    recipients: Sequence[AttemptRecipient] = ()
    calendar: Calendar = Calendar()


def plan(
    drafts: Iterable[Draft], *, now: datetime, company: Company, actor: Actor = SYSTEM
) -> list[ContactAttempt]:
    """Store the drafts in one transaction; answers those that were really new.

    Needs approval → held. E-mails and internal notices get their slot, on a day that is
    free for that customer and channel (D10). Skipped records are stored as they are.
    """
    drafts = list(drafts)
    if not drafts:
        return []
    instance.adopt_if_new()
    taken, times = _taken_days(drafts), SendTimes.of(company)
    for draft in drafts:
        _prepare(draft, taken, times, now)
    with transaction.atomic():
        stored = _store(drafts)
        events.record_many((_entry(attempt) for attempt in stored), actor=actor)
        faults.point("C0")
    faults.point("C1")
    return stored


def dedupe_key(attempt: ContactAttempt) -> str:
    """One live message per customer, channel, purpose and day; records of skips stand apart."""
    if attempt.state == AttemptState.SKIPPED:
        return f"skip:{attempt.uuid}"
    what = "dun" if attempt.kind == AttemptKind.LADDER else attempt.kind
    whom = str(attempt.customer_id)
    if attempt.kind == AttemptKind.PROMISE_FOLLOW_UP and attempt.promise_id:
        whom = f"{whom}:{attempt.promise_id}"
    return f"{what}:{whom}:{attempt.channel}:{attempt.local_date:%Y-%m-%d}"


def counts_for_the_day(attempt: ContactAttempt) -> bool:
    """Whether the daily cap holds for it (automatic, to the customer, written)."""
    return (
        attempt.automatic
        and attempt.customer_facing
        and not attempt.exempt
        and attempt.channel in CAPPED
    )


def taken_days(customer_id: int, channel: str, since: date, *, but: int = 0) -> set[date]:
    """Days on which the customer already gets an automatic message on this channel.

    ``but`` leaves one attempt out of account: the one that looks for a day.
    """
    rows = _capped().filter(customer_id=customer_id, channel=channel, local_date__gte=since)
    return set(rows.exclude(pk=but).values_list("local_date", flat=True))


def _capped() -> QuerySet[ContactAttempt]:
    rows = ContactAttempt.objects.filter(
        automatic=True, customer_facing=True, exempt=False, channel__in=CAPPED
    )
    return rows.exclude(state__in=FREE_STATES)


def _taken_days(drafts: Sequence[Draft]) -> Taken:
    customers = {draft.attempt.customer_id for draft in drafts}
    since = min(draft.attempt.planned_on for draft in drafts)
    taken: Taken = defaultdict(set)
    ordered = sorted(customers)
    for start in range(0, len(ordered), BATCH):
        rows = _capped().filter(customer__in=ordered[start : start + BATCH], local_date__gte=since)
        for customer, channel, day in rows.values_list("customer_id", "channel", "local_date"):
            taken[customer, channel].add(day)
    return taken


def _prepare(draft: Draft, taken: Taken, times: SendTimes, now: datetime) -> None:
    attempt = draft.attempt
    attempt.local_date = attempt.local_date or attempt.planned_on
    if attempt.state == AttemptState.PLANNED:
        if attempt.needs_approval:
            attempt.state, attempt.held_for = AttemptState.HELD, HeldFor.APPROVAL
        else:
            _place(draft, taken, times, now)
    attempt.dedupe_key = attempt.dedupe_key or dedupe_key(attempt)


def _place(draft: Draft, taken: Taken, times: SendTimes, now: datetime) -> None:
    """Its slot, and with it the customer's date that the daily cap counts."""
    attempt = draft.attempt
    capped = counts_for_the_day(attempt)
    days = taken[attempt.customer_id, attempt.channel] if capped else set()
    if attempt.channel in TIMED and attempt.due_at is None:
        own = attempt.channel == Channel.INTERNAL
        slot = next_slot(
            times,
            zone=zone_of(times, "" if own else attempt.customer.time_zone),
            calendar=draft.calendar,
            now=now,
            not_before=attempt.planned_on,
            taken=days,
        )
        attempt.due_at, attempt.local_date = slot
    while attempt.local_date in days:
        attempt.local_date = draft.calendar.add(attempt.local_date, 1)
    if capped:
        days.add(attempt.local_date)


def _store(drafts: Sequence[Draft]) -> list[ContactAttempt]:
    """Insert; whoever lost a race for a step or a day is taken back."""
    ContactAttempt.objects.bulk_create(
        [draft.attempt for draft in drafts], ignore_conflicts=True, batch_size=BATCH
    )
    ids = _ids(drafts)
    fresh = [draft for draft in drafts if draft.attempt.uuid in ids]
    for draft in fresh:
        _attach(draft, ids[draft.attempt.uuid])
    items = [item for draft in fresh for item in draft.items]
    AttemptItem.objects.bulk_create(items, ignore_conflicts=True, batch_size=BATCH)
    AttemptRecipient.objects.bulk_create(
        [recipient for draft in fresh for recipient in draft.recipients],
        ignore_conflicts=True,
        batch_size=BATCH,
    )
    return _without_losers(fresh)


def _ids(drafts: Sequence[Draft]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    uuids = [draft.attempt.uuid for draft in drafts]
    for start in range(0, len(uuids), BATCH):
        rows = ContactAttempt.objects.filter(uuid__in=uuids[start : start + BATCH])
        found.update(rows.values_list("uuid", "pk"))
    return found


def _attach(draft: Draft, pk: int) -> None:
    draft.attempt.pk = pk
    draft.attempt._state.adding = False
    for item in draft.items:
        item.attempt_id = pk
    for recipient in draft.recipients:
        recipient.attempt_id = pk


def _without_losers(drafts: Sequence[Draft]) -> list[ContactAttempt]:
    wanted = Counter(draft.attempt.pk for draft in drafts for i in draft.items if i.completes)
    there: dict[int, int] = {}
    ids = list(wanted)
    for start in range(0, len(ids), BATCH):
        rows = AttemptItem.objects.filter(attempt__in=ids[start : start + BATCH], completes=True)
        there.update(rows.values("attempt").annotate(n=Count("pk")).values_list("attempt", "n"))
    lost = {pk for pk, count in wanted.items() if there.get(pk, 0) < count}
    if lost:
        ContactAttempt.objects.filter(pk__in=lost).delete()
    return [draft.attempt for draft in drafts if draft.attempt.pk not in lost]


def _entry(attempt: ContactAttempt) -> Entry:
    what = attempt.get_channel_display()
    when = f"{attempt.local_date:%d %b %Y}"
    verb, words = {
        AttemptState.SKIPPED: ("attempt.skipped", f"{what} not made: {attempt.reason_text}"),
        AttemptState.HELD: ("attempt.held", f"{what} waits for approval"),
    }.get(AttemptState(attempt.state), ("attempt.planned", f"{what} planned for {when}"))
    values = {"channel": attempt.channel, "tone": attempt.tone, "step": attempt.step_key}
    return Entry(verb, "attempt", attempt.pk, words, attempt.customer_id, values)
