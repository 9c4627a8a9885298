"""A clock that jumps, and a machine whose clock is wrong: no early step, no day lost (F-49)."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from arfollow.shared import clock
from customers.models import Customer
from dunning import dispatch, tasks
from dunning.dispatch import brakes, circuit, sweep
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, ContactAttempt, Heartbeat
from dunning.outbox import desk, moves
from tests import make, outbox
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def customer() -> Customer:
    outbox.company()
    return make.customer()


def reminder(customer: Customer) -> ContactAttempt:
    return outbox.queued(customer, make.invoice(customer, due=outbox.late(10)))


# --- a machine whose clock is wrong ---------------------------------------------------------


@pytest.fixture
def off_by(monkeypatch: pytest.MonkeyPatch):
    """This machine's clock, not the database's, is off."""
    real = timezone.now

    def shift(by: timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: real() + by)

    return shift


@pytest.mark.parametrize("by", [DAY, -DAY, timedelta(minutes=6), timedelta(days=3650)])
def test_a_worker_whose_clock_is_wrong_neither_plans_nor_sends(customer, off_by, by):
    attempt = reminder(customer)
    ContactAttempt.objects.filter(pk=attempt.pk).update(due_at=clock.now())
    off_by(by)
    tasks.plan_due()
    tasks.send_some()
    tasks.sweep()
    assert (outbox.state(attempt), mail.outbox) == (AttemptState.PLANNED, [])
    beats = Heartbeat.objects.filter(name__in=dispatch.PROCESSES)
    assert not beats.exists()  # nobody beats: the dashboard alarms


def test_a_clock_that_is_a_few_minutes_off_does_no_harm(customer, off_by):
    reminder(customer)
    off_by(timedelta(minutes=4))
    tasks.send_some()
    assert Heartbeat.objects.filter(name="sender").exists()


@pytest.mark.parametrize("command", ["run_dunning", "send_due"])
def test_a_command_refuses_a_wrong_clock_unless_it_is_told_the_day(customer, off_by, command):
    attempt = reminder(customer)
    off_by(DAY)
    with pytest.raises(CommandError, match="ahead of the database"):
        call_command(command)
    assert outbox.state(attempt) == AttemptState.PLANNED
    told = {"run_dunning": {"date": SLOT.date()}, "send_due": {"now": SLOT.isoformat()}}
    call_command(command, **told[command], stdout=StringIO(), stderr=StringIO())


def test_the_refusal_says_by_how_much_the_clock_is_off(customer, off_by):
    off_by(timedelta(minutes=90))
    with pytest.raises(dispatch.WrongClock, match="90 minutes ahead of"):
        dispatch.check_clock()
    off_by(timedelta(minutes=-90))
    with pytest.raises(dispatch.WrongClock, match="minutes behind"):
        dispatch.check_clock()


def test_leases_run_on_the_databases_clock_alone(customer, off_by):
    attempt = reminder(customer)
    off_by(10 * DAY)
    [taken] = moves.claim("worker-a", now=SLOT, lease=timedelta(seconds=120))
    assert moves.expire_claims() == []  # ours says ten days have passed
    assert (taken, outbox.state(attempt)) == (attempt.pk, AttemptState.CLAIMED)


# --- the whole installation's clock jumps ---------------------------------------------------


@pytest.mark.parametrize("days", [-1, 1])
def test_a_day_forward_or_back_sends_nothing_twice(customer, days):
    reminder(customer)
    send_some(now=SLOT)
    for jump in (days, 0, days):
        sweep(now=SLOT + jump * DAY)
        send_some(now=SLOT + jump * DAY)
    assert len(mail.outbox) == 1


def test_nothing_leaves_before_its_slot_when_the_clock_goes_back(customer):
    attempt = reminder(customer)
    send_some(now=SLOT - DAY)
    assert outbox.state(attempt) == AttemptState.PLANNED


def test_the_send_rate_does_not_wait_for_a_clock_that_was_set_back(customer):
    company = outbox.company(send_rate=60)
    assert brakes.take_turn(company, SLOT + DAY)
    assert brakes.take_turn(company, SLOT)


def test_provider_trouble_noted_by_a_clock_ahead_does_not_last_a_day(customer):
    circuit.note_trouble(SLOT + DAY, 15 * MINUTE)
    assert circuit.trouble_until(SLOT) is None
    assert circuit.trouble_until(SLOT + DAY) == SLOT + DAY + 15 * MINUTE


def test_a_lease_of_a_clock_that_was_ahead_ends_with_the_next_sweep(customer):
    """The database's own clock was set back: a lease may not outlast any lease given now."""
    attempt = reminder(customer)
    moves.claim("worker-a", now=SLOT, lease=DAY)
    assert moves.expire_claims() == [attempt.pk]
    assert outbox.state(attempt) == AttemptState.PLANNED


def test_what_counts_once_a_day_counts_again_after_the_clock_went_back(customer):
    brakes.beat("reached", SLOT + 3650 * DAY)
    attempt = reminder(customer)
    send_some(now=SLOT)
    sweep(now=SLOT + 7 * DAY)
    assert outbox.again(attempt).reached_on is not None


def test_the_audit_does_not_cry_wolf_after_the_clock_went_back(customer):
    """Paid after it was sent, by a clock that says it was before."""
    invoice = make.invoice(customer, due=outbox.late(10))
    attempt = outbox.queued(customer, invoice)
    send_some(now=SLOT)
    sent_at = outbox.again(attempt).sending_at
    with clock.at(sent_at - DAY):
        make.payment(customer, "100.00", make.TODAY, invoice)
    assert audit(SLOT) == []


def test_the_audit_still_names_what_left_after_the_payment(customer):
    invoice = make.invoice(customer, due=outbox.late(10))
    attempt = outbox.queued(customer, invoice)
    with clock.at(clock.now() - DAY):
        make.payment(customer, "100.00", make.TODAY, invoice)
    row = ContactAttempt.objects.filter(pk=attempt.pk)
    now = clock.now()
    row.update(state="sent", sending_at=now, sent_at=now, done_on=make.TODAY, message_id="<m@x>")
    desk.tell(attempt, "attempt.sent", "Sent")
    assert [breach.code for breach in audit(SLOT)] == ["D4-paid"]


# --- trying again ---------------------------------------------------------------------------


def waits(tries: int) -> list[timedelta]:
    fresh = [ContactAttempt() for _ in range(200)]
    return [dispatch.record.jittered(60 * MINUTE, attempt, tries) for attempt in fresh]


def test_messages_that_failed_together_do_not_come_back_together():
    found = waits(1)
    assert min(found) >= 60 * MINUTE
    assert max(found) <= 72 * MINUTE
    assert len(set(found)) > 50


def test_the_same_message_waits_equally_long_on_every_machine():
    attempt = ContactAttempt()
    assert len({dispatch.record.jittered(MINUTE, attempt, 2) for _ in range(5)}) == 1


def test_each_try_is_shifted_anew():
    attempt = ContactAttempt()
    assert len({dispatch.record.jittered(MINUTE, attempt, n) for n in range(4)}) > 1


def aware(moment: datetime) -> bool:
    return moment.tzinfo is not None


def test_the_databases_clock_is_read_with_its_zone(customer):
    assert aware(brakes._database_time())
