"""A sender that stood still past its lease and then heard "taken" settles the doubt (F-19)."""

from datetime import timedelta

import pytest

from arfollow.shared.models import Event
from dunning.delivery.base import Receipt
from dunning.dispatch import record, sweep
from dunning.dispatch.record import Errand
from dunning.models import AttemptState, Task, TaskStatus
from dunning.outbox import moves
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT

pytestmark = pytest.mark.django_db

ME, OVER = "worker-1", timedelta(seconds=-1)


@pytest.fixture
def doubted():
    """Unknown: whoever sent it did not come back before its lease was over."""
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    moves.claim(ME, now=SLOT, lease=timedelta(minutes=2))
    moves.begin_sending(attempt.pk, ME, lease=OVER, message_id="<a@b>")
    sweep(now=SLOT)
    assert outbox.state(attempt) == AttemptState.UNKNOWN
    return attempt


def answered(attempt, worker=ME):
    return record.sent(Errand(attempt.pk, worker, SLOT, TODAY), Receipt("smtp", "<a@b>"))


def test_it_is_sent_and_says_that_the_answer_came_late(doubted):
    assert answered(doubted)
    row = outbox.again(doubted)
    assert (row.state, row.reason_text) == ("sent", "Late answer of the mail server.")
    assert "late" in Event.objects.get(verb="attempt.sent", object_id=doubted.pk).data.summary


def test_nobody_is_asked_any_more_whether_it_arrived(doubted):
    answered(doubted)
    task = Task.objects.get(attempt=doubted, kind="check_delivery")
    assert (task.status, task.done_by_id) == (TaskStatus.DONE, None)


def test_another_senders_answer_settles_nothing(doubted):
    assert not answered(doubted, worker="worker-2")
    assert outbox.state(doubted) == AttemptState.UNKNOWN
    assert Task.objects.get(attempt=doubted).status == TaskStatus.OPEN
