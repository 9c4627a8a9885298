"""Promises, holds and plans: what makes steps wait, and what ends the waiting (rule 8)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.models import Event, EventData
from dunning.models import (
    ContactAttempt,
    Hold,
    PlanStatus,
    Promise,
    PromiseStatus,
    Tone,
)
from dunning.outcomes import (
    HoldInput,
    PromiseInput,
    Settled,
    add_hold,
    add_promise,
    agree_plan,
    cancel_promise,
    draft_plan,
    draft_thanks,
    finish_task,
    open_items,
    read_reply,
    release_hold,
    settle_promises,
)
from dunning.policy import ItemKey
from invoices.services import record_payment, reverse_payment
from tests import make
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call, ring

pytestmark = pytest.mark.django_db
FRIDAY = MONDAY + timedelta(days=4)
AFTER_GRACE = MONDAY + timedelta(days=9)
"""The Wednesday after the Friday and two business days of grace (Monday, Tuesday)."""


def promise(line: Line, *, due: date = FRIDAY, today: date = MONDAY, **given: Any) -> Promise:
    wanted = PromiseInput(due_on=due, **given)
    return add_promise(line.customer.pk, wanted, actor=line.actor, today=today)


def test_a_promise_without_an_amount_is_for_all_that_can_be_asked_for() -> None:
    line = ring()
    make.dispute(line.newer, "100.00", on=MONDAY)
    assert promise(line).amount == Decimal(900)


def test_a_promise_covers_one_currency() -> None:
    line = ring()
    euro = make.invoice(line.customer, "5000.00", MONDAY - timedelta(days=2), currency="EUR")
    assert promise(line, currency="USD").amount == Decimal(1000)
    in_euro = promise(line, currency="EUR")
    assert [item.invoice for item in in_euro.items.all()] == [euro]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"due": MONDAY - timedelta(days=1)}, "passed"),
        ({"due": MONDAY + timedelta(days=31)}, "plan instead"),
        ({"amount": Decimal("1000.01")}, "at most USD 1,000.00"),
        ({"amount": Decimal("0.00")}, "above nothing"),
        ({"currency": "GBP"}, "Nothing is open"),
    ],
)
def test_a_promise_beyond_its_limits_is_refused(given: dict[str, Any], words: str) -> None:
    line = ring()
    with pytest.raises(ServiceError, match=words):
        promise(line, **given)
    assert not Promise.objects.exists()


def test_after_two_broken_promises_in_a_row_only_a_plan_is_taken() -> None:
    line = ring()
    for week in (0, 2):
        day = MONDAY + timedelta(weeks=week)
        promise(line, due=day, today=day)
        settle_promises(day + timedelta(days=10))
    with pytest.raises(ServiceError, match="plan instead"):
        promise(line, due=MONDAY + timedelta(weeks=5), today=MONDAY + timedelta(weeks=5))


def test_a_promise_is_open_through_its_grace_and_broken_the_day_after() -> None:
    line = ring()
    given = promise(line)
    assert settle_promises(AFTER_GRACE - timedelta(days=1)) == Settled()
    assert settle_promises(AFTER_GRACE) == Settled(broken=1)
    given.refresh_from_db()
    assert (given.status, given.settled_on) == (PromiseStatus.BROKEN, AFTER_GRACE)


def test_a_promise_is_kept_as_soon_as_the_money_is_there() -> None:
    line = ring()
    given = promise(line)
    make.payment(line.customer, "1000.00", MONDAY + timedelta(days=1))
    assert settle_promises(MONDAY + timedelta(days=1)) == Settled(kept=1)
    given.refresh_from_db()
    assert given.kept_amount == Decimal(1000)


def test_a_payment_short_by_less_than_the_tolerance_keeps_the_promise() -> None:
    line = ring()
    promise(line)
    make.payment(line.customer, "999.50", MONDAY)
    assert settle_promises(MONDAY) == Settled(kept=1)


def test_a_part_payment_is_part_kept_with_its_part() -> None:
    line = ring()
    given = promise(line)
    make.payment(line.customer, "600.00", FRIDAY)
    assert settle_promises(FRIDAY) == Settled()
    assert settle_promises(AFTER_GRACE) == Settled(part_kept=1)
    given.refresh_from_db()
    assert given.kept_amount == Decimal(600)
    said = EventData.objects.filter(event__verb="promise.settled").get()
    assert "USD 600.00 of 1,000.00 came in" in said.summary


def test_unapplied_cash_counts_towards_a_promise() -> None:
    line = ring()
    promise(line)
    paid = make.payment(line.customer, "1000.00", MONDAY)
    assert paid.unapplied_amount == 0
    other = ring()
    promise(other)
    record_payment(
        other.customer.pk,
        actor=other.actor,
        received_on=MONDAY,
        currency="USD",
        amount=Decimal("1000.00"),
        allocate=[],
    )
    assert settle_promises(MONDAY) == Settled(kept=2)


def test_a_payment_from_before_the_promise_does_not_keep_it() -> None:
    line = ring()
    make.payment(line.customer, "300.00", MONDAY - timedelta(days=3), line.older)
    promise(line)
    assert settle_promises(AFTER_GRACE) == Settled(broken=1)


def test_l13_a_payment_that_bounced_keeps_no_promise() -> None:
    line = ring()
    promise(line)
    paid = make.payment(line.customer, "1000.00", MONDAY)
    reverse_payment(paid.pk, on=MONDAY, reason="bounced", actor=line.actor)
    assert settle_promises(AFTER_GRACE) == Settled(broken=1)


def test_what_was_credited_meanwhile_needs_no_promise() -> None:
    line = ring()
    given = promise(line, items=(ItemKey(line.older.pk),))
    make.credit_note(line.customer, "400.00", MONDAY, invoice=line.older)
    settle_promises(AFTER_GRACE)
    given.refresh_from_db()
    assert given.status == PromiseStatus.CANCELLED


def test_settling_twice_changes_nothing() -> None:
    line = ring()
    promise(line)
    settle_promises(AFTER_GRACE)
    assert settle_promises(AFTER_GRACE) == Settled()
    assert Event.objects.filter(verb="promise.settled").count() == 1


def test_a_cancelled_promise_waits_no_longer_and_cannot_end_twice() -> None:
    line = ring()
    given = promise(line)
    cancel_promise(given.pk, on=MONDAY, reason="noted twice", actor=line.actor)
    assert settle_promises(AFTER_GRACE) == Settled()
    with pytest.raises(ServiceError, match="cancelled already"):
        cancel_promise(given.pk, on=MONDAY, reason="again", actor=line.actor)


def test_a_hold_of_the_customer_is_one_row_and_one_of_items_a_row_each() -> None:
    line = ring()
    everything = HoldInput("other", FRIDAY)
    some = HoldInput("other", FRIDAY, items=(ItemKey(line.older.pk), ItemKey(line.newer.pk)))
    assert [hold.invoice for hold in _hold(line, everything)] == [None]
    assert {hold.invoice_id for hold in _hold(line, some)} == {line.older.pk, line.newer.pk}


def test_l18_the_same_promise_or_hold_twice_is_one() -> None:
    line = ring()
    assert promise(line) == promise(line)
    wanted = HoldInput("other", FRIDAY, items=(ItemKey(line.older.pk),))
    assert (len(_hold(line, wanted)), len(_hold(line, wanted))) == (1, 0)
    assert Promise.objects.count() == Hold.objects.count() == 1


def test_a_second_promise_of_another_amount_is_another_promise() -> None:
    line = ring()
    promise(line, items=(ItemKey(line.older.pk),))
    promise(line, items=(ItemKey(line.newer.pk),))
    assert Promise.objects.count() == 2


def test_a_hold_on_our_side_stops_the_clock() -> None:
    line = ring()
    assert not _hold(line, HoldInput("other", FRIDAY))[0].stops_clock
    assert _hold(line, HoldInput("ours", FRIDAY))[0].stops_clock
    assert _hold(line, HoldInput("other", FRIDAY, ours=True))[0].stops_clock


def test_a_hold_in_the_past_is_refused() -> None:
    line = ring()
    with pytest.raises(ServiceError, match="today or later"):
        _hold(line, HoldInput("other", MONDAY - timedelta(days=1)))


def test_a_hold_ends_early_once() -> None:
    line = ring()
    hold = _hold(line, HoldInput("other", FRIDAY))[0]
    release_hold(hold.pk, on=MONDAY, actor=line.actor)
    release_hold(hold.pk, on=FRIDAY, actor=line.actor)
    hold.refresh_from_db()
    assert hold.released_on == MONDAY
    assert Event.objects.filter(verb="hold.ended").count() == 1


def _hold(line: Line, wanted: HoldInput) -> list[Hold]:
    return add_hold(line.customer.pk, wanted, actor=line.actor, today=MONDAY)


def test_a_drafted_plan_counts_only_once_it_is_agreed() -> None:
    line = ring()
    items = open_items(line.customer.pk)
    plan = draft_plan(line.customer, items, actor=line.actor, today=MONDAY)
    assert plan.status == PlanStatus.DRAFT
    agree_plan(plan.pk, on=MONDAY, actor=line.actor)
    plan.refresh_from_db()
    assert (plan.status, plan.agreed_on) == (PlanStatus.ACTIVE, MONDAY)
    with pytest.raises(ServiceError, match="active already"):
        agree_plan(plan.pk, on=MONDAY, actor=line.actor)


def test_a_task_is_done_once_and_keeps_who_did_it() -> None:
    line = ring()
    line.call("refuses")
    task = line.tasks()["owner_decides"]
    finish_task(task.pk, actor=line.actor, result="We wait")
    finish_task(task.pk, actor=line.actor, result="again", needed="cancelled")
    task.refresh_from_db()
    assert (task.status, task.result, task.done_by) == ("done", "We wait", line.caller)


def test_a_reply_is_read_once() -> None:
    line = ring()
    reply = line.customer.inbound.create(received_at=MORNING, subject="Our records differ")
    for _ in range(2):
        assert read_reply(reply.pk, actor=line.actor, now=MORNING).read_by == line.caller
    assert Event.objects.filter(verb="reply.read").count() == 1


def _notice(line: Line, tone: str, day: date) -> ContactAttempt:
    notice = planned_call(line, channel="email", tone=tone)
    ContactAttempt.objects.filter(pk=notice.pk).update(
        state="sent", done_on=day, message_id="<a@b>"
    )
    return notice


def test_a_payment_that_crossed_a_firm_notice_drafts_a_thank_you_once() -> None:
    line = ring()
    _notice(line, Tone.FIRM, MONDAY)
    paid = make.payment(line.customer, "400.00", MONDAY + timedelta(days=2), line.older)
    assert draft_thanks(MONDAY + timedelta(days=2)) == 1
    assert draft_thanks(MONDAY + timedelta(days=3)) == 0
    draft = ContactAttempt.objects.get(kind="thanks")
    assert (draft.state, draft.held_for) == ("held", "approval")
    assert draft.content["payment_amount"] == str(paid.amount)
    assert draft.recipients.get().address == line.contact.email


@pytest.mark.parametrize(
    ("tone", "days"), [(Tone.FRIENDLY, 2), (Tone.FIRM, 4)], ids=["soft notice", "too late"]
)
def test_other_payments_need_no_thanks(tone: str, days: int) -> None:
    line = ring()
    _notice(line, tone, MONDAY)
    paid_on = MONDAY + timedelta(days=days)
    make.payment(line.customer, "400.00", paid_on, line.older)
    assert draft_thanks(paid_on) == 0


def test_a_payment_of_what_the_notice_did_not_name_needs_no_thanks() -> None:
    line = ring()
    _notice(line, Tone.FIRM, MONDAY)
    make.payment(line.customer, "600.00", MONDAY, line.newer)
    assert draft_thanks(MONDAY) == 0
