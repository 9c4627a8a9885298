"""Five moments, every stop, three ways to send: the same last look (L5, item 2 of the promise)."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command

from arfollow.shared.events import actor_of
from customers.models import Contact
from customers.services import save_contact_state, set_legal_stop, update_customer
from dunning import dispatch, outcomes
from dunning.dispatch import record, sender
from dunning.dispatch.audit import audit
from dunning.models import AttemptState, Channel, ContactAttempt, HoldReason, Inbound
from dunning.outbox import Settlement, approve, moves, settle_unknown, switches
from dunning.outcomes import HoldInput, PromiseInput
from invoices.models import LedgerSource
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]

AFTER = SLOT + timedelta(minutes=1)


@pytest.fixture
def world():
    outbox.company()
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(20), number="INV-1")
    boss = actor_of(make.user("manager"))
    return customer, invoice, boss


# --- what may come in between -----------------------------------------------------------------


def stale(customer, invoice, boss):
    LedgerSource.objects.create(name="bank", as_of=TODAY - timedelta(days=10))


def reply(customer, invoice, boss):
    Inbound.objects.create(customer=customer, received_at=SLOT)


def no_mail(customer, invoice, boss):
    person = Contact.objects.get(customer=customer)
    save_contact_state(person, {"do_not_email": True}, actor=boss, why="said so")


def hold(customer, invoice, boss):
    wanted = HoldInput(HoldReason.SAYS_PAID, TODAY + timedelta(days=5))
    outcomes.add_hold(customer.pk, wanted, actor=boss, today=TODAY)


def promise(customer, invoice, boss):
    given = PromiseInput(TODAY + timedelta(days=7))
    outcomes.add_promise(customer.pk, given, actor=boss, today=TODAY)


def legal(customer, invoice, boss):
    set_legal_stop(customer.pk, "insolvent", on=TODAY, actor=boss, why="letter of the court")


CANCELLED, HELD, SENT = AttemptState.CANCELLED, AttemptState.HELD, AttemptState.SENT
ACTS = {
    "full payment": (lambda c, i, b: make.payment(c, "400.00", TODAY, i), CANCELLED, "paid"),
    "part payment": (lambda c, i, b: make.payment(c, "150.00", TODAY, i), SENT, "due"),
    "credit": (lambda c, i, b: make.credit_note(c, "400.00", TODAY), CANCELLED, "covered"),
    "dispute": (lambda c, i, b: make.dispute(i, "400.00", on=TODAY), CANCELLED, "disputed"),
    "promise": (promise, CANCELLED, "promised"),
    "hold": (hold, CANCELLED, "customer_hold"),
    "unread reply": (reply, CANCELLED, "unread_reply"),
    "legal stop": (legal, CANCELLED, "legal_stop"),
    "opt-out": (
        lambda c, i, b: update_customer(c.pk, {"opted_out_soft": True}, actor=b),
        CANCELLED,
        "opted_out",
    ),
    "do not mail": (no_mail, CANCELLED, "no_recipient"),
    "old payment data": (stale, HELD, "due"),
    "pause": (lambda c, i, b: switches.pause(actor=b, reason="stop"), HELD, "due"),
    "kill switch": (
        lambda c, i, b: switches.switch_off("customer", str(c.pk), actor=b, reason="stop"),
        HELD,
        "due",
    ),
}


# --- when it comes ------------------------------------------------------------------------------


def once(act):
    done = []

    def now():
        if not done:
            done.append(True)
            act()

    return now


def around(function, *, first=None, then=None):
    def wrapped(*args, **options):
        if first:
            first()
        result = function(*args, **options)
        if then:
            then()
        return result

    return wrapped


def just_before_the_lock(patch, act):
    real = record.locked

    @contextmanager
    def locked(attempt_id):
        act()
        with real(attempt_id) as attempt:
            yield attempt

    patch.setattr(record, "locked", locked)


MOMENTS = {
    "before the slot": lambda patch, act: act(),
    "claimed": lambda patch, act: patch.setattr(moves, "claim", around(moves.claim, then=act)),
    "rendering": lambda patch, act: patch.setattr(
        sender, "render_and_freeze", around(sender.render_and_freeze, first=act)
    ),
    "rendered": lambda patch, act: patch.setattr(
        sender, "render_and_freeze", around(sender.render_and_freeze, then=act)
    ),
    "before the lock": just_before_the_lock,
}


# --- how it is sent -----------------------------------------------------------------------------


def by_beat(customer, invoice, boss):
    return outbox.queued(customer, invoice)


def by_approval(customer, invoice, boss):
    attempt = outbox.queued(customer, invoice, needs_approval=True)
    assert attempt.state == HELD
    approve(attempt.pk, actor=boss, now=outbox.MORNING)
    return attempt


def by_button(customer, invoice, boss):
    """A person has an unknown one sent again."""
    first = outbox.queued(customer, invoice)
    rows = ContactAttempt.objects.filter(pk=first.pk)
    rows.update(state=AttemptState.UNKNOWN, live=True)
    return settle_unknown(first.pk, Settlement.SEND_AGAIN, actor=boss, now=outbox.MORNING)


def beat():
    dispatch.send_some(now=AFTER, seconds=None)


def batch():
    call_command("send_due", now=AFTER.isoformat())


WAYS = {
    "beat": (by_beat, beat),
    "batch": (by_beat, batch),
    "approval": (by_approval, beat),
    "button": (by_button, beat),
}


def respected(what, moment, way, world, patch):
    plan, send = WAYS[way]
    attempt = plan(*world)
    act, state, reason = ACTS[what]
    MOMENTS[moment](patch, once(lambda: act(*world)))
    send()
    row = outbox.again(attempt)
    asked = {"sent_again"} if way == "button" else set()  # why it was made stays on the row
    assert row.state == state
    assert row.reason in {reason} | asked
    assert row.reason_text
    assert len(mail.outbox) == (1 if state == SENT else 0)
    if state == SENT:
        assert "250.00" in mail.outbox[0].body
        assert sum(item.amount for item in row.items.all()) == 250
    assert audit(AFTER) == []


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("what", ACTS)
def test_l05_whatever_comes_before_the_wire_is_respected(what, moment, world, monkeypatch):
    respected(what, moment, "beat", world, monkeypatch)


@pytest.mark.parametrize("way", ["batch", "approval", "button"])
@pytest.mark.parametrize("what", ACTS)
def test_l05_it_is_respected_however_it_is_sent(what, way, world, monkeypatch):
    respected(what, "rendered", way, world, monkeypatch)


@pytest.mark.parametrize("days", [3, 4, 10])
def test_l31_payment_data_is_looked_at_on_the_day_it_leaves(world, days):
    """Fresh when it was planned, too old when its slot came."""
    LedgerSource.objects.create(name="bank", as_of=TODAY)
    attempt = by_beat(*world)
    dispatch.send_some(now=SLOT + timedelta(days=days), seconds=None)
    held = days > 3
    row = outbox.again(attempt)
    assert (row.state, row.held_for) == ((HELD, "stale") if held else (SENT, ""))
    assert (len(mail.outbox) == 0) is held


def test_an_internal_notice_about_what_is_promised_does_not_leave_either(world):
    customer, invoice, boss = world
    notice = outbox.queued(
        customer, invoice, channel=Channel.INTERNAL, tone="internal", customer_facing=False
    )
    promise(customer, invoice, boss)
    beat()
    assert outbox.state(notice) == CANCELLED
