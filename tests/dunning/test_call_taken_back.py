"""Undo for a minute: a logged call is taken back whole, or refused with the reason."""

import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.shared.models import Event
from customers.models import Contact, Customer
from customers.services import save_contact
from dunning.facts import lay_ground, load_cases
from dunning.models import (
    AttemptState,
    CallOutcome,
    CallRecord,
    Channel,
    ContactAttempt,
    Hold,
    PaymentPlan,
    Promise,
    Task,
)
from dunning.outbox import moves
from dunning.outcomes import (
    Answer,
    add_answer,
    agree_plan,
    finish_task,
    last_logged,
    outcomes_of,
    take_back,
)
from dunning.policy import CustomerFacts, ItemKey, State
from invoices.models import Dispute
from tests import make, outbox
from tests.dunning.calling import MONDAY, MORNING, Line, at, planned_call, ring

pytestmark = pytest.mark.django_db
SOON = MORNING + timedelta(seconds=40)

NEEDS: dict[CallOutcome, dict[str, Any]] = {
    CallOutcome.CALL_BACK: {"at": at(MONDAY + timedelta(days=1))},
    CallOutcome.PROMISE: {"on": MONDAY + timedelta(days=4)},
    CallOutcome.WAITING_APPROVAL: {"on": MONDAY + timedelta(days=4)},
    CallOutcome.PAYMENT_RUN: {"on": MONDAY + timedelta(days=4)},
    CallOutcome.WRONG_PERSON: {"person": "Ann Lee", "email": "ann@example.test"},
    CallOutcome.CANNOT_PAY: {"reason": "Bank account blocked"},
    CallOutcome.VOICEMAIL: {"send_email": True},
}


def said(line: Line, outcome: CallOutcome) -> dict[str, Any]:
    """What the outcome needs to know."""
    if outcome == CallOutcome.DISPUTES:
        return {"items": (ItemKey(line.older.pk),), "reason": "price"}
    return NEEDS.get(outcome, {})


def undo(line: Line, call: ContactAttempt) -> ContactAttempt:
    return take_back(call.pk, actor=line.actor, now=SOON)


def facts(line: Line) -> CustomerFacts:
    """All that a run would know of the customer, but for notes that count for nothing."""
    customer = Customer.objects.get(pk=line.customer.pk)
    found = load_cases([customer], MONDAY, lay_ground())[0].facts
    kept = tuple(c for c in found.history if c.state is not State.CANCELLED)
    items = tuple(
        replace(item, history=tuple(h for h in item.history if h.state is not State.CANCELLED))
        for item in found.items
    )
    return replace(found, history=kept, items=items)


def left_behind() -> tuple[int, ...]:
    kinds = (Promise, Hold, PaymentPlan, Dispute, Task, Contact, CallRecord)
    return tuple(kind._default_manager.count() for kind in kinds)


@pytest.mark.sqlite  # the same deeds are undone on both databases below
@pytest.mark.parametrize("outcome", [row.outcome for row in outcomes_of(Channel.CALL)])
def test_taking_a_planned_call_back_leaves_everything_as_it_was(outcome: CallOutcome) -> None:
    line = ring()
    planned, mail = planned_call(line), outbox.queued(line.customer, line.newer)
    before, counts = facts(line), left_behind()
    call = line.call(outcome, attempt=planned, **said(line, outcome))
    assert left_behind() != counts
    undo(line, call)
    assert left_behind() == counts
    assert facts(line) == before
    for attempt in (planned, mail):
        due, attempt_items = attempt.due_at, attempt.items.count()
        attempt.refresh_from_db()
        assert attempt.state == AttemptState.PLANNED
        assert attempt.live
        assert attempt.due_at == due
        assert attempt.items.filter(live=True, outcome="").count() == attempt_items


@pytest.mark.parametrize("outcome", [row.outcome for row in outcomes_of(Channel.CALL)])
def test_taking_an_unplanned_call_back_leaves_only_a_note(outcome: CallOutcome) -> None:
    line = ring()
    before, counts = facts(line), left_behind()
    call = undo(line, line.call(outcome, **said(line, outcome)))
    assert left_behind() == counts
    assert facts(line) == before
    assert call.state == AttemptState.CANCELLED
    assert not call.live
    line.older.refresh_from_db()
    assert line.older.disputed_amount == 0
    waiting = ContactAttempt.objects.filter(state__in=[AttemptState.PLANNED, AttemptState.HELD])
    assert not waiting.exists()


