"""What people decide about attempts: approve, decline, cancel, release, settle.

Each takes the customer's lock, makes one legal move, leaves an event and wakes the next
run. A `ServiceError` is a sentence for the person who asked.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import StrEnum

from django.db import IntegrityError, transaction

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.staff.models import Company, Role, User
from customers.services import lock_customer, touch
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    TaskKind,
)
from dunning.outbox import desk, moves
from dunning.outbox.calendars import customer_calendar, our_calendar
from dunning.outbox.copies import copy_of
from dunning.outbox.handover import place
from dunning.outbox.planning import counts_for_the_day, dedupe_key, taken_days
from dunning.outbox.slots import SendTimes, Slot, next_slot, zone_of

DECLINED = "declined"
PAGE = 500


class NextMove(StrEnum):
    """What happens instead of a declined step (rule 6)."""

    AGAIN = "again"
    PLAN = "plan"
    CALL = "call"
    CREDIT_REPORT = "credit_report"
    WRITE_OFF = "write_off"
    OWNER_VISIT = "owner_visit"


NEXT_MOVES: dict[NextMove, tuple[TaskKind, str]] = {
    NextMove.AGAIN: (TaskKind.DECIDE, "Look at it again"),
    NextMove.PLAN: (TaskKind.AGREE_PLAN, "Agree a payment plan"),
    NextMove.CALL: (TaskKind.CALL_BACK, "Call the customer"),
    NextMove.CREDIT_REPORT: (TaskKind.DECIDE, "Report to the credit bureau"),
    NextMove.WRITE_OFF: (TaskKind.DECIDE, "Write it off"),
    NextMove.OWNER_VISIT: (TaskKind.OWNER_DECIDES, "Visit the customer"),
}


class Settlement(StrEnum):
    """What a person decides about an unknown delivery (DELIVERY §3.3)."""

    ARRIVED = "arrived"
    SEND_AGAIN = "send_again"
    DROP = "drop"


@contextmanager
def _locked(attempt_id: int) -> Iterator[ContactAttempt]:
    """The attempt as it is now, under its customer's lock; the next run looks again."""
    with transaction.atomic():
        customer_id = ContactAttempt.objects.values_list("customer_id", flat=True).get(
            pk=attempt_id
        )
        lock_customer(customer_id)
        yield ContactAttempt.objects.select_related("customer").get(pk=attempt_id)
        touch(customer_id)


def approve(attempt_id: int, *, actor: Actor, now: datetime | None = None) -> ContactAttempt:
    """Let a held severe step go on: a mail gets its slot, a letter can be printed, a
    hand-over is placed. Four eyes apply while there are two approvers (rule 6)."""
    now = now or clock.now()
    with _locked(attempt_id) as attempt:
        if attempt.state != AttemptState.HELD or attempt.held_for != HeldFor.APPROVAL:
            raise ServiceError("This step does not wait for approval any more.")
        alone = _check_approver(attempt, actor)
        let_go(attempt, now, approved_by_id=actor.id, approved_at=now)
        own = " (their own, as the only approver)" if alone else ""
        desk.tell(attempt, "attempt.approved", f"{_what(attempt)} approved{own}", actor=actor)
        if attempt.channel == Channel.HANDOVER:
            place(attempt, today=clock.today(Company.load().time_zone), now=now)
    return attempt


def _check_approver(attempt: ContactAttempt, actor: Actor) -> bool:
    """True where a sole approver approves their own work; ServiceError where that is refused."""
    user = User.objects.filter(pk=actor.id or 0).first()
    if user is None or not user.may_approve:
        raise ServiceError("Only a manager or an admin can approve this.")
    if user.pk not in {attempt.created_by_id, attempt.edited_by_id}:
        return False
    roles = (Role.MANAGER, Role.ADMIN)
    others = User.objects.filter(is_active=True, role__in=roles).exclude(pk=user.pk)
    if others.exists():
        raise ServiceError("You wrote or edited this one; another approver has to look at it.")
    return True


