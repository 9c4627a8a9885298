"""A person may override the window and the caps of their own message, never a brake or a stop."""

from datetime import datetime, timedelta

import pytest

from arfollow.shared.events import SYSTEM
from arfollow.staff.models import Company
from customers.models import LegalStop
from customers.services import set_legal_stop
from dunning.delivery.render import render_and_freeze
from dunning.dispatch import Answer, can_send, record
from dunning.models import AttemptState, ContactAttempt
from dunning.outbox import switches
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = pytest.mark.django_db

NIGHT = SLOT + timedelta(hours=12)


@pytest.fixture
def ready():
    """Rendered and waiting; only the gate is in between."""
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    render_and_freeze(attempt, Company.load(), today=TODAY)
    return attempt


def ask(attempt: ContactAttempt, now: datetime = SLOT, **options: str):
    with record.locked(attempt.pk) as locked:
        return can_send(locked, Company.load(), now=now, **options)


def test_at_its_slot_it_may_go(ready):
    assert ask(ready).answer is Answer.GO


def test_at_night_it_waits_for_the_morning(ready):
    verdict = ask(ready, NIGHT)
    assert (verdict.answer, verdict.until) == (Answer.WAIT, SLOT + timedelta(days=1))


def test_a_typed_reason_lifts_the_window(ready):
    assert ask(ready, NIGHT, override="they asked for it now").answer is Answer.GO


def test_a_message_that_a_person_wrote_needs_no_window(ready):
    ContactAttempt.objects.filter(pk=ready.pk).update(automatic=False)
    assert ask(ready, NIGHT).answer is Answer.GO


def pause(ready):
    switches.pause(actor=SYSTEM, reason="stop")


def pay(ready):
    make.payment(ready.customer, "400.00", TODAY, ready.lead_invoice)


def stop_by_law(ready):
    set_legal_stop(ready.customer_id, LegalStop.INSOLVENT, on=TODAY, actor=SYSTEM, why="court")


def opt_out(ready):
    ready.customer.contacts.update(do_not_email=True)


def leave_in_doubt(ready):
    other = outbox.queued(ready.customer, make.invoice(ready.customer, "9.00", outbox.late(5)))
    ContactAttempt.objects.filter(pk=other.pk).update(state=AttemptState.UNKNOWN)


NEVER = {
    pause: (Answer.HOLD, "paused"),
    pay: (Answer.CANCEL, "paid"),
    stop_by_law: (Answer.CANCEL, "legal_stop"),
    opt_out: (Answer.CANCEL, "no_recipient"),
    leave_in_doubt: (Answer.CANCEL, "unknown_delivery"),
}


@pytest.mark.parametrize("act", NEVER, ids=lambda act: act.__name__)
def test_no_reason_lifts_a_brake_a_stop_or_a_payment(ready, act):
    act(ready)
    verdict = ask(ready, override="because I say so")
    assert (verdict.answer, verdict.code) == NEVER[act]


def test_bytes_that_say_something_else_are_rendered_again(ready):
    pay_part = make.payment(ready.customer, "100.00", TODAY, ready.lead_invoice)
    assert pay_part.amount == 100
    assert ask(ready).answer is Answer.RENDER
