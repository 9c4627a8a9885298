"""Stopping supply is a person's decision, and sales hears of it through the outbox."""

from decimal import Decimal

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, Actor
from arfollow.staff.models import Role
from customers.models import Customer, LegalStop
from customers.services import set_legal_stop, update_customer
from dunning.models import ContactAttempt, FollowUp, FrozenMessage, PolicyStep, Task, TaskStatus
from dunning.outcomes.supply import release_supply, stop_supply, suggest_stops
from dunning.runs import run
from tests import make, outbox

pytestmark = pytest.mark.django_db
TODAY = make.TODAY
RUTH = Actor(None, "Ruth")


@pytest.fixture
def customer() -> Customer:
    outbox.company(sales_email="sales@harbourpine.example")
    row = make.customer(name="Ashdown {{ Joinery }}")
    make.invoice(row, "1200.00", due=outbox.late(20))
    return row


def stopped(customer: Customer) -> Customer:
    return stop_supply(customer.pk, "Six weeks late", actor=RUTH, today=TODAY, now=outbox.MORNING)


def told() -> FrozenMessage:
    return FrozenMessage.objects.order_by("-pk")[0]


def test_a_stop_tells_sales_what_is_open_and_who_decided(customer: Customer) -> None:
    row = stopped(customer)
    assert (row.credit_stop, row.credit_stop_since) == (True, TODAY)
    assert outbox.send_some().sent == 1
    assert told().envelope["to"] == ["Sales <sales@harbourpine.example>"]
    for words in ("Six weeks late", "USD 1,200.00", "Decided by Ruth", "{ { Joinery }}"):
        assert words in told().text


def test_the_salesperson_of_the_customer_comes_first(customer: Customer) -> None:
    update_customer(
        customer.pk, {"sales_name": "Kim", "sales_email": "kim@sales.example"}, actor=SYSTEM
    )
    stopped(customer)
    outbox.send_some()
    assert told().envelope["to"] == ["Kim <kim@sales.example>"]


def test_without_a_sales_address_the_managers_hear_of_it(customer: Customer) -> None:
    outbox.company(sales_email="")
    ruth = make.user(Role.MANAGER)
    stopped(customer)
    outbox.send_some()
    assert ruth.email in told().envelope["to"][0]


def test_sales_hears_also_where_the_law_stops_everything_else(customer: Customer) -> None:
    set_legal_stop(customer.pk, LegalStop.INSOLVENT, on=TODAY, actor=SYSTEM)
    stopped(customer)
    assert outbox.send_some().sent == 1


def test_a_release_is_told_too(customer: Customer) -> None:
    stopped(customer)
    row = release_supply(customer.pk, "Paid", actor=RUTH, now=outbox.MORNING)
    assert (row.credit_stop, row.credit_stop_since, row.credit_stop_reason) == (False, None, "")
    assert outbox.send_some().sent == 2
    assert "You may deliver again." in told().text


def test_twice_is_refused_and_so_is_a_stop_without_a_reason(customer: Customer) -> None:
    with pytest.raises(ServiceError, match="Say why"):
        stop_supply(customer.pk, " ", actor=RUTH, today=TODAY)
    with pytest.raises(ServiceError, match="not stopped"):
        release_supply(customer.pk, "Paid", actor=RUTH)
    stopped(customer)
    with pytest.raises(ServiceError, match="already"):
        stopped(customer)


def test_the_notice_is_no_contact_with_the_customer(customer: Customer) -> None:
    stopped(customer)
    assert not ContactAttempt.objects.filter(customer_facing=True).exists()


def test_over_the_limit_becomes_a_task_and_never_a_stop(customer: Customer) -> None:
    update_customer(customer.pk, {"credit_limit": Decimal("1000.00")}, actor=SYSTEM)
    assert suggest_stops(TODAY) == 1
    assert suggest_stops(TODAY) == 0
    task = Task.objects.get()
    assert task.title == "Stop supply? USD 1,200.00 open; the limit is USD 1,000.00."
    customer.refresh_from_db()
    assert not customer.credit_stop
    stopped(customer)
    task.refresh_from_db()
    assert task.status == TaskStatus.DONE


def test_within_the_limit_or_without_one_nobody_is_asked(customer: Customer) -> None:
    assert suggest_stops(TODAY) == 0
    update_customer(customer.pk, {"credit_limit": Decimal("1200.00")}, actor=SYSTEM)
    assert suggest_stops(TODAY) == 0


def test_what_was_declined_is_not_asked_again_at_once(customer: Customer) -> None:
    update_customer(customer.pk, {"credit_limit": Decimal("1.00")}, actor=SYSTEM)
    suggest_stops(TODAY)
    Task.objects.update(status=TaskStatus.CANCELLED, done_at=outbox.SLOT)
    assert suggest_stops(TODAY) == 0


def test_an_urgent_step_that_was_taken_suggests_a_stop(customer: Customer) -> None:
    run(TODAY)
    assert suggest_stops(TODAY) == 0
    step = PolicyStep.objects.filter(tone="urgent", version__current=True)[0]
    FollowUp.objects.update(last_step=step.step_key, policy_version=step.version)
    assert suggest_stops(TODAY) == 1
