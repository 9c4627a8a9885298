"""A database that is locked, full or away blames no message (F-14, F-48)."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from dunning.dispatch import sender, sweep
from dunning.models import AttemptState, ContactAttempt
from tests import make, outbox
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(20)))


def gives_up(*_args, **_more):
    raise OperationalError("database or disk is full")


def test_a_full_database_fails_no_message(waiting, monkeypatch, mailoutbox):
    with monkeypatch.context() as broken:
        broken.setattr(sender, "render_and_freeze", gives_up)
        with pytest.raises(OperationalError):
            send_some(now=SLOT)
    assert outbox.state(waiting) == AttemptState.CLAIMED
    ContactAttempt.objects.update(lease_until=Now() - timedelta(seconds=1))
    sweep(now=SLOT)
    send_some(now=SLOT)
    assert outbox.state(waiting) == AttemptState.SENT
    assert len(mailoutbox) == 1


def test_one_that_gives_up_after_the_mail_left_is_in_doubt(waiting, monkeypatch, mailoutbox):
    with monkeypatch.context() as broken:
        broken.setattr(sender.record, "sent", gives_up)
        with pytest.raises(OperationalError):
            send_some(now=SLOT)
    ContactAttempt.objects.update(lease_until=Now() - timedelta(seconds=1))
    sweep(now=SLOT)
    send_some(now=SLOT)
    assert outbox.state(waiting) == AttemptState.UNKNOWN
    assert len(mailoutbox) == 1