def decline(
    attempt_id: int,
    *,
    actor: Actor,
    reason: str,
    next_move: NextMove | str,
    again_on: date | None = None,
    today: date | None = None,
) -> ContactAttempt:
    """Refuse a step that waits for approval; what happens instead must be said (rule 6)."""
    move, today = NextMove(next_move), today or clock.today()
    if not reason.strip():
        raise ServiceError("Say why it is declined.")
    if move is NextMove.AGAIN and (again_on is None or again_on <= today):
        raise ServiceError("Choose a later day on which it comes up again.")
    with _locked(attempt_id) as attempt:
        text = f"Declined: {reason.strip()}"[:300]
        held = attempt.held_for == HeldFor.APPROVAL
        if not held or not moves.cancel(attempt_id, reason=DECLINED, text=text, again_on=again_on):
            raise ServiceError("This step does not wait for approval any more.")
        kind, title = NEXT_MOVES[move]
        if move is not NextMove.AGAIN:
            desk.ask(attempt, kind, f"{title}: {reason.strip()}", due_on=today)
        values = {"next_move": move, "again_on": again_on}
        desk.tell(attempt, "attempt.declined", f"{_what(attempt)}: {text}", actor=actor,
                  values=values)  # fmt: skip
        attempt.refresh_from_db()
    return attempt


def cancel(attempt_id: int, *, actor: Actor, reason: str) -> ContactAttempt:
    """Take a waiting message or call out; the policy decides anew. Too late once it is sending."""
    if not reason.strip():
        raise ServiceError("Say why it is cancelled.")
    with _locked(attempt_id) as attempt:
        if not moves.cancel(attempt_id, reason="by_staff", text=reason.strip()[:300]):
            raise ServiceError(_too_late(attempt))
        desk.tell(attempt, "attempt.cancelled", f"{_what(attempt)} cancelled: {reason}",
                  actor=actor)  # fmt: skip
        attempt.refresh_from_db()
    return attempt


def skip(attempt_id: int, *, actor: Actor, reason: str, today: date) -> ContactAttempt:
    """Leave a step out for good, with the reason; needs the right to approve (L28)."""
    if not reason.strip():
        raise ServiceError("Say why the step is skipped.")
    user = User.objects.filter(pk=actor.id or 0).first()
    if user is None or not user.may_approve:
        raise ServiceError("Only a manager or an admin can skip a step.")
    with _locked(attempt_id) as attempt:
        text = reason.strip()[:300]
        if not moves.skip(attempt_id, reason="by_staff", text=text, done_on=today):
            raise ServiceError(_too_late(attempt))
        desk.tell(attempt, "attempt.skipped", f"{_what(attempt)} skipped: {text}", actor=actor)
        attempt.refresh_from_db()
    return attempt


def release_held(attempt_id: int, *, actor: Actor, now: datetime | None = None) -> ContactAttempt:
    """Let a held message go (storm, stale data, pause); it gets the next free slot."""
    now = now or clock.now()
    with _locked(attempt_id) as attempt:
        if attempt.state != AttemptState.HELD:
            raise ServiceError("This message is not held any more.")
        if attempt.held_for == HeldFor.APPROVAL:
            raise ServiceError("This step needs an approval, not a release.")
        let_go(attempt, now, approved_by_id=actor.id, approved_at=now)
        desk.tell(attempt, "attempt.released", f"{_what(attempt)} released", actor=actor)
    return attempt


def release_storm(*, actor: Actor, now: datetime | None = None) -> int:
    """The one button of the storm guard: let everything go that it held; answers how many.

    They keep their slots; what comes outside the window is moved when it is looked at.
    """
    now = now or clock.now()
    held = ContactAttempt.objects.filter(state=AttemptState.HELD, held_for=HeldFor.STORM)
    released = 0
    while ids := list(held.order_by("id").values_list("pk", flat=True)[:PAGE]):
        released += _release_page(ids, actor, now)
    if released:
        desk.tell_all("sending.released", f"{released} messages released", actor=actor)
    return released


