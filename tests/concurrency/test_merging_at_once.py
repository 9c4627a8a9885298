"""Merging while others pay, plan, merge and send: nothing is lost and nothing goes twice."""

import pytest
from django.db.models import Sum

from arfollow.shared.chains import verify
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM
from customers.models import Customer
from dunning.models import AttemptState, ContactAttempt
from dunning.outcomes.merging import merge
from dunning.runs import run
from invoices.models import Invoice, Payment
from invoices.services.check import breaches
from tests import make, outbox
from tests.concurrency.test_people_and_planners_race import at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = make.TODAY


@pytest.fixture
def pair() -> tuple[Customer, Customer]:
    outbox.company()
    old, new = make.customer("OLD-1"), make.customer("NEW-1")
    make.invoice(old, "100.00", due=outbox.late(20))
    make.invoice(new, "300.00", due=outbox.late(40))
    return old, new


def merged(one: Customer, other: Customer) -> Customer:
    return merge(one.pk, other.pk, actor=SYSTEM, today=TODAY)


def test_two_people_who_merge_each_into_the_other_merge_once(
    pair: tuple[Customer, Customer],
) -> None:
    old, new = pair
    answers = at_once(lambda: merged(old, new), lambda: merged(new, old))
    assert refusals(answers) == 1
    assert Customer.objects.filter(merged_into__isnull=False).count() == 1
    assert Invoice.objects.values("customer").distinct().count() == 1


def test_a_payment_during_a_merge_is_kept_or_refused_never_lost(
    pair: tuple[Customer, Customer],
) -> None:
    old, new = pair
    answers = at_once(lambda: merged(old, new), lambda: make.payment(old, "40.00", TODAY))
    paid = [answer for answer in answers if isinstance(answer, Payment)]
    assert len(paid) + refusals(answers) == 1
    assert not Payment.objects.filter(customer=old).exists()
    owed = Invoice.objects.aggregate(sum=Sum("open_amount"))["sum"]
    assert owed == 400 - 40 * len(paid)
    assert not list(breaches())
    assert verify().faults == []


def test_planners_beside_a_merge_plan_each_step_once(pair: tuple[Customer, Customer]) -> None:
    old, new = pair
    at_once(lambda: merged(old, new), lambda: run(TODAY), lambda: run(TODAY))
    run(TODAY)
    live = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel="email")
    assert live.values("customer").distinct().count() == 1
    assert set(live.values_list("customer", flat=True)) == {new.pk}
    sent = outbox.send_some().sent
    assert sent == 1
    assert outbox.send_some().sent == 0


def test_a_sender_beside_a_merge_sends_to_each_at_most_once(
    pair: tuple[Customer, Customer],
) -> None:
    old, new = pair
    outbox.queued(old, *old.invoices.all())

    def tried() -> object:
        try:
            return merged(old, new)
        except ServiceError as refusal:
            return refusal

    at_once(tried, outbox.send_some)
    run(TODAY)
    outbox.send_some()
    sent = ContactAttempt.objects.filter(state=AttemptState.SENT, channel="email")
    for customer in (old, new):
        made_for = sent.filter(customer=customer, moved_from=None)
        assert made_for.count() <= 1
    assert not ContactAttempt.objects.filter(state=AttemptState.FAILED).exists()
