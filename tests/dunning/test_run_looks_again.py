"""When a follow-up is looked at again, whom a run wakes, and when a task is asked anew."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from dunning import outcomes, runs
from dunning.facts import Case, lay_ground, load_cases
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    CustomerFollowUp,
    FollowUp,
    FollowUpState,
    Task,
    TaskStatus,
)
from dunning.outcomes import HoldInput
from dunning.policy import Decision, ItemKey, Reason
from dunning.runs.project import look_again, state_of
from dunning.runs.select import customers_to_examine, pages
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _early_on_monday() -> Iterator[None]:
    with clock.at(datetime(2026, 3, 2, 5, tzinfo=UTC)):
        yield


def late(days: int) -> date:
    return MONDAY - timedelta(days=days)


@pytest.fixture
def case() -> Case:
    return load_cases([make.customer()], MONDAY, lay_ground())[0]


def decision(reason: Reason, next_on: date | None = None, **more: object) -> Decision:
    return Decision(ItemKey(1), reason, next_on=next_on, **more)  # type: ignore[arg-type]


def test_the_day_of_the_decision_is_the_day_of_the_next_look(case: Case) -> None:
    soon = MONDAY + timedelta(days=4)
    assert look_again(case, decision(Reason.PAUSE, soon), MONDAY) == soon


def test_a_day_that_has_come_already_means_the_next_business_day(case: Case) -> None:
    friday = MONDAY + timedelta(days=4)
    monday = friday + timedelta(days=3)
    assert look_again(case, decision(Reason.QUEUED, friday), friday) == monday


@pytest.mark.parametrize(
    "reason", [Reason.PAUSED, Reason.STALE_DATA, Reason.BELOW_MINIMUM, Reason.PLAN]
)
def test_what_ends_unnoticed_is_looked_at_each_day(case: Case, reason: Reason) -> None:
    assert look_again(case, decision(reason), MONDAY) == MONDAY + timedelta(days=1)


@pytest.mark.parametrize(
    "reason", [Reason.PAID, Reason.DISPUTED, Reason.UNREACHABLE, Reason.UNREAD_REPLY]
)
def test_what_an_act_ends_sleeps_until_it_is_woken(case: Case, reason: Reason) -> None:
    assert look_again(case, decision(reason), MONDAY) is None


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (decision(Reason.FINISHED), FollowUpState.FINISHED),
        (decision(Reason.AWAITING_APPROVAL, MONDAY), FollowUpState.BLOCKED),
        (decision(Reason.UNKNOWN_DELIVERY, MONDAY), FollowUpState.BLOCKED),
        (decision(Reason.NOT_DUE, MONDAY), FollowUpState.ACTIVE),
        (decision(Reason.PACE, MONDAY), FollowUpState.ACTIVE),
        (decision(Reason.PROMISED, MONDAY, stopped=True), FollowUpState.WAITING),
        (decision(Reason.DISPUTED, stopped=True), FollowUpState.BLOCKED),
    ],
)
def test_a_follow_up_is_active_waits_or_is_blocked(found: Decision, state: str) -> None:
    assert state_of(found) == state


def test_a_hold_wakes_the_customer_and_its_end_does_too() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(-20))
    runs.run(MONDAY)
    assert customers_to_examine(MONDAY) == []
    hold = outcomes.add_hold(customer.pk, HoldInput("ours", MONDAY), actor=SYSTEM, today=MONDAY)[0]
    assert customers_to_examine(MONDAY) == [customer.pk]
    runs.run(MONDAY)
    outcomes.release_hold(hold.pk, on=MONDAY, actor=SYSTEM)
    assert customers_to_examine(MONDAY) == [customer.pk]


def test_a_changed_contact_wakes_a_customer_nobody_could_reach() -> None:
    customer = make.customer(email=None, phone=None, address=False)
    make.invoice(customer, due=late(5))
    runs.run(MONDAY)
    assert customers_to_examine(MONDAY + timedelta(days=1)) == []
    make.contact(customer, name="Pat", email="pat@example.test")
    report = runs.run(MONDAY + timedelta(days=1))
    assert report is not None
    assert report.planned_by_channel()["email"] == 1


def test_a_call_that_lapses_wakes_its_customer() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(12), chased_to="d3", chased_on=late(9))
    runs.run(MONDAY)
    FollowUp.objects.update(next_on=None)
    assert ContactAttempt.objects.get(channel=Channel.CALL).state == AttemptState.PLANNED
    assert customers_to_examine(MONDAY + timedelta(days=4)) == []
    assert customers_to_examine(MONDAY + timedelta(days=7)) == [customer.pk]


def test_customers_without_anything_open_are_never_looked_at() -> None:
    make.customer()
    assert customers_to_examine(MONDAY) == []


def test_overdue_customers_are_looked_at_once_early_in_a_month() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(20))
    runs.run(late(7))
    FollowUp.objects.update(next_on=None)
    assert customers_to_examine(MONDAY) == [customer.pk]
    runs.run(MONDAY)
    FollowUp.objects.update(next_on=None)
    assert customers_to_examine(MONDAY + timedelta(days=1)) == []


def test_pages_cover_every_customer_once() -> None:
    ids = list(range(250))
    found = list(pages(ids))
    assert [len(page) for page in found] == [100, 100, 50]
    assert [pk for page in found for pk in page] == ids


def test_a_settled_task_is_asked_again_after_a_month_and_not_before() -> None:
    make.invoice(make.customer(email=None, phone=None, address=False), due=late(5))
    runs.run(MONDAY)
    Task.objects.update(status=TaskStatus.DONE, done_at=clock.now())
    for days, tasks in ((7, 1), (28, 1), (31, 2)):
        CustomerFollowUp.objects.update(projected_seq=-1)
        runs.run(MONDAY + timedelta(days=days))
        assert Task.objects.count() == tasks


def test_unchanged_follow_ups_are_not_written_again() -> None:
    make.invoice(make.customer(), due=late(-20))
    runs.run(MONDAY)
    FollowUp.objects.update(reason_text="as it was")
    CustomerFollowUp.objects.update(projected_seq=-1)
    runs.run(MONDAY)
    assert FollowUp.objects.get().reason_text == "as it was"
