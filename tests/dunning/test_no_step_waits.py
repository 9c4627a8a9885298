"""A step waits no longer than for the first tick of its day, or after what freed it (D2).

A tick looks only at customers for whom something moved or whose day has come. What it stored
for the others must stay true without it: a look at everybody finds nothing that it missed.
"""

from datetime import date, timedelta

import pytest

from arfollow.shared.events import SYSTEM
from customers.models import Customer
from customers.services import touch
from dunning import outbox as product
from dunning.models import AttemptState, Channel, ContactAttempt, FollowUp
from dunning.outbox.calendars import customer_calendar
from dunning.runs import enrol, run
from tests import make, outbox
from tests.make import TODAY

pytestmark = pytest.mark.django_db


def planned(customer: Customer) -> list[str]:
    """The channels of what waits for a customer."""
    rows = ContactAttempt.objects.filter(customer=customer, state=AttemptState.PLANNED)
    return list(rows.order_by("pk").values_list("channel", flat=True))


def misses_nothing(day: date) -> bool:
    """Whether a look at everybody, the minute after, plans no more."""
    before = ContactAttempt.objects.count()
    for pk in Customer.objects.values_list("pk", flat=True):
        touch(pk)
    run(day)
    return ContactAttempt.objects.count() == before


@pytest.fixture
def customer() -> Customer:
    outbox.company()
    row = make.customer("C-1")
    enrol("p2", customer="C-1")
    return row


def test_the_first_tick_of_its_day_plans_a_step(customer: Customer) -> None:
    make.invoice(customer, "400.00", outbox.late(1))
    run(TODAY)
    due = FollowUp.objects.get().next_on
    assert due is not None
    run(due - timedelta(days=1))
    assert planned(customer) == []
    run(due)
    assert planned(customer) == [Channel.EMAIL]
    assert misses_nothing(due)


def test_the_tick_after_a_call_lapsed_plans_what_it_kept_back(customer: Customer) -> None:
    """Found by the model: the run that gave the call up still counted it as a contact, and put
    the other invoice off for the pace after it."""
    enrol("p1", customer="C-1")
    called = make.invoice(customer, "400.00", outbox.late(8))
    outbox.queued(customer, called, channel=Channel.CALL, step="d29")
    other = make.invoice(customer, "300.00", outbox.late(1))
    lapses = customer_calendar(customer).add(TODAY, 5)
    run(TODAY)
    run(lapses)
    run(lapses)
    assert ContactAttempt.objects.get(channel=Channel.CALL).state == AttemptState.SKIPPED
    waiting = ContactAttempt.objects.filter(state=AttemptState.PLANNED)
    assert waiting.filter(items__invoice=other, items__completes=True).exists()
    assert misses_nothing(lapses)


def test_an_account_beside_goes_on_once_the_message_to_their_mailbox_is_gone(
    customer: Customer,
) -> None:
    """Found by the model: of two accounts with one mailbox the second waited ten business days
    for a message to the first that had been cancelled."""
    beside = make.customer("C-2", email="ap.c-1@example.test")
    enrol("p2", customer="C-2")
    make.invoice(customer, "400.00", outbox.late(4))
    message = outbox.queued(customer, *customer.invoices.all(), step="d3")
    make.invoice(beside, "300.00", outbox.late(4))
    run(TODAY)
    assert planned(beside) == []
    assert FollowUp.objects.get(customer=beside).reason == "pace_address"
    product.cancel(message.pk, actor=SYSTEM, reason="they called")
    make.payment(customer, "400.00", TODAY)
    run(TODAY)
    assert planned(beside) == [Channel.EMAIL]
    assert misses_nothing(TODAY)