def test_a_call_of_theirs_gives_our_planned_call_back() -> None:
    line = ring()
    planned = planned_call(line)
    before = facts(line)
    call = line.call(CallOutcome.SAYS_PAID, call_direction="in")
    planned.refresh_from_db()
    assert planned.state == AttemptState.SKIPPED
    undo(line, call)
    planned.refresh_from_db()
    assert planned.state == AttemptState.PLANNED
    assert planned.done_on is None
    assert facts(line) == before


def test_both_the_call_and_its_taking_back_stand_in_the_events() -> None:
    line = ring()
    call = line.call(CallOutcome.PROMISE, on=MONDAY + timedelta(days=4))
    undo(line, call)
    told = Event.objects.filter(customer_id=line.customer.pk).order_by("pk")
    verbs = list(told.values_list("verb", flat=True))
    assert verbs.index("call.logged") < verbs.index("call.undone")
    undone = told.get(verb="call.undone")
    assert undone.actor_id == line.caller.pk
    assert any("promise" in each for each in undone.data.values["taken_back"])


def test_a_try_in_vain_that_is_taken_back_is_no_try() -> None:
    line = ring()
    planned = planned_call(line)
    undo(line, line.call(CallOutcome.NO_ANSWER, attempt=planned))
    for hour in (11, 15):
        line.call(CallOutcome.NO_ANSWER, attempt=planned, now=at(MONDAY, hour))
    line.call(CallOutcome.NO_ANSWER, attempt=planned, now=at(MONDAY + timedelta(days=1)))
    planned.refresh_from_db()
    assert planned.state == AttemptState.SENT


def test_a_call_back_that_was_kept_by_mistake_waits_again() -> None:
    line = ring()
    line.call(CallOutcome.CALL_BACK, at=at(MONDAY + timedelta(days=1)))
    task = line.tasks()["call_back"]
    later = at(MONDAY + timedelta(days=1), 11)
    kept = line.call(CallOutcome.REFUSES, call_task_id=task.pk, now=later)
    take_back(kept.pk, actor=line.actor, now=later + timedelta(seconds=5))
    task.refresh_from_db()
    assert task.status == "open"
    assert task.done_at is None
    assert task.result == ""


def test_different_outcomes_of_one_call_are_taken_back_together() -> None:
    line = ring()
    before, counts = facts(line), left_behind()
    call = line.call(
        CallOutcome.PROMISE, items=(ItemKey(line.older.pk),), on=MONDAY + timedelta(days=4)
    )
    more = Answer(CallOutcome.DISPUTES, items=(ItemKey(line.newer.pk),), reason="price")
    add_answer(call.pk, more, actor=line.actor, now=SOON, token=uuid.uuid4())
    undo(line, call)
    assert left_behind() == counts
    assert facts(line) == before


def test_one_more_outcome_sent_twice_is_added_once() -> None:
    line, token = ring(), uuid.uuid4()
    call = line.call(
        CallOutcome.PROMISE, items=(ItemKey(line.older.pk),), on=MONDAY + timedelta(days=4)
    )
    more = Answer(CallOutcome.ASKS_PLAN, items=(ItemKey(line.newer.pk),))
    for _ in range(2):
        add_answer(call.pk, more, actor=line.actor, now=SOON, token=token)
    assert PaymentPlan.objects.count() == 1


def test_the_same_form_can_be_saved_once_more_after_it_was_taken_back() -> None:
    line, token = ring(), uuid.uuid4()
    first = line.call(CallOutcome.REFUSES, call_token=token)
    undo(line, first)
    again = line.call(CallOutcome.SAYS_PAID, call_token=token)
    assert again.pk != first.pk
    assert CallRecord.objects.get().outcome == CallOutcome.SAYS_PAID