def _release_page(ids: list[int], actor: Actor, now: datetime) -> int:
    by = {"approved_by_id": actor.id, "approved_at": now}
    try:
        with transaction.atomic():
            return moves.unhold_many(ids, **by)
    except IntegrityError:  # a day of somebody was taken meanwhile: each gets its own slot
        for attempt_id in ids:
            release_held(attempt_id, actor=actor, now=now)
        return len(ids)


def settle_unknown(
    attempt_id: int, how: Settlement | str, *, actor: Actor, now: datetime | None = None
) -> ContactAttempt:
    """Decide about a message that may have left: it arrived, send it again, or drop it.

    Sending again makes a new attempt; answers that one.
    """
    how, now = Settlement(how), now or clock.now()
    with _locked(attempt_id) as attempt:
        if not _settle(attempt, how):
            raise ServiceError("This delivery is settled already.")
        words = {
            Settlement.ARRIVED: "it arrived",
            Settlement.SEND_AGAIN: "send it again",
            Settlement.DROP: "drop it",
        }[how]
        summary = f"{_what(attempt)} was unknown; decided: {words}"
        desk.tell(attempt, "attempt.settled", summary, actor=actor, values={"how": how})
        desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=actor, at=now)
        if how is Settlement.SEND_AGAIN:
            return copy_of(attempt, actor=actor, now=now)
        attempt.refresh_from_db()
    return attempt


def _settle(attempt: ContactAttempt, how: Settlement) -> bool:
    if how is Settlement.ARRIVED:
        text = "A person confirmed that it arrived."
        return moves.settle_sent(
            attempt.pk, done_on=attempt.local_date, text=text, **_identity(attempt)
        )
    again = how is Settlement.SEND_AGAIN
    reason, text = (
        ("sent_again", "A person had it sent again.")
        if again
        else ("dropped", "A person dropped it.")
    )
    return moves.settle_failed(attempt.pk, reason=reason, text=text)


def _identity(attempt: ContactAttempt) -> dict[str, str]:
    """A sent e-mail has a Message-ID; a crash may have come before it was noted."""
    return {"message_id": attempt.message_id or f"<attempt.{attempt.uuid}@unknown>"}


def let_go(attempt: ContactAttempt, now: datetime, **fields: object) -> None:
    """Held → planned into the next free slot of the customer; call it under the lock."""
    company = Company.load()
    for _ in range(3):
        slot = free_slot(attempt, company, now)
        attempt.local_date = slot.local_date
        try:
            with transaction.atomic():
                done = moves.unhold(
                    attempt.pk,
                    due_at=slot.due_at if attempt.channel in moves.SENT_BY_MACHINE else None,
                    local_date=slot.local_date,
                    dedupe_key=f"{dedupe_key(attempt)}:{uuid.uuid4().hex[:8]}",
                    **fields,
                )
        except IntegrityError:  # somebody took that day meanwhile
            continue
        if not done:
            raise ServiceError("This message is not held any more.")
        attempt.refresh_from_db()
        return
    raise ServiceError("No free day was found; try again.")


def free_slot(attempt: ContactAttempt, company: Company, now: datetime) -> Slot:
    """The next slot of an attempt, on a day without another automatic message."""
    times, internal = SendTimes.of(company), attempt.channel == Channel.INTERNAL
    zone = zone_of(times, "" if internal else attempt.customer.time_zone)
    today = now.astimezone(zone).date()
    capped = counts_for_the_day(attempt)
    days = taken_days(attempt.customer_id, attempt.channel, today) if capped else set()
    calendar = our_calendar(company) if internal else customer_calendar(attempt.customer)
    return next_slot(times, zone=zone, calendar=calendar, now=now, taken=days)


def _what(attempt: ContactAttempt) -> str:
    return f"{attempt.get_channel_display()} ({attempt.get_tone_display().lower()})"


def _too_late(attempt: ContactAttempt) -> str:
    if attempt.state in (AttemptState.SENDING, AttemptState.SENT):
        return "Too late: it is on its way already."
    return f"It is {attempt.get_state_display().lower()} already."
