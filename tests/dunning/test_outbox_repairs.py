"""A message that did not arrive: sent again or called instead, once however often it is asked."""

from datetime import timedelta

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, actor_of
from customers.services import save_contact
from dunning.delivery import events
from dunning.delivery.events import Report
from dunning.models import AttemptState, ContactAttempt, Task, TaskKind
from dunning.outbox import Settlement, call_instead, repairs, settle_unknown, try_again
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT, send_some

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]
SINCE = SLOT - timedelta(days=30)
GONE = "550 5.1.1 no such user"


@pytest.fixture
def actor():
    return actor_of(make.user())


@pytest.fixture
def returned():
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    send_some()
    report = Report("postmark", "bounced", "b-1", SLOT, recipient="ap.c-1@example.test",
                    attempt=str(attempt.uuid), description=GONE)  # fmt: skip
    events.apply(events.store(report, now=SLOT), now=SLOT)
    return outbox.again(attempt)


def correct(attempt, email="new@example.test"):
    contact = attempt.customer.contacts.get()
    save_contact(attempt.customer_id, actor=SYSTEM, contact_id=contact.pk, email=email)


def in_problems(attempt):
    return repairs.problems(SINCE).filter(pk=attempt.pk).exists()


def test_a_corrected_address_gets_the_message(returned, actor):
    correct(returned)
    new = try_again(returned.pk, actor=actor, now=SLOT)
    assert [to.address for to in new.recipients.all()] == ["new@example.test"]
    assert send_some().sent == 1
    assert outbox.state(new) == AttemptState.SENT


def test_without_a_usable_address_nothing_is_added(returned, actor):
    with pytest.raises(ServiceError, match="no usable address"):
        try_again(returned.pk, actor=actor, now=SLOT)
    assert ContactAttempt.objects.count() == 1


def test_sent_again_twice_is_one_message(returned, actor):
    correct(returned)
    try_again(returned.pk, actor=actor, now=SLOT)
    with pytest.raises(ServiceError, match="again already"):
        try_again(returned.pk, actor=actor, now=SLOT)
    assert ContactAttempt.objects.count() == 2


def test_what_was_planned_again_meanwhile_is_not_doubled(returned, actor):
    correct(returned)
    outbox.queued(returned.customer, returned.lead_invoice, planned_on=TODAY + timedelta(days=1))
    with pytest.raises(ServiceError, match="again already"):
        try_again(returned.pk, actor=actor, now=SLOT)


def test_what_was_paid_meanwhile_is_looked_at_before_it_leaves_again(returned, actor):
    correct(returned)
    new = try_again(returned.pk, actor=actor, now=SLOT)
    make.payment(returned.customer, "400.00", TODAY, returned.lead_invoice)
    assert send_some().sent == 0
    assert outbox.state(new) == AttemptState.CANCELLED


def test_what_arrived_is_not_sent_again(actor):
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    for _ in range(2):
        with pytest.raises(ServiceError, match="nothing to send again"):
            try_again(attempt.pk, actor=actor, now=SLOT)
        send_some()


def test_a_call_instead_is_one_task_of_the_owner(returned, actor):
    assert call_instead(returned.pk, actor=actor, today=TODAY)
    assert not call_instead(returned.pk, actor=actor, today=TODAY)
    assert Task.objects.filter(kind=TaskKind.CALL_BACK, attempt=returned).count() == 1


@pytest.mark.parametrize("solve", ["again", "call", "planned"])
def test_a_problem_leaves_the_list_when_somebody_did_something(returned, actor, solve):
    assert in_problems(returned)
    if solve == "call":
        call_instead(returned.pk, actor=actor, today=TODAY)
    else:
        correct(returned)
    if solve == "again":
        try_again(returned.pk, actor=actor, now=SLOT)
    if solve == "planned":
        day = TODAY + timedelta(days=1)
        outbox.queued(returned.customer, returned.lead_invoice, planned_on=day)
    assert not in_problems(returned)


@pytest.mark.parametrize("how", list(Settlement))
def test_a_settled_unknown_is_no_problem_any_more(returned, actor, how):
    ContactAttempt.objects.filter(pk=returned.pk).update(
        state="unknown", provider_status="", live=True, sent_at=None, done_on=None
    )
    assert in_problems(returned)
    settle_unknown(returned.pk, how, actor=actor, now=SLOT)
    assert not in_problems(returned)


@pytest.mark.parametrize("how", list(Settlement))
def test_an_unknown_settled_twice_is_settled_once(returned, actor, how):
    ContactAttempt.objects.filter(pk=returned.pk).update(
        state="unknown", provider_status="", live=True, sent_at=None, done_on=None
    )
    settle_unknown(returned.pk, how, actor=actor, now=SLOT)
    before = ContactAttempt.objects.count()
    with pytest.raises(ServiceError, match="settled already"):
        settle_unknown(returned.pk, how, actor=actor, now=SLOT)
    assert ContactAttempt.objects.count() == before
