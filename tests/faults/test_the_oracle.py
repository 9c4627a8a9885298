"""The oracle of the fault runs finds what it is there to find: a proof that cannot fail is none."""

import json
from datetime import timedelta

import pytest

from dunning.dispatch import record, send_some
from dunning.models import AttemptState, ContactAttempt, Task
from tests import make, outbox
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.results import Sum

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]


class FakeWorld:
    """What the oracle asks a world for: the log of its mail server."""

    def __init__(self, *taken):
        self.sink = self
        self.taken = taken

    def log(self):
        return [{"what": "taken", "id": f"<attempt.{key}@x>"} for key in self.taken]


@pytest.fixture
def message():
    """One message that was sent and arrived."""
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(20)))
    send_some(now=outbox.SLOT, seconds=None)
    return outbox.again(attempt)


def now_in(attempt, state, **fields):
    ContactAttempt.objects.filter(pk=attempt.pk).update(state=state, **fields)


def test_what_arrived_once_and_is_recorded_as_sent_is_right(message):
    found = judge(FakeWorld(message.uuid), most_unknown=0)
    nobody_forgotten(found, FakeWorld(), [message.customer_id])
    assert (found.lost, found.doubled, found.wrong, found.hidden) == (0, 0, 0, 0), found.notes


def test_the_same_message_twice_is_doubled(message):
    assert judge(FakeWorld(message.uuid, message.uuid), most_unknown=0).doubled == 1


def test_recorded_as_sent_but_never_arrived_is_lost(message):
    assert judge(FakeWorld(), most_unknown=0).lost == 1


def test_still_waiting_after_recovery_is_lost(message):
    now_in(message, AttemptState.PLANNED, sent_at=None, sending_at=None)
    assert judge(FakeWorld(), most_unknown=0).lost == 1


def test_a_customer_nobody_wrote_to_is_lost(message):
    found = judge(FakeWorld(message.uuid), most_unknown=0)
    nobody_forgotten(found, FakeWorld(), [message.customer_id, 10**6])
    assert found.lost == 1


def test_arrived_but_recorded_as_cancelled_is_wrong(message):
    now_in(message, AttemptState.CANCELLED, live=False)
    assert judge(FakeWorld(message.uuid), most_unknown=0).wrong >= 1


def test_what_nobody_planned_is_wrong(message):
    stranger = "00000000-0000-4000-8000-000000000000"
    assert judge(FakeWorld(message.uuid, stranger), most_unknown=0).wrong == 1


def test_somebody_who_must_not_be_written_to_is_wrong(message):
    found = judge(FakeWorld(message.uuid), most_unknown=0, forbidden=[message.customer_id])
    assert found.wrong == 1


def test_an_unknown_that_nobody_is_asked_about_is_hidden(message):
    now_in(message, AttemptState.UNKNOWN)
    assert judge(FakeWorld(message.uuid), most_unknown=1).hidden == 1
    Task.objects.create(
        kind="check_delivery", title="Look", attempt=message, customer_id=message.customer_id,
        due_on=make.TODAY,
    )  # fmt: skip
    assert judge(FakeWorld(message.uuid), most_unknown=1).hidden == 0


def test_more_unknowns_than_the_fault_explains_are_wrong(message):
    now_in(message, AttemptState.UNKNOWN)
    record.tell_unknown(message, make.TODAY)
    assert judge(FakeWorld(message.uuid), most_unknown=1).wrong == 0
    assert judge(FakeWorld(message.uuid), most_unknown=0).wrong == 1


def test_a_breach_of_the_products_own_audit_is_wrong(message):
    now_in(message, AttemptState.SENT, sending_at=message.sending_at + timedelta(days=400))
    make.payment(message.customer, "400.00")
    now_in(message, AttemptState.SENT, live=False)
    assert judge(FakeWorld(message.uuid), most_unknown=0).wrong >= 1


def test_the_sum_says_so():
    row = {"fault": "a", "tries": 2, "found": dict.fromkeys(
        ("lost", "doubled", "wrong", "unknown", "hidden"), 0)}  # fmt: skip
    assert Sum.of([row]).good
    assert str(Sum.of([row])) == (
        "faults 1, tries 2, lost 0, doubled 0, wrong 0, unknown 0 (all visible)"
    )
    bad = json.loads(json.dumps(row))
    bad["found"]["hidden"] = 1
    assert not Sum.of([row, bad]).good
