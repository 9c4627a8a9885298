"""Money, disputes and promises between planning and the wire: shrunk or removed (L5, D4)."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import transaction

from arfollow.shared.events import SYSTEM
from arfollow.shared.models import EventData
from customers.models import LegalStop
from customers.services import set_legal_stop, update_customer
from dunning.delivery import truth
from dunning.dispatch import record, sender
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, Channel, Hold, HoldReason, Promise, Tone
from dunning.outbox import moves
from invoices.services import reverse_payment
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT, send_some

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]


@pytest.fixture
def two():
    """A reminder over two invoices, 400.00 and 250.00."""
    outbox.company()
    customer = make.customer("C-1", "Ashdown Joinery")
    first = make.invoice(customer, "400.00", outbox.late(20), number="INV-1")
    second = make.invoice(customer, "250.00", outbox.late(10), number="INV-2")
    return outbox.queued(customer, first, second), first, second


def named_in(attempt):
    return sorted((str(i.invoice or i.label), i.amount) for i in attempt.items.all())


def test_l05_a_payment_of_everything_cancels_the_message(two):
    attempt, first, second = two
    make.payment(attempt.customer, "650.00", TODAY, first, second)
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.cancelled, len(mail.outbox)) == (0, 1, 0)
    row = outbox.again(attempt)
    assert (row.state, row.reason) == (AttemptState.CANCELLED, "paid")
    assert row.reason_text == "It is paid."
    assert not row.live
    assert not attempt.items.filter(live=True).exists()


def test_l05_a_payment_of_one_of_two_shrinks_the_message(two):
    attempt, first, _ = two
    make.payment(attempt.customer, "400.00", TODAY, first)
    assert send_some(now=SLOT).sent == 1
    assert named_in(attempt) == [("INV-2", Decimal("250.00"))]
    text = mail.outbox[0].body
    assert "INV-2" in text
    assert "INV-1" not in text


def test_l09_a_part_payment_leaves_the_residual_in_the_message(two):
    attempt, first, _ = two
    make.payment(attempt.customer, "150.00", TODAY, first)
    send_some(now=SLOT)
    assert named_in(attempt) == [("INV-1", Decimal("250.00")), ("INV-2", Decimal("250.00"))]
    assert "500.00" in mail.outbox[0].body


def test_when_the_leading_item_is_gone_the_next_one_leads(two):
    attempt, first, second = two
    make.payment(attempt.customer, "400.00", TODAY, first)
    send_some(now=SLOT)
    assert outbox.again(attempt).lead_invoice_id == second.pk


def test_l06_unapplied_cash_is_taken_off_what_is_asked_for(two):
    attempt, *_ = two
    make.credit_note(attempt.customer, "100.00", TODAY)
    send_some(now=SLOT)
    assert sum(item.amount for item in attempt.items.all()) == Decimal("550.00")
    assert "550.00" in mail.outbox[0].body


def test_l06_a_credit_larger_than_everything_owed_cancels(two):
    attempt, *_ = two
    make.credit_note(attempt.customer, "900.00", TODAY)
    assert send_some(now=SLOT).cancelled == 1
    assert outbox.again(attempt).reason == "covered"


def test_a_disputed_item_is_shown_in_query_and_not_asked_for(two):
    attempt, first, _ = two
    make.dispute(first, "400.00", on=TODAY)
    send_some(now=SLOT)
    parts = {str(i.invoice): (i.part, i.completes) for i in attempt.items.all()}
    assert parts == {"INV-1": ("in_query", False), "INV-2": ("please_pay", True)}


def test_when_all_is_disputed_nothing_leaves(two):
    attempt, first, second = two
    make.dispute(first, "400.00", on=TODAY)
    make.dispute(second, "250.00", on=TODAY)
    assert send_some(now=SLOT).cancelled == 1
    assert outbox.again(attempt).reason == "disputed"


def test_a_promise_made_meanwhile_keeps_the_message_back(two):
    attempt, *_ = two
    Promise.objects.create(
        customer=attempt.customer,
        made_on=TODAY,
        due_on=TODAY + timedelta(days=7),
        currency="USD",
        amount=Decimal("650.00"),
    )
    assert send_some(now=SLOT).cancelled == 1
    assert outbox.again(attempt).reason == "promised"


def test_l17_a_hold_set_while_the_mail_is_queued_stops_it(two):
    attempt, *_ = two
    Hold.objects.create(
        customer=attempt.customer,
        reason=HoldReason.SAYS_PAID,
        starts_on=TODAY,
        ends_on=TODAY + timedelta(days=5),
    )
    assert send_some(now=SLOT).cancelled == 1
    assert outbox.again(attempt).reason == "customer_hold"


def test_a_legal_stop_keeps_everything_back(two):
    attempt, *_ = two
    set_legal_stop(
        attempt.customer_id, LegalStop.INSOLVENT, on=TODAY, actor=SYSTEM, why="letter of the court"
    )
    assert send_some(now=SLOT).cancelled == 1
    assert outbox.again(attempt).reason == "legal_stop"


def test_l13_a_reversed_payment_lets_the_step_be_planned_again(two):
    attempt, first, second = two
    payment = make.payment(attempt.customer, "650.00", TODAY, first, second)
    send_some(now=SLOT)
    reverse_payment(payment.pk, on=TODAY, reason="cheque bounced", actor=SYSTEM)
    again = outbox.queued(attempt.customer, first, second)
    assert again.pk != attempt.pk
    assert send_some(now=SLOT).sent == 1


def test_a_courtesy_lapses_once_its_item_is_overdue():
    outbox.company()
    customer = make.customer()
    invoice = make.invoice(customer, "90.00", TODAY - timedelta(days=1))
    attempt = outbox.queued(customer, invoice, tone=Tone.COURTESY)
    assert send_some(now=SLOT).cancelled == 1
    assert outbox.again(attempt).reason == "lapsed"


def test_an_internal_notice_about_a_paid_item_does_not_leave(two):
    attempt, first, second = two
    make.user("manager")
    notice = outbox.queued(
        attempt.customer, first, channel=Channel.INTERNAL, tone=Tone.INTERNAL,
        customer_facing=False,
    )  # fmt: skip
    make.payment(attempt.customer, "650.00", TODAY, first, second)
    send_some(now=SLOT)
    assert outbox.state(notice) == AttemptState.CANCELLED


# --- five barriers between planning and the wire ------------------------------------------


@pytest.fixture
def pay(two):
    attempt, first, second = two
    booked = []

    def now():
        if not booked:
            booked.append(make.payment(attempt.customer, "650.00", TODAY, first, second))

    return now


def after(function, act):
    def wrapped(*args, **options):
        result = function(*args, **options)
        act()
        return result

    return wrapped


def before(function, act):
    def wrapped(*args, **options):
        act()
        return function(*args, **options)

    return wrapped


def before_the_last_look(monkeypatch, pay):
    """The row is rendered; the payment is booked just before the customer is locked."""
    real, looks = record.locked, []

    @contextmanager
    def locked(attempt_id):
        looks.append(attempt_id)
        if len(looks) == 1:
            pay()
        with real(attempt_id) as attempt:
            yield attempt

    monkeypatch.setattr(record, "locked", locked)


BARRIERS = {
    "planned": lambda patch, pay: pay(),
    "claimed": lambda patch, pay: patch.setattr(moves, "claim", after(moves.claim, pay)),
    "rendering": lambda patch, pay: patch.setattr(
        sender, "render_and_freeze", before(sender.render_and_freeze, pay)
    ),
    "rendered": lambda patch, pay: patch.setattr(
        sender, "render_and_freeze", after(sender.render_and_freeze, pay)
    ),
    "last look": before_the_last_look,
}


@pytest.mark.parametrize("barrier", BARRIERS)
def test_l05_a_payment_at_any_point_before_the_wire_is_respected(two, pay, barrier, monkeypatch):
    BARRIERS[barrier](monkeypatch, pay)
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.cancelled, len(mail.outbox)) == (0, 1, 0)
    assert outbox.again(two[0]).reason == "paid"
    assert audit(SLOT) == []


def test_a_payment_while_it_is_on_the_wire_is_named_as_crossed(two, pay, monkeypatch):
    monkeypatch.setattr(sender.Mailbox, "send", before(sender.Mailbox.send, pay))
    assert send_some(now=SLOT).sent == 1
    assert EventData.objects.filter(summary__contains="a payment was booked while").count() == 1
    assert audit(SLOT) == []


def test_what_is_frozen_is_rendered_again_when_the_facts_change(two, monkeypatch):
    """First rendering with both invoices, then one is paid: the second bytes leave."""
    attempt, first, _ = two
    rendered = []
    real = sender.render_and_freeze

    def render(row, *args, **options):
        rendered.append(real(row, *args, **options).document_id)
        if len(rendered) == 1:
            make.payment(attempt.customer, "400.00", TODAY, first)
        return

    monkeypatch.setattr(sender, "render_and_freeze", render)
    assert send_some(now=SLOT).sent == 1
    assert len(set(rendered)) == 2
    assert "INV-1" not in mail.outbox[0].body


# --- deadlines ------------------------------------------------------------------------------


def test_a_message_that_leaves_days_later_gives_as_many_days(two):
    attempt, first, second = two
    type(attempt).objects.filter(pk=attempt.pk).update(
        tone=Tone.FIRM, pay_by=TODAY + timedelta(days=10)
    )
    attempt.items.update(pay_by=TODAY + timedelta(days=10))
    send_some(now=SLOT + timedelta(days=2))
    row = outbox.again(attempt)
    assert row.pay_by == TODAY + timedelta(days=14)  # the 12th day is a Saturday
    assert set(row.items.values_list("pay_by", flat=True)) == {row.pay_by}
    assert "16 March 2026" in mail.outbox[0].body


def test_trying_again_on_the_same_day_moves_no_deadline(two):
    attempt, *_ = two
    pay_by = TODAY + timedelta(days=10)
    type(attempt).objects.filter(pk=attempt.pk).update(tone=Tone.FIRM, pay_by=pay_by)
    make.company(send_rate=0)
    send_some(now=SLOT)
    make.company(send_rate=None)
    send_some(now=SLOT)
    assert outbox.again(attempt).pay_by == pay_by


@pytest.mark.parametrize("days", [0, 1])
def test_l35_the_last_look_needs_no_query_for_each_invoice(django_assert_max_num_queries, days):
    outbox.company()
    customer = make.customer()
    many = [make.invoice(customer, "10.00", outbox.late(20 + n)) for n in range(60)]
    attempt = outbox.queued(customer, *many)
    with django_assert_max_num_queries(45), transaction.atomic():
        found = truth.refresh(attempt, today=TODAY + timedelta(days=days))
    assert found.reason is None
    assert attempt.items.filter(completes=True, live=True).count() == 60
    assert attempt.items.order_by("pk")[0].days_late == 20 + days


def test_who_opts_out_of_soft_reminders_gets_no_friendly_one_that_was_on_its_way(two):
    attempt, *_ = two
    update_customer(attempt.customer_id, {"opted_out_soft": True}, actor=SYSTEM)
    assert send_some(now=SLOT).cancelled == 1
    assert outbox.again(attempt).reason == "opted_out"


def test_an_opt_out_of_soft_reminders_keeps_no_firm_one_back(two):
    attempt, *_ = two
    soon = TODAY + timedelta(days=10)
    type(attempt).objects.filter(pk=attempt.pk).update(tone=Tone.FIRM, pay_by=soon)
    update_customer(attempt.customer_id, {"opted_out_soft": True}, actor=SYSTEM)
    assert send_some(now=SLOT).sent == 1
