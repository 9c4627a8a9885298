"""Each step is planned once, on a free day, whoever plans (DELIVERY §3.4)."""

from datetime import timedelta

import pytest

from arfollow.shared.models import EventData
from dunning.models import AttemptItem, AttemptState, Channel, ContactAttempt, HeldFor, Tone
from dunning.outbox import Draft, plan
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import MORNING, SLOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    return outbox.company()


@pytest.fixture
def customer(company):
    return make.customer("C-1")


@pytest.fixture
def invoice(customer):
    return make.invoice(customer, "400.00", outbox.late(10))


def store(*drafts, company, now=MORNING):
    return plan(drafts, now=now, company=company)


def test_l01_planning_twice_plans_once(customer, invoice, company):
    for _ in range(20):
        store(outbox.draft(customer, invoice), company=company)
    assert ContactAttempt.objects.count() == 1
    assert AttemptItem.objects.count() == 1


def test_l01_the_same_step_in_one_batch_is_planned_once(customer, invoice, company):
    drafts = [outbox.draft(customer, invoice), outbox.draft(customer, invoice)]
    assert len(store(*drafts, company=company)) == 1


def test_whoever_loses_a_step_is_taken_back_whole(customer, invoice, company):
    """Two consolidated messages share one item: the second is not stored at all."""
    other = make.invoice(customer, "90.00", outbox.late(5))
    store(outbox.draft(customer, invoice), company=company)
    assert store(outbox.draft(customer, invoice, other), company=company) == []
    assert ContactAttempt.objects.count() == 1
    assert not AttemptItem.objects.filter(invoice=other).exists()


def test_a_message_gets_the_slot_of_its_day(customer, invoice):
    attempt = outbox.queued(customer, invoice)
    assert (attempt.state, attempt.due_at, attempt.local_date) == ("planned", SLOT, TODAY)


def test_a_second_message_of_the_day_moves_to_the_next(customer, invoice):
    other = make.invoice(customer, "90.00", outbox.late(5))
    outbox.queued(customer, invoice)
    second = outbox.queued(customer, other)
    assert second.local_date == TODAY + timedelta(days=1)
    assert second.due_at == SLOT + timedelta(days=1)


def test_what_needs_approval_is_held_without_a_slot(customer, invoice):
    attempt = outbox.queued(customer, invoice, tone=Tone.FINAL, needs_approval=True)
    assert (attempt.state, attempt.held_for) == (AttemptState.HELD, HeldFor.APPROVAL)
    assert attempt.due_at is None
    assert attempt.reason_text == "Its next step is due."


def test_a_call_has_no_slot(customer, invoice):
    call = outbox.queued(customer, invoice, channel=Channel.CALL)
    assert (call.state, call.due_at) == (AttemptState.PLANNED, None)


def test_a_skip_is_stored_as_it_is(customer, invoice):
    skip = outbox.queued(
        customer,
        invoice,
        state=AttemptState.SKIPPED,
        reason="lapsed",
        reason_text="Lapsed.",
        done_on=TODAY,
    )
    assert (skip.state, skip.due_at) == (AttemptState.SKIPPED, None)
    assert EventData.objects.filter(summary__contains="not made: Lapsed.").exists()


def test_a_skip_and_a_message_of_the_same_day_do_not_clash(customer, invoice):
    other = make.invoice(customer, "90.00", outbox.late(5))
    outbox.queued(customer, invoice, state=AttemptState.SKIPPED, reason="lapsed")
    assert outbox.queued(customer, other).state == AttemptState.PLANNED


def test_planning_leaves_an_event_in_the_customers_timeline(customer, invoice):
    attempt = outbox.queued(customer, invoice)
    event = EventData.objects.get(event__verb="attempt.planned")
    assert event.event.customer_id == customer.pk
    assert event.event.object_id == attempt.pk


def test_nothing_to_plan_is_nothing(company):
    assert plan([], now=MORNING, company=company) == []


def test_the_customers_date_counts_not_ours(company):
    customer = make.customer("C-9", time_zone="Pacific/Auckland")
    invoice = make.invoice(customer, "90.00", outbox.late(9))
    attempt = outbox.queued(customer, invoice, now=MORNING)
    assert attempt.local_date == TODAY + timedelta(days=1)  # 19:00 there: tomorrow at ten
    assert attempt.due_at.astimezone(MORNING.tzinfo).day == TODAY.day


def test_a_due_moment_that_is_given_stays(customer, invoice):
    assert outbox.queued(customer, invoice, due_at=MORNING).due_at == MORNING


def test_drafts_know_their_customer_and_calendar(customer, invoice):
    draft = outbox.draft(customer, invoice)
    assert isinstance(draft, Draft)
    assert draft.attempt.customer_id == customer.pk
