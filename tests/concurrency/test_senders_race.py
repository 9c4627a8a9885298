"""Several senders on one outbox: every message once, whoever takes it (D1, D4, D8, L1)."""

import time
from collections import Counter
from decimal import Decimal

import pytest
from django.utils import timezone

from arfollow.shared.events import SYSTEM
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, ContactAttempt
from dunning.outbox import switches
from invoices.models import Payment
from invoices.services import record_payment
from tests import outbox, races
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SENT = AttemptState.SENT
HUNDRED = Decimal("100.00")
ROWS = 24


def sent_so_far():
    return ContactAttempt.objects.filter(state=SENT).count()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


@pytest.mark.parametrize("senders", [2, 4])
def test_l01_racing_senders_send_each_message_once(senders, tmp_path):
    attempts = races.many(ROWS)
    with races.racing(senders, SLOT, tmp_path) as racers:
        done = races.tallies(racers)
    assert sum(tally["sent"] for tally in done) == len(attempts)
    assert sum(tally["failed"] + tally["unknown"] for tally in done) == 0
    ids = races.arrived(tmp_path)
    assert len(ids) == len(attempts)
    assert max(Counter(ids).values()) == 1
    assert outbox.in_state(SENT) == len(attempts)
    assert audit(SLOT) == []


def test_payments_booked_in_the_middle_of_a_race_are_respected(tmp_path):
    attempts = races.many(ROWS)
    with races.racing(2, SLOT, tmp_path) as racers:
        for attempt in attempts[::-4]:
            record_payment(
                attempt.customer_id, actor=SYSTEM, received_on=TODAY, currency="USD", amount=HUNDRED
            )
        races.tallies(racers)
    booked = dict(Payment.objects.values_list("customer_id", "recorded_at"))
    assert len(booked) == ROWS // 4
    for row in ContactAttempt.objects.filter(customer__in=booked):
        if row.state == SENT:  # before the payment; crossed at worst
            assert row.sending_at < booked[row.customer_id]
        else:
            assert (row.state, row.reason) == (AttemptState.CANCELLED, "paid")
    assert len(races.arrived(tmp_path)) == outbox.in_state(SENT)
    assert audit(SLOT) == []


def test_after_the_pause_is_committed_nothing_goes_on_its_way(tmp_path):
    races.many(ROWS)
    with races.racing(2, SLOT, tmp_path) as racers:
        wait_for(lambda: sent_so_far() >= 3)
        switches.pause(actor=SYSTEM, reason="stop")
        paused_at = timezone.now()
        races.tallies(racers)
    late = ContactAttempt.objects.filter(sending_at__gt=paused_at)
    assert late.count() == 0
    assert outbox.in_state(AttemptState.HELD) > 0
    assert outbox.in_state(SENT) == len(races.arrived(tmp_path))
    assert outbox.in_state(SENT) + outbox.in_state(AttemptState.HELD) == ROWS
