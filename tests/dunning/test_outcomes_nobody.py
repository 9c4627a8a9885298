"""Nobody was reached: when we try again, and when the planned call counts as made (rule 4)."""

from datetime import datetime, timedelta

import pytest

from arfollow.shared.errors import ServiceError
from customers.models import PhoneState
from dunning.models import AttemptState, CallOutcome, CallRecord, ContactAttempt, Hold
from dunning.outcomes import Answer
from tests.dunning.calling import MONDAY, MORNING, at, planned_call, ring

pytestmark = pytest.mark.django_db
FRIDAY = MONDAY + timedelta(days=4)


@pytest.mark.parametrize("outcome", [CallOutcome.NO_ANSWER, CallOutcome.BUSY])
def test_a_planned_call_that_nobody_answers_moves_to_the_next_day_at_another_hour(
    outcome: CallOutcome,
) -> None:
    line = ring()
    planned = planned_call(line)
    line.call(outcome, attempt=planned)
    planned.refresh_from_db()
    assert planned.state == AttemptState.PLANNED
    assert planned.due_at == datetime(2026, 3, 3, 14, 30, tzinfo=MORNING.tzinfo)


def test_after_an_afternoon_call_the_next_try_is_in_the_morning() -> None:
    line = ring()
    planned = planned_call(line)
    line.call(CallOutcome.NO_ANSWER, attempt=planned, now=at(MONDAY, 15))
    planned.refresh_from_db()
    assert planned.due_at is not None
    assert planned.due_at.hour == 10


def test_a_try_on_friday_is_repeated_on_monday() -> None:
    line = ring()
    planned = planned_call(line)
    line.call(CallOutcome.NO_ANSWER, attempt=planned, now=at(FRIDAY))
    planned.refresh_from_db()
    assert planned.due_at is not None
    assert planned.due_at.date() == MONDAY + timedelta(days=7)


def test_an_unanswered_call_is_recorded_and_is_no_contact() -> None:
    line = ring()
    tried = line.call(CallOutcome.NO_ANSWER, attempt=planned_call(line))
    assert tried.exempt
    assert tried.reached_on is None
    assert tried.call.level == "none"
    assert not tried.items.filter(completes=True).exists()


def test_three_tries_on_two_days_make_the_call_done() -> None:
    line = ring()
    planned = planned_call(line)
    line.call(CallOutcome.NO_ANSWER, attempt=planned)
    line.call(CallOutcome.BUSY, attempt=planned, now=at(MONDAY, 15))
    planned.refresh_from_db()
    assert planned.state == AttemptState.PLANNED
    done = line.call(CallOutcome.NO_ANSWER, attempt=planned, now=at(MONDAY + timedelta(days=1)))
    planned.refresh_from_db()
    assert done == planned
    assert planned.state == AttemptState.SENT
    assert planned.done_on == MONDAY + timedelta(days=1)
    assert planned.reached_on is None


def test_three_tries_on_one_day_do_not_make_the_call_done() -> None:
    line = ring()
    planned = planned_call(line)
    for hour in (9, 11, 15):
        line.call(CallOutcome.NO_ANSWER, attempt=planned, now=at(MONDAY, hour))
    planned.refresh_from_db()
    assert planned.state == AttemptState.PLANNED


def test_the_fourth_try_waits_until_a_week_after_the_first() -> None:
    line = ring()
    for day in range(3):
        line.call(CallOutcome.NO_ANSWER, now=at(MONDAY + timedelta(days=day)))
    assert line.tasks()["call_back"].due_on == MONDAY + timedelta(days=7)


def test_an_unplanned_try_leaves_a_task_for_the_next_day() -> None:
    line = ring()
    line.call(CallOutcome.NO_ANSWER)
    task = line.tasks()["call_back"]
    assert task.due_on == MONDAY + timedelta(days=1)
    assert task.assigned_to == line.caller
    assert not Hold.objects.exists()


@pytest.mark.parametrize("outcome", [CallOutcome.VOICEMAIL, CallOutcome.MESSAGE])
def test_a_message_left_makes_the_call_done_and_is_followed_in_two_days(
    outcome: CallOutcome,
) -> None:
    line = ring()
    planned = planned_call(line)
    line.call(outcome, attempt=planned)
    planned.refresh_from_db()
    assert planned.state == AttemptState.SENT
    assert line.tasks()["call_back"].due_on == MONDAY + timedelta(days=2)


def test_a_follow_up_email_goes_out_only_when_it_is_asked_for() -> None:
    line = ring()
    line.call(CallOutcome.VOICEMAIL)
    assert not ContactAttempt.objects.filter(channel="email").exists()
    line.call(CallOutcome.VOICEMAIL, send_email=True)
    mail = ContactAttempt.objects.get(channel="email")
    assert mail.state == AttemptState.PLANNED
    assert mail.recipients.get().address == line.contact.email


@pytest.mark.parametrize("outcome", [CallOutcome.WRONG_NUMBER, CallOutcome.DISCONNECTED])
def test_a_wrong_number_is_marked_and_somebody_finds_the_right_one(outcome: CallOutcome) -> None:
    line = ring()
    planned = planned_call(line)
    line.call(outcome, attempt=planned)
    line.contact.refresh_from_db()
    planned.refresh_from_db()
    assert line.contact.phone_state == PhoneState.INVALID
    assert not line.contact.can_call
    assert line.tasks()["find_number"].due_on == MONDAY
    assert planned.state == AttemptState.PLANNED


def test_nobody_reached_can_have_no_second_outcome() -> None:
    line = ring()
    both = (Answer(CallOutcome.NO_ANSWER), Answer(CallOutcome.REFUSES))
    with pytest.raises(ServiceError, match="Nobody was reached"):
        line.call(CallOutcome.NO_ANSWER, call_answers=both)
    assert not CallRecord.objects.exists()


def test_an_agreed_call_back_is_a_task_at_its_hour_and_steps_wait() -> None:
    line = ring()
    when = at(MONDAY + timedelta(days=3), 14)
    line.call(CallOutcome.CALL_BACK, at=when)
    task = line.tasks()["call_back"]
    assert task.due_at == when
    hold = Hold.objects.get()
    assert hold.ends_on == MONDAY + timedelta(days=3)
    assert hold.invoice is None


def test_a_call_back_in_the_past_is_refused_and_nothing_is_logged() -> None:
    line = ring()
    with pytest.raises(ServiceError, match="to come"):
        line.call(CallOutcome.CALL_BACK, at=MORNING - timedelta(hours=1))
    assert not ContactAttempt.objects.exists()


def test_keeping_an_agreed_call_back_closes_its_task_and_is_exempt_from_the_pace() -> None:
    line = ring()
    line.call(CallOutcome.CALL_BACK, at=at(MONDAY + timedelta(days=1)))
    task = line.tasks()["call_back"]
    kept = line.call(
        CallOutcome.REFUSES, call_task_id=task.pk, now=at(MONDAY + timedelta(days=1), 11)
    )
    task.refresh_from_db()
    assert task.status == "done"
    assert kept.exempt
    assert kept.kind == "call_back"
