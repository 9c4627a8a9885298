"""Neglected money: overdue without owner or next action."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from customers.models import Customer, LegalStop
from customers.services import update_customer
from dunning.briefing import neglected_invoices
from dunning.briefing.neglected import neglected_by_currency
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    FollowUp,
    Hold,
    HoldReason,
    ItemPart,
    PaymentPlan,
    PlanStatus,
    Promise,
    PromiseItem,
    PromiseStatus,
    Task,
    TaskKind,
    TaskStatus,
    Tone,
)
from invoices.models import Dispute, Invoice
from tests import make
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db

TODAY = make.TODAY
LATE = TODAY - timedelta(days=9)


@pytest.fixture
def owned() -> Customer:
    row = make.customer()
    update_customer(row.pk, {"owner": make.user()}, actor=SYSTEM)
    row.refresh_from_db()
    return row


@pytest.fixture
def bill(owned: Customer) -> Invoice:
    """Overdue, of a customer with an owner; nothing is to happen about it."""
    return make.invoice(owned, "100.00", LATE)


def neglected() -> set[int]:
    return set(neglected_invoices(TODAY).values_list("pk", flat=True))


def next_step(bill: Invoice, on: int | None = 3) -> FollowUp:
    day = None if on is None else TODAY + timedelta(days=on)
    return FollowUp.objects.create(customer=bill.customer, invoice=bill, next_on=day)


def test_overdue_with_an_owner_and_nothing_next_is_neglected(bill: Invoice) -> None:
    assert neglected() == {bill.pk}


def test_a_date_of_the_policy_is_a_next_action(bill: Invoice) -> None:
    next_step(bill)
    assert neglected() == set()


def test_a_follow_up_without_a_date_is_none(bill: Invoice) -> None:
    next_step(bill, None)
    assert neglected() == {bill.pk}


def test_without_an_owner_it_is_neglected_whatever_is_planned() -> None:
    bill = make.invoice(make.customer(), "100.00", LATE)
    next_step(bill)
    assert neglected() == {bill.pk}


@pytest.mark.parametrize("due", [0, 5])
def test_what_is_not_overdue_is_not_neglected(owned: Customer, due: int) -> None:
    make.invoice(owned, "100.00", TODAY + timedelta(days=due))
    assert neglected() == set()


def test_what_is_paid_is_not_neglected(owned: Customer, bill: Invoice) -> None:
    make.payment(owned, "100.00", TODAY, bill)
    assert neglected() == set()


@pytest.mark.parametrize(
    ("state", "counts"),
    [("planned", True), ("held", True), ("unknown", True), ("sent", False), ("cancelled", False)],
)
def test_a_contact_that_is_to_come_is_a_next_action(
    bill: Invoice, state: str, *, counts: bool
) -> None:
    fields = {"held_for": "approval"} if state == "held" else {}
    if state == "cancelled":
        fields = {"reason": "by_staff", "live": False}  # type: ignore[dict-item]
    attempt = ContactAttempt.objects.create(
        customer=bill.customer, channel=Channel.CALL, tone=Tone.FIRM, planned_on=TODAY,
        local_date=TODAY, dedupe_key="k", state=AttemptState(state), done_on=TODAY, **fields,
    )  # fmt: skip
    AttemptItem.objects.create(
        attempt=attempt, invoice=bill, part=ItemPart.PLEASE_PAY, currency="USD", amount=100
    )
    assert neglected() == (set() if counts else {bill.pk})


@pytest.mark.parametrize("status", list(PromiseStatus))
def test_an_open_promise_is_a_next_action_a_settled_one_is_not(bill: Invoice, status: str) -> None:
    settled = None if status == PromiseStatus.OPEN else TODAY
    promise = Promise.objects.create(
        customer=bill.customer, made_on=TODAY, due_on=TODAY, currency="USD", amount=100,
        status=status, settled_on=settled,
    )  # fmt: skip
    PromiseItem.objects.create(promise=promise, invoice=bill, open_then=100)
    assert neglected() == (set() if status == PromiseStatus.OPEN else {bill.pk})


@pytest.mark.parametrize("of_the_invoice", [True, False])
def test_a_task_of_the_invoice_or_the_customer_is_a_next_action(
    bill: Invoice, *, of_the_invoice: bool
) -> None:
    task = Task.objects.create(
        customer=bill.customer, invoice=bill if of_the_invoice else None, title="Call back",
        kind=TaskKind.CALL_BACK, due_on=TODAY, dedupe_key="k",
    )  # fmt: skip
    assert neglected() == set()
    Task.objects.filter(pk=task.pk).update(
        status=TaskStatus.DONE, done_at=datetime.combine(TODAY, time(9), UTC)
    )
    assert neglected() == {bill.pk}


def test_a_task_about_another_invoice_is_none_for_this_one(owned: Customer, bill: Invoice) -> None:
    other = make.invoice(owned, "5.00", LATE)
    Task.objects.create(
        customer=owned, invoice=other, title="Look", kind=TaskKind.DECIDE, due_on=TODAY,
        dedupe_key="k",
    )  # fmt: skip
    assert neglected() == {bill.pk}


@pytest.mark.parametrize(("ends", "counts"), [(0, True), (-1, False)])
def test_a_hold_counts_to_its_last_day(bill: Invoice, ends: int, *, counts: bool) -> None:
    Hold.objects.create(
        customer=bill.customer, reason=HoldReason.OURS, starts_on=LATE,
        ends_on=TODAY + timedelta(days=ends),
    )  # fmt: skip
    assert neglected() == (set() if counts else {bill.pk})


@pytest.mark.parametrize(("status", "counts"), [("active", True), ("ended", False)])
def test_an_active_payment_plan_is_a_next_action(
    bill: Invoice, status: str, *, counts: bool
) -> None:
    plan = PaymentPlan.objects.create(
        customer=bill.customer, currency="USD", total=100, status=PlanStatus(status),
        agreed_on=TODAY, ended_on=None if counts else TODAY,
    )  # fmt: skip
    plan.invoices.add(bill)
    assert neglected() == (set() if counts else {bill.pk})


def test_a_dispute_counts_once_somebody_owns_it_or_it_has_a_date(bill: Invoice) -> None:
    contest = make.dispute(bill, "100.00", on=LATE)
    Dispute.objects.filter(pk=contest.pk).update(owner=None, target_date=None)
    assert neglected() == {bill.pk}
    Dispute.objects.filter(pk=contest.pk).update(target_date=TODAY)
    assert neglected() == set()


def test_a_customer_in_other_hands_is_not_neglected(bill: Invoice) -> None:
    Customer.objects.filter(pk=bill.customer_id).update(legal_stop=LegalStop.AGENCY)
    assert neglected() == set()


def test_it_is_told_for_each_currency(bill: Invoice) -> None:
    make.invoice(make.customer(currency="EUR"), "30.00", LATE)
    assert neglected_by_currency(TODAY) == {"USD": (1, Decimal(100)), "EUR": (1, Decimal(30))}


def test_the_headline_leads_to_exactly_these_invoices(client: Client) -> None:
    today = clock.today()
    bill = make.invoice(make.customer(), "77.00", today - timedelta(days=2), number="LOST-1")
    kept = make.customer()
    update_customer(kept.pk, {"owner": member("collector")}, actor=SYSTEM)
    fine = make.invoice(kept, "55.00", today - timedelta(days=2), number="FINE-1")
    FollowUp.objects.create(customer=kept, invoice=fine, next_on=today)
    client.force_login(member("read_only"))
    assert 'href="/invoices/?state=neglected"' in client.get("/").content.decode()
    shown = client.get("/invoices/?state=neglected").content.decode()
    assert bill.number in shown
    assert fine.number not in shown
