"""A planned message leaves at its slot: once, as it was frozen, with a trace of it."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.core import mail

from arfollow.shared.models import Event, EventData
from dunning.delivery.frozen import sha256
from dunning.dispatch import sender
from dunning.models import AttemptState, FrozenMessage
from tests import make, outbox
from tests.outbox import MORNING, SLOT, send_some


def parsed(raw):
    return message_from_bytes(raw, policy=policy.default)


pytestmark = pytest.mark.django_db


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1", "Ashdown Joinery")
    invoice = make.invoice(customer, "400.00", outbox.late(10), number="INV-1")
    return outbox.queued(customer, invoice)


def test_nothing_leaves_before_its_slot(reminder):
    tally = send_some(now=SLOT - timedelta(minutes=1))
    assert (tally.sent, len(mail.outbox)) == (0, 0)
    assert outbox.state(reminder) == AttemptState.PLANNED


def test_a_due_message_leaves_once(reminder):
    assert send_some(now=SLOT).sent == 1
    assert send_some(now=SLOT).sent == 0
    assert len(mail.outbox) == 1
    assert mail.outbox[0].to == ["Pat Keel <ap.c-1@example.test>"]


def test_a_sent_message_knows_its_day_its_id_and_who_took_it(reminder):
    send_some(now=SLOT)
    row = outbox.again(reminder)
    assert row.state == AttemptState.SENT
    assert row.done_on == make.TODAY
    assert str(row.uuid) in row.message_id
    assert row.sent_at is not None
    assert row.sending_at <= row.sent_at
    assert row.provider == "file"
    assert row.live


def test_the_bytes_that_left_are_kept_under_their_hash(reminder):
    send_some(now=SLOT)
    frozen = FrozenMessage.objects.get(attempt=reminder)
    raw = bytes(frozen.document.data)
    assert sha256(raw) == frozen.document.sha256
    assert mail.outbox[0].message().as_bytes() == raw


def test_automatic_mail_says_that_it_is_automatic(reminder):
    send_some(now=SLOT)
    raw = mail.outbox[0].message().as_bytes()
    head = parsed(raw)
    assert head["Auto-Submitted"] == "auto-generated"
    assert head["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert str(reminder.uuid) in head["Message-ID"]


def test_a_later_reminder_continues_the_thread(reminder):
    send_some(now=SLOT)
    first = outbox.again(reminder)
    invoice = first.lead_invoice
    later = MORNING + timedelta(days=7)
    outbox.queued(first.customer, invoice, step="second", now=later, planned_on=later.date())
    send_some(now=SLOT + timedelta(days=7))
    head = parsed(mail.outbox[1].message().as_bytes())
    assert head["In-Reply-To"].strip() == first.message_id
    assert head["References"].strip() == first.message_id


def test_sending_leaves_an_event_and_wakes_the_next_run(reminder):
    before = reminder.customer.ledger_seq
    send_some(now=SLOT)
    reminder.customer.refresh_from_db()
    assert reminder.customer.ledger_seq > before
    assert EventData.objects.filter(summary__startswith="Sent: ").count() == 1


def test_a_message_that_is_still_true_is_not_touched(reminder):
    before = list(reminder.items.values())
    send_some(now=SLOT)
    assert list(reminder.items.values()) == before
    assert not Event.objects.filter(verb="attempt.changed").exists()


def test_what_is_left_for_later_is_counted(reminder):
    make.company(send_rate=0)
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.remaining) == (0, 1)
    assert outbox.state(reminder) == AttemptState.PLANNED


def test_a_broken_row_does_not_stop_the_others(reminder, monkeypatch):
    other = make.customer("C-2", "Birch Supplies")
    outbox.queued(other, make.invoice(other, "90.00", outbox.late(9)))
    real = sender.render_and_freeze

    def poison(attempt, *args, **options):
        if attempt.pk == reminder.pk:
            raise RuntimeError("poison")
        return real(attempt, *args, **options)

    monkeypatch.setattr(sender, "render_and_freeze", poison)
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.failed) == (1, 1)
    assert outbox.again(reminder).reason == "render"
