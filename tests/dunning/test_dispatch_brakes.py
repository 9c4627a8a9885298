"""What keeps messages back: pause, switches, storm, rate, stale data, copies, windows, caps."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core import mail

from arfollow.shared.events import SYSTEM
from arfollow.staff.models import Company
from customers.models import Customer
from dunning import outbox as product
from dunning.dispatch import NotOurDatabase, brakes, sweep
from dunning.models import (
    AttemptState,
    ContactAttempt,
    HeldFor,
    Installation,
    PolicyVersion,
    SwitchScope,
)
from dunning.outbox import switches
from invoices.models import LedgerSource
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import MORNING, SLOT, send_some

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]


def reminder(number="C-1", **fields):
    customer = make.customer(number, f"Customer {number}")
    invoice = make.invoice(customer, "400.00", outbox.late(10))
    return outbox.queued(customer, invoice, **fields)


# --- the pause and the switches (D8) --------------------------------------------------------


def test_nothing_leaves_while_sending_is_paused():
    outbox.company(paused=True, pause_reason="stocktaking")
    attempt = reminder()
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.held) == (0, 1)
    row = outbox.again(attempt)
    assert (row.state, row.held_for) == (AttemptState.HELD, HeldFor.PAUSE)
    assert row.error == "Sending is paused: stocktaking"
    assert row.live


def test_after_the_pause_a_held_message_gets_a_new_slot():
    outbox.company(paused=True)
    attempt = reminder()
    send_some(now=SLOT)
    switches.resume(actor=SYSTEM)
    sweep(now=SLOT)
    row = outbox.again(attempt)
    assert (row.state, row.held_for, row.error) == (AttemptState.PLANNED, "", "")
    assert row.due_at == SLOT + timedelta(days=1)
    assert row.local_date == TODAY + timedelta(days=1)
    assert send_some(now=row.due_at).sent == 1


def test_a_held_message_is_not_released_while_the_pause_lasts():
    outbox.company(paused=True)
    attempt = reminder()
    send_some(now=SLOT)
    sweep(now=SLOT)
    assert outbox.state(attempt) == AttemptState.HELD


@pytest.mark.parametrize(
    ("scope", "target"),
    [("all", ""), ("channel", "email"), ("customer", "own"), ("policy", "own")],
)
def test_a_switch_stops_what_is_in_its_scope(scope, target):
    outbox.company()
    version = PolicyVersion.objects.select_related("policy").first()
    attempt = reminder(policy_version=version)
    own = {"customer": str(attempt.customer_id), "policy": version.policy.key}
    switch = switches.switch_off(
        SwitchScope(scope), own.get(scope, target), actor=SYSTEM, reason="wrong texts"
    )
    assert send_some(now=SLOT).held == 1
    switches.switch_on_again(switch.pk, actor=SYSTEM)
    sweep(now=SLOT)
    assert outbox.state(attempt) == AttemptState.PLANNED


def test_a_switch_of_one_customer_leaves_the_others_alone():
    outbox.company()
    stopped, free = reminder("C-1"), reminder("C-2")
    switches.switch_off(
        SwitchScope.CUSTOMER, str(stopped.customer_id), actor=SYSTEM, reason="asked"
    )
    assert send_some(now=SLOT).sent == 1
    assert outbox.state(free) == AttemptState.SENT


def test_a_pause_set_in_the_middle_of_a_pass_stops_the_rest(monkeypatch):
    outbox.company()
    attempts = [reminder(f"C-{n}") for n in range(3)]
    real = brakes.take_turn

    def flip(company, now, **rest):
        answer = real(company, now, **rest)
        switches.pause(actor=SYSTEM, reason="stop")
        return answer

    monkeypatch.setattr(brakes, "take_turn", flip)
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.held) == (1, 2)
    assert [outbox.state(a) for a in attempts] == ["sent", "held", "held"]


# --- stale payment data (L31) ---------------------------------------------------------------


def test_l31_stale_payment_data_holds_automatic_messages():
    outbox.company()
    attempt = reminder()
    source = LedgerSource.objects.create(name="bank", as_of=TODAY - timedelta(days=10))
    assert send_some(now=SLOT).held == 1
    assert outbox.again(attempt).held_for == HeldFor.STALE
    source.as_of = TODAY
    source.save()
    sweep(now=SLOT)
    assert outbox.state(attempt) == AttemptState.PLANNED


# --- the rate -----------------------------------------------------


def test_the_send_rate_spreads_messages_over_minutes():
    outbox.company(send_rate=2)
    for number in range(5):
        reminder(f"C-{number}")
    sent = [send_some(now=SLOT + timedelta(minutes=m)).sent for m in range(3)]
    assert sent == [2, 2, 1]


def test_a_message_over_the_rate_is_given_back_unharmed():
    outbox.company(send_rate=1)
    reminder("C-1")
    other = reminder("C-2")
    send_some(now=SLOT)
    row = outbox.again(other)
    assert (row.state, row.worker, row.lease_until, row.tries) == ("planned", "", None, 0)


# --- the guard against copies (D9) ----------------------------------------------------------


def test_a_copy_of_the_database_mails_nobody(tmp_path, settings):
    outbox.company()
    attempt = reminder()
    settings.INSTANCE_FILE = tmp_path / "elsewhere"
    with pytest.raises(NotOurDatabase, match="adopt_instance"):
        send_some(now=SLOT)
    assert outbox.state(attempt) == AttemptState.PLANNED


def test_planning_goes_on_in_a_copy(tmp_path, settings):
    outbox.company()
    reminder()
    settings.INSTANCE_FILE = tmp_path / "elsewhere"
    assert reminder("C-2").state == AttemptState.PLANNED


def test_adopting_lets_the_new_place_send(tmp_path, settings):
    outbox.company()
    reminder()
    settings.INSTANCE_FILE = tmp_path / "elsewhere"
    product.adopt()
    assert send_some(now=SLOT).sent == 1


def test_a_database_with_attempts_is_never_adopted_by_itself():
    outbox.company()
    reminder()
    Installation.objects.all().delete()
    assert not product.may_send()


def test_the_instance_id_lives_beside_the_database_not_in_it():
    assert settings.INSTANCE_FILE.parent == settings.VAR_DIR


# --- windows and caps -----------------------------------------------------------------------


def test_a_message_that_comes_late_waits_for_the_next_open_day():
    outbox.company()
    attempt = reminder()
    friday_night = datetime(2026, 3, 6, 20, tzinfo=UTC)
    assert send_some(now=friday_night).sent == 0
    row = outbox.again(attempt)
    assert row.due_at == datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert (row.state, row.local_date) == (AttemptState.PLANNED, row.due_at.date())


def test_the_window_is_the_customers():
    outbox.company()
    customer = make.customer("C-9", "Far west", time_zone="America/Los_Angeles")
    attempt = outbox.queued(customer, make.invoice(customer, "90.00", outbox.late(9)))
    assert attempt.due_at == datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert send_some(now=SLOT).sent == 0
    assert send_some(now=attempt.due_at).sent == 1


def test_no_more_than_three_messages_in_seven_days():
    outbox.company(weekly_cap=3)
    customer = make.customer()
    invoice = make.invoice(customer, "400.00", outbox.late(10))
    for day in range(4):
        now = MORNING + timedelta(days=day)
        outbox.queued(customer, invoice, step=f"step-{day}", now=now, planned_on=now.date())
        sent = send_some(now=SLOT + timedelta(days=day)).sent
        assert sent == (1 if day < 3 else 0)
    assert outbox.in_state(AttemptState.PLANNED) == 1


def test_a_message_that_was_kept_back_does_not_join_the_next_one_on_its_day():
    outbox.company(send_rate=0)
    customer = make.customer()
    first, second = (make.invoice(customer, a, outbox.late(9)) for a in ("90.00", "80.00"))
    outbox.queued(customer, first)
    outbox.queued(customer, second)  # it has tomorrow's slot
    send_some(now=SLOT)
    outbox.company(send_rate=None)
    tomorrow = SLOT + timedelta(days=1)
    assert send_some(now=tomorrow).sent == 1
    assert send_some(now=tomorrow + timedelta(days=1)).sent == 1


def test_one_mailbox_of_two_accounts_gets_one_message_a_day():
    outbox.company()
    first = make.customer("C-1", email="ap@holding.test")
    second = make.customer("C-2", email="ap@holding.test")
    for customer in (first, second):
        outbox.queued(customer, make.invoice(customer, "90.00", outbox.late(9)))
    assert send_some(now=SLOT).sent == 1
    assert send_some(now=SLOT + timedelta(days=1)).sent == 1


# --- addresses (L19) ------------------------------------------------------------------------


def test_l19_a_dead_address_fails_closed():
    outbox.company()
    attempt = reminder()
    attempt.customer.contacts.update(email_state="bounced")
    assert send_some(now=SLOT).cancelled == 1
    row = outbox.again(attempt)
    assert (row.reason, len(mail.outbox)) == ("no_recipient", 0)


def test_a_corrected_address_is_the_one_it_goes_to():
    outbox.company()
    attempt = reminder()
    attempt.customer.contacts.update(email="new@example.test")
    send_some(now=SLOT)
    assert mail.outbox[0].to == ["Pat Keel <new@example.test>"]


# --- shadow mode ----------------------------------------------------------------------------


@pytest.fixture
def shadow():
    outbox.company(shadow_mode=True, shadow_email="me@harbourpine.test")
    attempt = reminder()
    send_some(now=SLOT)
    return outbox.again(attempt)


def test_in_shadow_mode_every_message_goes_to_us(shadow):
    assert mail.outbox[0].recipients() == ["Shadow mode <me@harbourpine.test>"]


def test_a_shadow_copy_names_whom_it_would_have_gone_to(shadow):
    head = mail.outbox[0].message()
    assert head["X-Arfollow-For"] == "ap.c-1@example.test"
    assert mail.outbox[0].body.startswith("[Shadow mode: this would have gone to ap.c-1@")


def test_a_shadow_copy_is_no_contact_made(shadow):
    assert (shadow.state, shadow.shadowed) == (AttemptState.SENT, True)
    sweep(now=SLOT + timedelta(days=30))
    assert outbox.again(shadow).reached_on is None


def test_going_live_starts_with_what_customers_really_got(shadow):
    seen = Customer.objects.get(pk=shadow.customer_id).ledger_seq
    assert switches.leave_shadow(actor=SYSTEM) == 1
    assert not Company.load().shadow_mode
    copy = outbox.again(shadow)
    assert (copy.state, copy.live) == (AttemptState.SENT, False)
    assert not copy.items.filter(live=True).exists()
    assert Customer.objects.get(pk=shadow.customer_id).ledger_seq == seen + 1


def test_going_live_leaves_alone_what_went_to_customers(shadow):
    ContactAttempt.objects.filter(pk=shadow.pk).update(shadowed=False)
    assert switches.leave_shadow(actor=SYSTEM) == 0
    assert outbox.again(shadow).live


def test_shadow_mode_without_an_address_sends_nothing():
    outbox.company(shadow_mode=True, shadow_email="")
    reminder()
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.held) == (0, 1)


def test_switching_shadow_mode_off_in_between_renders_for_the_customer():
    outbox.company(shadow_mode=True, shadow_email="me@harbourpine.test", send_rate=0)
    attempt = reminder()
    send_some(now=SLOT)  # rendered for the shadow, kept back by the rate
    outbox.company(shadow_mode=False, send_rate=None)
    send_some(now=SLOT)
    assert mail.outbox[0].to == ["Pat Keel <ap.c-1@example.test>"]
    assert outbox.again(attempt).shadowed is False
