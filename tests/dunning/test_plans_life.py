"""Payment plans: seen before they are kept, agreed in writing, filled in order, ended openly."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail

from arfollow.shared.errors import ServiceError
from arfollow.shared.models import Event, EventData
from dunning import dispatch
from dunning.models import (
    AttemptState,
    CallOutcome,
    ContactAttempt,
    PaymentPlan,
    PlanStatus,
    Task,
    TaskKind,
    TaskStatus,
)
from dunning.outcomes import (
    Part,
    PlansSettled,
    PlanTerms,
    agree_plan,
    change_draft,
    offer_plan,
    preview_plan,
    settle_plans,
    withdraw_plan,
)
from dunning.policy import ItemKey
from tests import make, outbox
from tests.dunning.calling import MONDAY, Line, at, ring

pytestmark = pytest.mark.django_db
FIRST = MONDAY + timedelta(days=7)
TWO_WEEKLY = PlanTerms(FIRST, count=2, every=14)


def offered(line: Line, terms: PlanTerms = TWO_WEEKLY, **more: Any) -> PaymentPlan:
    return offer_plan(line.customer.pk, terms, actor=line.actor, today=MONDAY, **more)


def agreed(line: Line, terms: PlanTerms = TWO_WEEKLY) -> PaymentPlan:
    return agree_plan(offered(line, terms).pk, on=MONDAY, actor=line.actor)


def parts(plan: PaymentPlan) -> list[tuple[date, Decimal, Decimal]]:
    rows = plan.instalments.order_by("number")
    return list(rows.values_list("due_on", "amount", "paid_amount"))


def test_a_preview_writes_nothing_and_the_draft_is_what_it_showed() -> None:
    line = ring()
    shown = preview_plan(line.customer.pk, TWO_WEEKLY, today=MONDAY)
    assert not PaymentPlan.objects.exists()
    plan = offered(line)
    assert (plan.currency, plan.total) == (shown.currency, shown.total)
    assert [(day, amount) for day, amount, _ in parts(plan)] == [
        (part.due_on, part.amount) for part in shown.parts
    ]


def test_a_payment_on_a_weekend_moves_to_the_next_business_day() -> None:
    line = ring()
    saturday = MONDAY + timedelta(days=5)
    shown = preview_plan(line.customer.pk, PlanTerms(saturday, count=1), today=MONDAY)
    assert shown.parts[0].due_on == FIRST


def test_a_plan_covers_what_was_chosen_less_what_is_disputed() -> None:
    line = ring()
    make.dispute(line.newer, "100.00", on=MONDAY)
    shown = preview_plan(
        line.customer.pk, TWO_WEEKLY, today=MONDAY, items=(ItemKey(line.newer.pk),)
    )
    assert shown.total == Decimal(500)


def test_a_plan_that_begins_in_the_past_is_refused() -> None:
    line = ring()
    with pytest.raises(ServiceError, match="today or later"):
        offered(line, PlanTerms(MONDAY - timedelta(days=1), count=2))


def test_l18_the_same_offer_twice_is_one_draft() -> None:
    line = ring()
    assert offered(line) == offered(line)


def test_the_payments_of_a_draft_can_be_changed_and_still_make_its_total() -> None:
    line = ring()
    plan = offered(line)
    wanted = [Part(FIRST, Decimal(700)), Part(FIRST + timedelta(days=30), Decimal(300))]
    change_draft(plan.pk, wanted, actor=line.actor, today=MONDAY)
    assert [amount for _, amount, _ in parts(plan)] == [Decimal(700), Decimal(300)]
    assert Event.objects.filter(verb="plan.changed").exists()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([Part(FIRST, Decimal(999))], "USD 1.00 less"),
        ([Part(FIRST, Decimal(1001))], "USD 1.00 more"),
        ([Part(FIRST, Decimal(500)), Part(FIRST, Decimal(500))], "later than the one before"),
        ([Part(MONDAY - timedelta(days=1), Decimal(1000))], "today or later"),
        ([], "at least one"),
    ],
)
def test_a_draft_whose_payments_make_no_plan_is_refused_and_stays(
    wanted: list[Part], words: str
) -> None:
    line = ring()
    plan = offered(line)
    with pytest.raises(ServiceError, match=words):
        change_draft(plan.pk, wanted, actor=line.actor, today=MONDAY)
    assert len(parts(plan)) == 2


def test_an_agreed_plan_is_changed_no_more() -> None:
    line = ring()
    plan = agreed(line)
    with pytest.raises(ServiceError, match="active already"):
        change_draft(plan.pk, [Part(FIRST, Decimal(1000))], actor=line.actor, today=MONDAY)


def test_agreeing_closes_the_task_and_puts_the_plan_in_writing() -> None:
    line = ring()
    outbox.company(undo_seconds=0)
    line.call(CallOutcome.ASKS_PLAN)
    plan = PaymentPlan.objects.get()
    agree_plan(plan.pk, on=MONDAY, actor=line.actor, now=at(MONDAY, 6))
    assert TaskKind.AGREE_PLAN not in line.tasks()
    dispatch.send_some(now=at(MONDAY, 10), seconds=None)
    (message,) = mail.outbox
    flat = " ".join(message.body.split())
    assert "It covers USD 1,000.00 in 3 payments" in flat
    for day, amount, _ in parts(plan):
        assert f"{day.day} {day:%B %Y}: USD {amount:,.2f}" in flat


def test_a_plan_ended_before_its_letter_left_is_not_confirmed() -> None:
    line = ring()
    outbox.company(undo_seconds=0)
    plan = offered(line)
    agree_plan(plan.pk, on=MONDAY, actor=line.actor, now=at(MONDAY, 6))
    withdraw_plan(plan.pk, on=MONDAY, reason="agreed by mistake", actor=line.actor)
    dispatch.send_some(now=at(MONDAY, 10), seconds=None)
    assert mail.outbox == []
    assert ContactAttempt.objects.get(plan=plan).state == AttemptState.CANCELLED


def test_payments_settle_the_instalments_in_order() -> None:
    line = ring()
    plan = agreed(line)
    make.payment(line.customer, "600.00", MONDAY + timedelta(days=1))
    assert settle_plans(MONDAY + timedelta(days=1)) == PlansSettled()
    assert [paid for _, _, paid in parts(plan)] == [Decimal(500), Decimal(100)]


def test_a_plan_is_kept_when_all_came_in() -> None:
    line = ring()
    plan = agreed(line)
    make.payment(line.customer, "1000.00", FIRST)
    assert settle_plans(FIRST) == PlansSettled(kept=1)
    plan.refresh_from_db()
    assert (plan.status, plan.ended_on) == (PlanStatus.KEPT, FIRST)
    assert plan.ended_why == "Payment plan kept: USD 1,000.00 came in"
    assert not Task.objects.filter(kind=TaskKind.PLAN_MISSED).exists()


def test_money_from_before_the_plan_fills_none_of_it() -> None:
    line = ring()
    make.payment(line.customer, "300.00", MONDAY - timedelta(days=3), line.older)
    plan = agreed(line)
    settle_plans(MONDAY)
    assert [paid for _, _, paid in parts(plan)] == [Decimal(0), Decimal(0)]


def test_a_credit_given_on_its_invoices_counts_for_the_plan() -> None:
    line = ring()
    plan = agreed(line)
    make.credit_note(line.customer, "400.00", MONDAY, invoice=line.older)
    settle_plans(MONDAY)
    assert parts(plan)[0][2] == Decimal(400)


def test_a_missed_payment_ends_the_plan_after_its_grace_where_everybody_sees_it() -> None:
    line = ring()
    plan = agreed(line)
    make.payment(line.customer, "200.00", FIRST)
    grace_ends = FIRST + timedelta(days=2)
    assert settle_plans(grace_ends) == PlansSettled()
    over = grace_ends + timedelta(days=1)
    assert settle_plans(over) == PlansSettled(ended=1)
    plan.refresh_from_db()
    why = (
        "Payment plan ended: payment 1 of USD 500.00, due 9 Mar 2026, was missed; "
        "200.00 of USD 1,000.00 came in"
    )
    assert (plan.status, plan.ended_on, plan.ended_why) == (PlanStatus.ENDED, over, why)
    task = Task.objects.get(kind=TaskKind.PLAN_MISSED)
    assert (task.title, task.assigned_to, task.status) == (why, line.caller, TaskStatus.OPEN)
    assert EventData.objects.filter(summary=why).exists()


def test_settling_twice_ends_a_plan_once() -> None:
    line = ring()
    agreed(line)
    over = FIRST + timedelta(days=3)
    assert settle_plans(over) == PlansSettled(ended=1)
    assert settle_plans(over) == PlansSettled()
    assert Task.objects.filter(kind=TaskKind.PLAN_MISSED).count() == 1


def test_a_payment_short_by_less_than_the_tolerance_is_not_missed() -> None:
    line = ring()
    agreed(line)
    make.payment(line.customer, "499.50", FIRST)
    assert settle_plans(FIRST + timedelta(days=3)) == PlansSettled()


def test_an_idle_tick_looks_at_no_plan(django_assert_max_num_queries: Any) -> None:
    agreed(ring())
    settle_plans(MONDAY)
    with django_assert_max_num_queries(2):
        settle_plans(MONDAY)


def test_a_draft_is_withdrawn_and_a_running_plan_ended_each_with_its_reason() -> None:
    line = ring()
    draft = withdraw_plan(offered(line).pk, on=MONDAY, reason="too long", actor=line.actor)
    assert (draft.status, draft.ended_why) == ("withdrawn", "Payment plan withdrawn: too long")
    ended = withdraw_plan(agreed(line).pk, on=MONDAY, reason="they asked", actor=line.actor)
    assert (ended.status, ended.ended_why) == ("ended", "Payment plan ended by us: they asked")
    with pytest.raises(ServiceError, match="ended already"):
        withdraw_plan(ended.pk, on=MONDAY, reason="again", actor=line.actor)


def test_a_plan_whose_first_day_has_passed_is_agreed_only_after_a_change() -> None:
    line = ring()
    plan = offered(line)
    with pytest.raises(ServiceError, match="Change the plan first"):
        agree_plan(plan.pk, on=FIRST + timedelta(days=1), actor=line.actor)