def test_after_the_minute_it_is_too_late() -> None:
    line = ring()
    call = line.call(CallOutcome.SAYS_PAID)
    late = MORNING + timedelta(seconds=60)
    assert last_logged(line.caller.pk, now=SOON) is not None
    assert last_logged(line.caller.pk, now=late) is None
    with pytest.raises(ServiceError, match="minute is over"):
        take_back(call.pk, actor=line.actor, now=late)
    assert Hold.objects.exists()


def test_nobody_takes_back_what_somebody_else_logged() -> None:
    line = ring()
    call = line.call(CallOutcome.SAYS_PAID)
    with pytest.raises(ServiceError, match="Only who logged"):
        take_back(call.pk, actor=actor_of(make.user("manager")), now=SOON)


def test_it_is_taken_back_once() -> None:
    line = ring()
    call = line.call(CallOutcome.SAYS_PAID)
    undo(line, call)
    with pytest.raises(ServiceError, match="already"):
        undo(line, call)


@pytest.mark.parametrize("state", ["sending", "sent", "unknown"])
def test_what_has_left_because_of_it_cannot_be_taken_back(state: str) -> None:
    line = ring()
    call = line.call(CallOutcome.NOT_RECEIVED)
    copy = ContactAttempt.objects.filter(kind="resend")
    moves.claim("w", now=MORNING + timedelta(minutes=2), lease=timedelta(minutes=5))
    moves.begin_sending(copy.get().pk, "w", lease=timedelta(minutes=5), message_id="<a@b>")
    if state == "sent":
        moves.finish(copy.get().pk, "w", done_on=MONDAY, sent_at=MORNING)
    elif state == "unknown":
        moves.unknown(copy.get().pk, "w", error="timed out")
    with pytest.raises(ServiceError, match="e-mail that followed from it has left"):
        undo(line, call)
    assert copy.get().state == state
    assert Hold.objects.filter(released_on=None).exists()
    assert CallRecord.objects.exists()


def test_a_copy_waits_until_the_call_cannot_be_taken_back_any_more() -> None:
    line = ring()
    call = line.call(CallOutcome.NOT_RECEIVED)
    copy = ContactAttempt.objects.get(kind="resend")
    assert copy.due_at == MORNING + timedelta(minutes=1)
    assert moves.claim("w", now=SOON, lease=timedelta(minutes=5)) == []
    undo(line, call)
    copy.refresh_from_db()
    assert copy.state == AttemptState.CANCELLED


def test_what_somebody_changed_since_is_not_taken_back_and_nothing_else_either() -> None:
    line = ring()
    call = line.call(CallOutcome.SAYS_PAID)
    task = line.tasks()["ask_remittance"]
    finish_task(task.pk, actor=line.actor, result="Got it")
    counts = left_behind()
    with pytest.raises(ServiceError, match="task was changed since"):
        undo(line, call)
    assert left_behind() == counts


def test_a_plan_that_was_agreed_meanwhile_stays() -> None:
    line = ring()
    call = line.call(CallOutcome.ASKS_PLAN)
    agree_plan(PaymentPlan.objects.get().pk, on=MONDAY, actor=line.actor)
    with pytest.raises(ServiceError, match="was changed since"):
        undo(line, call)


def test_a_contact_that_a_colleague_corrected_meanwhile_stays() -> None:
    line = ring()
    call = line.call(CallOutcome.WRONG_NUMBER)
    save_contact(
        line.customer.pk, actor=line.actor, contact_id=line.contact.pk, phone="+1 207 555 0123"
    )
    with pytest.raises(ServiceError, match="contact was changed since"):
        undo(line, call)


def test_a_payment_in_between_does_not_stand_in_the_way() -> None:
    line = ring()
    call = line.call(CallOutcome.SAYS_PAID)
    make.payment(line.customer, "400.00", MONDAY, line.older)
    undo(line, call)
    line.older.refresh_from_db()
    assert line.older.open_amount == Decimal(0)
    assert not Hold.objects.exists()


def test_a_new_plan_for_the_same_step_makes_it_too_late() -> None:
    line = ring()
    planned = planned_call(line, channel="visit")
    call = line.call(CallOutcome.INSOLVENT)
    planned_call(line, channel="visit")
    with pytest.raises(ServiceError, match="planned meanwhile"):
        undo(line, call)
    planned.refresh_from_db()
    assert planned.state == AttemptState.CANCELLED
