"""Somebody was reached: what each answer does (PROTOCOL §4)."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.models import Event
from customers.models import ContactRole, EmailState
from dunning.models import (
    AttemptState,
    CallOutcome,
    CallRecord,
    ContactAttempt,
    Direction,
    Hold,
    PaymentPlan,
    Promise,
    TaskKind,
)
from dunning.outcomes import (
    ROWS,
    Answer,
    add_answer,
    consequence,
    days_around,
    outcomes_of,
)
from dunning.outcomes.consequences import CONSEQUENCES
from dunning.policy import ItemKey
from invoices.models import Dispute
from tests import make
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call, ring

pytestmark = pytest.mark.django_db


def _key(line: Line) -> ItemKey:
    return ItemKey(line.older.pk)


def test_every_outcome_has_a_sentence_and_a_deed() -> None:
    assert {row.outcome for row in ROWS} == set(CallOutcome) == set(CONSEQUENCES)


@pytest.mark.parametrize("outcome", list(CallOutcome))
def test_every_sentence_can_be_said_before_saving(outcome: CallOutcome) -> None:
    line = ring()
    said = consequence(outcome, days_around(line.customer, make.company(), MORNING))
    assert said.endswith(".")
    assert "{" not in said


def test_the_sentence_names_the_day_that_is_then_kept() -> None:
    line = ring()
    days = days_around(line.customer, make.company(), MORNING)
    line.call(CallOutcome.SAYS_PAID)
    assert "9 Mar 2026" in consequence(CallOutcome.SAYS_PAID, days)
    assert str(Hold.objects.get().ends_on) == "2026-03-09"


def test_visits_and_calls_offer_their_own_outcomes() -> None:
    calls = {row.outcome for row in outcomes_of("call")}
    visits = {row.outcome for row in outcomes_of("visit")}
    assert CallOutcome.COLLECTED in visits - calls
    assert CallOutcome.NO_ANSWER in calls - visits
    assert calls | visits == set(CallOutcome)


def test_a_conversation_makes_the_planned_call_and_counts_as_reached() -> None:
    line = ring()
    planned = planned_call(line)
    done = line.call(CallOutcome.REFUSES, attempt=planned)
    assert done == planned
    assert done.state == AttemptState.SENT
    assert done.reached_on == done.done_on == MONDAY
    assert not done.exempt


def test_an_unplanned_conversation_completes_the_call_that_was_planned_anyway() -> None:
    line = ring()
    planned = planned_call(line)
    assert line.call(CallOutcome.REFUSES) == planned


def test_a_promise_is_noted_with_its_items_and_the_call() -> None:
    line = ring()
    until = MONDAY + timedelta(days=11)
    call = line.call(CallOutcome.PROMISE, on=until, amount=Decimal("1000.00"))
    promise = Promise.objects.get()
    assert (promise.amount, promise.currency, promise.due_on) == (Decimal(1000), "USD", until)
    assert promise.call == call
    assert promise.person == "Pat Keel"
    assert {item.invoice for item in promise.items.all()} == {line.older, line.newer}


def test_says_paid_waits_five_business_days_and_asks_for_the_remittance() -> None:
    line = ring()
    line.call(CallOutcome.SAYS_PAID, items=(_key(line),))
    hold = Hold.objects.get()
    assert (hold.reason, hold.ends_on) == ("says_paid", MONDAY + timedelta(days=7))
    assert hold.invoice == line.older
    assert not hold.stops_clock
    assert TaskKind.ASK_REMITTANCE in line.tasks()


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (CallOutcome.WAITING_APPROVAL, "waiting_approval"),
        (CallOutcome.PAYMENT_RUN, "payment_run"),
    ],
)
def test_waiting_for_their_side_holds_to_the_day_they_named(
    outcome: CallOutcome, reason: str
) -> None:
    line = ring()
    line.call(outcome, on=MONDAY + timedelta(days=9), person="R. Stone")
    hold = Hold.objects.get()
    assert (hold.reason, hold.ends_on) == (reason, MONDAY + timedelta(days=9))
    with pytest.raises(ServiceError, match="Enter the day"):
        line.call(outcome)


def test_an_invoice_not_received_is_sent_again_to_the_address_they_confirmed() -> None:
    line = ring()
    call = line.call(CallOutcome.NOT_RECEIVED, email="New.Desk@example.test", items=(_key(line),))
    mail = ContactAttempt.objects.get(channel="email")
    line.contact.refresh_from_db()
    assert mail.kind == "resend"
    assert mail.recipients.get().address == "new.desk@example.test"
    assert [row.invoice for row in mail.items.all()] == [line.older]
    assert line.contact.email_state == EmailState.VERIFIED
    assert call.call.invoice_received is False
    hold = Hold.objects.get()
    assert hold.stops_clock
    assert hold.ends_on == MONDAY + timedelta(days=7)


def test_an_address_given_by_a_caller_of_theirs_is_not_verified() -> None:
    line = ring()
    line.call(CallOutcome.NOT_RECEIVED, email="other@example.test", call_direction=Direction.IN)
    line.contact.refresh_from_db()
    assert line.contact.email_state == EmailState.UNVERIFIED


def test_the_right_person_takes_the_place_of_the_wrong_one_and_gets_the_invoices() -> None:
    line = ring()
    line.call(CallOutcome.WRONG_PERSON, person="Jo Fenn", email="jo@example.test")
    new = line.customer.contacts.get(active=True)
    line.contact.refresh_from_db()
    assert (new.name, new.role, new.primary) == ("Jo Fenn", ContactRole.PAYABLES, True)
    assert not line.contact.active
    assert ContactAttempt.objects.get(channel="email").recipients.get().contact == new


def test_a_wrong_person_without_the_right_one_is_refused() -> None:
    line = ring()
    with pytest.raises(ServiceError, match="right contact"):
        line.call(CallOutcome.WRONG_PERSON, person="Jo Fenn")


def test_a_document_we_owe_is_a_task_and_stops_the_clock_for_three_days() -> None:
    line = ring()
    line.call(CallOutcome.NEEDS_DOCUMENT, reason="the purchase order form")
    assert "purchase order form" in line.tasks()["send_document"].title
    hold = Hold.objects.get()
    assert hold.stops_clock
    assert hold.ends_on == MONDAY + timedelta(days=3)


def test_a_dispute_takes_only_its_part_out_of_the_follow_up() -> None:
    line = ring()
    line.call(CallOutcome.DISPUTES, items=(_key(line),), amount=Decimal("150.00"), reason="quality")
    dispute = Dispute.objects.get()
    line.older.refresh_from_db()
    assert (dispute.amount, dispute.reason) == (Decimal(150), "quality")
    assert dispute.owner == line.caller
    assert line.older.collectible == Decimal(250)


def test_a_disputed_amount_needs_its_one_invoice() -> None:
    line = ring()
    with pytest.raises(ServiceError, match="Choose the invoices"):
        line.call(CallOutcome.DISPUTES)
    with pytest.raises(ServiceError, match="the one invoice"):
        line.call(
            CallOutcome.DISPUTES,
            items=(_key(line), ItemKey(line.newer.pk)),
            amount=Decimal("10.00"),
        )
    assert not Dispute.objects.exists()


def test_asking_for_a_plan_drafts_one_that_adds_up_to_the_cent() -> None:
    line = ring()
    make.invoice(line.customer, "0.01", MONDAY - timedelta(days=3))
    line.call(CallOutcome.ASKS_PLAN)
    plan = PaymentPlan.objects.get()
    parts = [part.amount for part in plan.instalments.all()]
    assert plan.status == "draft"
    assert parts == [Decimal("333.33"), Decimal("333.33"), Decimal("333.35")]
    assert sum(parts) == plan.total
    assert TaskKind.AGREE_PLAN in line.tasks()
    assert Hold.objects.get().stops_clock


def test_the_reason_why_they_cannot_pay_goes_on_file() -> None:
    line = ring()
    line.call(CallOutcome.CANNOT_PAY, reason="Their main buyer went under")
    line.customer.refresh_from_db()
    assert line.customer.cannot_pay_reason == "Their main buyer went under"
    assert "main buyer" in line.tasks()["decide"].title
    with pytest.raises(ServiceError, match="why"):
        line.call(CallOutcome.CANNOT_PAY)


@pytest.mark.parametrize("outcome", [CallOutcome.REFUSES, CallOutcome.HUNG_UP])
def test_a_refusal_goes_to_the_owner_and_nothing_waits(outcome: CallOutcome) -> None:
    line = ring()
    planned = planned_call(line)
    line.call(outcome, attempt=planned)
    planned.refresh_from_db()
    assert planned.state == AttemptState.SENT
    assert TaskKind.OWNER_DECIDES in line.tasks()
    assert not Hold.objects.exists()


def test_do_not_call_silences_this_contact_only() -> None:
    line = ring()
    other = make.contact(line.customer, name="Lee", phone="+1 207 555 0101", role="approver")
    line.call(CallOutcome.DO_NOT_CALL)
    line.contact.refresh_from_db()
    other.refresh_from_db()
    assert not line.contact.can_call
    assert line.contact.can_email
    assert other.can_call


@pytest.mark.parametrize(
    ("outcome", "stop"),
    [
        (CallOutcome.REPRESENTED, "represented"),
        (CallOutcome.INSOLVENT, "insolvent"),
        (CallOutcome.DECEASED, "deceased"),
    ],
)
def test_a_legal_stop_takes_everything_out_of_the_outbox(outcome: CallOutcome, stop: str) -> None:
    line = ring()
    mail = planned_call(line, channel="email", step_key="firm")
    line.call(outcome)
    mail.refresh_from_db()
    line.customer.refresh_from_db()
    assert line.customer.legal_stop == stop
    assert line.customer.legal_stop_since == MONDAY
    assert (mail.state, mail.reason) == (AttemptState.CANCELLED, "legal_stop")
    assert not mail.live
    assert TaskKind.OWNER_DECIDES in line.tasks()


def test_a_collected_cheque_is_booked_by_a_task_while_steps_wait() -> None:
    line = ring()
    visit = planned_call(line, channel="visit")
    line.call(CallOutcome.COLLECTED, call_channel="visit", attempt=visit, amount=Decimal("400.00"))
    visit.refresh_from_db()
    assert visit.state == AttemptState.SENT
    assert line.tasks()["other"].title == "Book the cheque collected: USD 400.00"
    assert Hold.objects.get().reason == "payment_received"


def test_a_visit_in_vain_is_made_and_reached_nobody() -> None:
    line = ring()
    visit = planned_call(line, channel="visit")
    line.call(CallOutcome.NOT_COLLECTED, call_channel="visit", attempt=visit)
    visit.refresh_from_db()
    assert visit.state == AttemptState.SENT
    assert visit.reached_on is None
    assert not line.tasks()


def test_their_own_call_is_an_inbound_contact_and_spares_them_ours() -> None:
    line = ring()
    planned = planned_call(line)
    theirs = line.call(
        CallOutcome.PROMISE, on=MONDAY + timedelta(days=5), call_direction=Direction.IN
    )
    planned.refresh_from_db()
    assert theirs.kind == "inbound"
    assert (planned.state, planned.reason) == (AttemptState.SKIPPED, "conversation")
    assert planned.live


def test_one_call_may_have_another_outcome_for_another_invoice() -> None:
    line = ring()
    both = (
        Answer(CallOutcome.PROMISE, items=(_key(line),), on=MONDAY + timedelta(days=4)),
        Answer(CallOutcome.DISPUTES, items=(ItemKey(line.newer.pk),), reason="price"),
    )
    call = line.call(CallOutcome.PROMISE, call_answers=both)
    outcomes = {row.invoice_id: row.outcome for row in call.items.all()}
    assert outcomes == {line.older.pk: "promise", line.newer.pk: "disputes"}
    assert Promise.objects.get().amount == Decimal(400)
    assert Dispute.objects.get().invoice == line.newer


def test_a_further_outcome_can_be_added_to_a_logged_call() -> None:
    line = ring()
    call = line.call(CallOutcome.PROMISE, items=(_key(line),), on=MONDAY + timedelta(days=4))
    more = Answer(CallOutcome.DISPUTES, items=(ItemKey(line.newer.pk),), reason="price")
    assert add_answer(call.pk, more, actor=line.actor, now=MORNING) == call
    assert Dispute.objects.count() == CallRecord.objects.count() == 1
    assert call.items.get(invoice=line.newer).outcome == "disputes"


def test_l18_the_same_form_sent_twice_logs_one_call() -> None:
    line = ring()
    token = uuid.uuid4()
    for _ in range(2):
        line.call(CallOutcome.SAYS_PAID, call_token=token)
    assert CallRecord.objects.count() == Hold.objects.count() == 1


def test_a_call_that_somebody_else_logged_meanwhile_is_refused() -> None:
    line = ring()
    planned = planned_call(line)
    line.call(CallOutcome.REFUSES, attempt=planned)
    with pytest.raises(ServiceError, match="meanwhile"):
        line.call(CallOutcome.REFUSES, attempt=planned)


def test_a_failed_consequence_leaves_no_trace_of_the_call() -> None:
    line = ring()
    planned = planned_call(line)
    seq = _ledger_seq(line)
    with pytest.raises(ServiceError):
        line.call(CallOutcome.PROMISE, attempt=planned)
    planned.refresh_from_db()
    assert planned.state == AttemptState.PLANNED
    assert not CallRecord.objects.exists()
    assert _ledger_seq(line) == seq


def test_every_call_stands_in_the_timeline_and_wakes_the_next_run() -> None:
    line = ring()
    seq = _ledger_seq(line)
    line.call(CallOutcome.REFUSES)
    event = Event.objects.filter(customer_id=line.customer.pk).latest("pk")
    assert event.verb == "call.logged"
    assert event.actor_label == "Mia Okafor"
    assert _ledger_seq(line) > seq


def test_an_invoice_paid_meanwhile_cannot_be_promised() -> None:
    line = ring()
    make.payment(line.customer, "400.00", MONDAY, line.older)
    with pytest.raises(ServiceError, match="not open any more"):
        line.call(CallOutcome.PROMISE, items=(_key(line),), on=MONDAY)


def _ledger_seq(line: Line) -> int:
    line.customer.refresh_from_db()
    return line.customer.ledger_seq
