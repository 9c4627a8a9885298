"""What people decide: approve, decline with the next move, cancel, release, settle (rule 6)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, actor_of
from arfollow.shared.models import Event
from arfollow.staff.models import Role
from dunning import outbox as product
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    Placement,
    PlacementStatus,
    Task,
    TaskStatus,
    Tone,
)
from dunning.outbox import NextMove, Settlement
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import MORNING, SLOT, send_some

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]


@pytest.fixture(autouse=True)
def company():
    return outbox.company(agency_name="Coastal Collections")


@pytest.fixture
def manager():
    return make.user(Role.MANAGER)


@pytest.fixture
def by(manager):
    return actor_of(manager)


def held(**fields):
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(95))
    pay_by = TODAY + timedelta(days=14)
    options = {"tone": Tone.DIRECT, "needs_approval": True, "pay_by": pay_by} | fields
    return outbox.queued(customer, invoice, **options)


def test_an_approved_mail_gets_the_next_slot(by):
    attempt = product.approve(held().pk, actor=by, now=MORNING)
    assert (attempt.state, attempt.due_at, attempt.held_for) == ("planned", SLOT, "")
    assert (attempt.approved_by_id, attempt.approved_at) == (by.id, MORNING)
    assert send_some(now=SLOT).sent == 1


def test_an_approved_letter_can_be_printed_and_has_no_slot(by):
    letter = product.approve(held(channel=Channel.LETTER).pk, actor=by, now=MORNING)
    assert (letter.state, letter.due_at) == (AttemptState.PLANNED, None)


def test_an_approved_hand_over_is_a_pending_placement(by):
    attempt = held(channel=Channel.HANDOVER, tone=Tone.INTERNAL, customer_facing=False)
    done = product.approve(attempt.pk, actor=by, now=MORNING)
    placement = Placement.objects.get()
    assert done.state == AttemptState.SENT
    assert (placement.status, placement.agency) == (PlacementStatus.PENDING, "Coastal Collections")
    assert (placement.currency, placement.amount) == ("USD", Decimal("400.00"))


def test_approving_twice_is_refused_politely(by):
    attempt = held()
    product.approve(attempt.pk, actor=by, now=MORNING)
    with pytest.raises(ServiceError, match="does not wait for approval"):
        product.approve(attempt.pk, actor=by, now=MORNING)


@pytest.mark.parametrize("role", [Role.COLLECTOR, Role.READ_ONLY])
def test_only_managers_and_admins_approve(role):
    with pytest.raises(ServiceError, match="Only a manager"):
        product.approve(held().pk, actor=actor_of(make.user(role)), now=MORNING)


def test_the_machine_approves_nothing():
    with pytest.raises(ServiceError, match="Only a manager"):
        product.approve(held().pk, actor=SYSTEM, now=MORNING)


def test_four_eyes_while_there_are_two_approvers(manager, by):
    make.user(Role.ADMIN)
    attempt = held(edited_by=manager)
    with pytest.raises(ServiceError, match="another approver"):
        product.approve(attempt.pk, actor=by, now=MORNING)


def test_a_sole_approver_approves_their_own_and_it_is_logged(manager, by):
    product.approve(held(edited_by=manager).pk, actor=by, now=MORNING)
    event = Event.objects.get(verb="attempt.approved")
    assert "their own, as the only approver" in event.data.summary


def test_two_approvals_for_one_customer_leave_on_two_days(by):
    first = held()
    second = outbox.queued(
        first.customer,
        make.invoice(first.customer, "90.00", outbox.late(95)),
        needs_approval=True,
        dedupe_key="second",
    )
    days = [product.approve(a.pk, actor=by, now=MORNING).local_date for a in (first, second)]
    assert days == [TODAY, TODAY + timedelta(days=1)]


# --- declining ------------------------------------------------------------------------------


@pytest.mark.parametrize("move", list(NextMove))
def test_declining_says_what_happens_instead(by, move):
    attempt = held()
    again = TODAY + timedelta(days=14) if move is NextMove.AGAIN else None
    product.decline(
        attempt.pk, actor=by, reason="they call", next_move=move, again_on=again, today=TODAY
    )
    row = outbox.again(attempt)
    assert (row.state, row.reason, row.live) == (AttemptState.CANCELLED, "declined", False)
    assert row.again_on == again
    assert Task.objects.filter(attempt=attempt).count() == (0 if again else 1)


def test_declining_for_again_needs_a_later_day(by):
    for day in (None, TODAY):
        with pytest.raises(ServiceError, match="later day"):
            product.decline(
                held_once().pk, actor=by, reason="wait", next_move="again", again_on=day,
                today=TODAY,
            )  # fmt: skip


def held_once():
    return ContactAttempt.objects.first() or held()


def test_declining_needs_a_reason(by):
    with pytest.raises(ServiceError, match="Say why"):
        product.decline(held().pk, actor=by, reason=" ", next_move="call", today=TODAY)


# --- cancelling, skipping, releasing --------------------------------------------------------


def test_within_the_undo_window_a_message_is_cancelled(by):
    attempt = held(needs_approval=False)
    product.cancel(attempt.pk, actor=by, reason="spoke to them")
    assert send_some(now=SLOT).sent == 0
    assert outbox.again(attempt).reason_text == "spoke to them"


def test_after_it_left_it_is_too_late(by):
    attempt = held(needs_approval=False)
    send_some(now=SLOT)
    with pytest.raises(ServiceError, match="Too late"):
        product.cancel(attempt.pk, actor=by, reason="oops")


def test_l18_cancelling_twice_is_refused_and_changes_nothing(by):
    attempt = held(needs_approval=False)
    product.cancel(attempt.pk, actor=by, reason="first")
    with pytest.raises(ServiceError, match="cancelled already"):
        product.cancel(attempt.pk, actor=by, reason="second")
    assert outbox.again(attempt).reason_text == "first"


def test_l28_skipping_a_step_needs_the_right_and_a_reason(by):
    attempt = held(needs_approval=False)
    with pytest.raises(ServiceError, match="Only a manager"):
        product.skip(attempt.pk, actor=actor_of(make.user()), reason="x", today=TODAY)
    with pytest.raises(ServiceError, match="Say why"):
        product.skip(attempt.pk, actor=by, reason="", today=TODAY)
    assert product.skip(attempt.pk, actor=by, reason="agreed", today=TODAY).state == "skipped"


def test_a_release_is_no_approval(by):
    with pytest.raises(ServiceError, match="needs an approval"):
        product.release_held(held().pk, actor=by, now=MORNING)


# --- unknown deliveries ---------------------------------------------------------------------


@pytest.fixture
def unknown():
    attempt = held(needs_approval=False)
    send_some(now=SLOT)
    mail.outbox.clear()
    rows = ContactAttempt.objects.filter(pk=attempt.pk)
    rows.update(state=AttemptState.UNKNOWN, sent_at=None, done_on=None)
    Task.objects.create(
        customer=attempt.customer, attempt=attempt, kind="check_delivery", title="?", due_on=TODAY,
        dedupe_key="x",
    )  # fmt: skip
    return outbox.again(attempt)


def test_it_arrived(unknown, by):
    product.settle_unknown(unknown.pk, Settlement.ARRIVED, actor=by, now=SLOT)
    row = outbox.again(unknown)
    assert (row.state, row.done_on, row.live) == (AttemptState.SENT, TODAY, True)
    assert Task.objects.get().status == TaskStatus.DONE


def test_drop_it(unknown, by):
    product.settle_unknown(unknown.pk, "drop", actor=by, now=SLOT)
    row = outbox.again(unknown)
    assert (row.state, row.live) == (AttemptState.FAILED, False)
    assert send_some(now=SLOT).sent == 0


def test_send_again_is_a_new_attempt_that_is_looked_at_again(unknown, by):
    new = product.settle_unknown(unknown.pk, "send_again", actor=by, now=SLOT)
    assert new.pk != unknown.pk
    assert new.uuid != unknown.uuid
    assert outbox.state(unknown) == AttemptState.FAILED
    make.payment(unknown.customer, "400.00", TODAY, unknown.lead_invoice)
    assert send_some(now=SLOT).cancelled == 1
    assert mail.outbox == []


def test_send_again_leaves_once(unknown, by):
    product.settle_unknown(unknown.pk, "send_again", actor=by, now=SLOT)
    assert send_some(now=SLOT).sent == 1
    assert len(mail.outbox) == 1


def test_settling_twice_is_refused(unknown, by):
    product.settle_unknown(unknown.pk, "arrived", actor=by, now=SLOT)
    with pytest.raises(ServiceError, match="settled already"):
        product.settle_unknown(unknown.pk, "drop", actor=by, now=SLOT)


def test_while_one_is_unknown_no_further_message_goes_to_that_customer(unknown):
    other = make.invoice(unknown.customer, "90.00", outbox.late(20))
    day = TODAY + timedelta(days=1)
    nxt = outbox.queued(unknown.customer, other, planned_on=day, now=MORNING + timedelta(days=1))
    assert send_some(now=SLOT + timedelta(days=1)).cancelled == 1
    assert outbox.again(nxt).reason == "unknown_delivery"
