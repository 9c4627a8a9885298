"""Agreements on a real ledger: the largest customer owes 2,602 invoices (L35)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import Count
from django.test import Client

from arfollow.shared.events import actor_of
from customers.models import Contact, Customer
from dunning.delivery.render import render
from dunning.models import AttemptKind, ContactAttempt, PaymentPlan, Promise
from dunning.outcomes import (
    agree_plan,
    open_items,
    settle_plans,
    settle_promises,
)
from invoices.models import Invoice
from tests import make
from tests.pages.conftest import member

WEIGHT = 200_000
MONDAY = date(2020, 8, 31)
NINE = datetime(2020, 8, 31, 9, 0, tzinfo=UTC)


@pytest.fixture
def largest(shared_data: Path, db: Any) -> Customer:
    """The customer with the most open invoices, with a made-up address."""
    make.company()
    ledger = shared_data / "ledgers" / "highradius_open_items.csv"
    call_command("import_ledger", str(ledger), "--json", stdout=StringIO())
    most = Invoice.objects.values("customer").annotate(n=Count("pk")).order_by("-n")[0]
    assert most["n"] == 2602
    customer = Customer.objects.get(pk=most["customer"])
    Contact.objects.create(customer=customer, email="ap@example.test", primary=True)
    return customer


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.timeout(400)
def test_l35_item_four_on_the_customer_with_2602_open_invoices(
    largest: Customer, client: Client
) -> None:
    client.force_login(member("collector"))
    with time_machine.travel(NINE):
        promised = _a_promise_is_noted_and_thanked_for(client, largest)
        _a_plan_is_seen_kept_and_agreed(client, largest)
        _a_dispute_of_a_part_leaves_the_rest(client, largest)
    _money_settles_both(largest, promised)
    client.force_login(member("collector"))
    for path in ("/agreements/?show=kept", "/agreements/plans/", "/agreements/disputes/"):
        page = client.get(path)
        assert len(page.content) < WEIGHT
        assert largest.name.split()[0] in page.content.decode(), path


def _a_promise_is_noted_and_thanked_for(client: Client, largest: Customer) -> Promise:
    path = f"/customers/{largest.pk}/promise/"
    assert len(client.get(path).content) < WEIGHT
    due = (MONDAY + timedelta(days=7)).isoformat()
    wanted = {"due_on": due, "amount": "1000000", "confirm": "on"}
    assert client.post(path, wanted).status_code == 302
    promised = Promise.objects.get()
    assert promised.items.count() == 2602
    thanks = ContactAttempt.objects.get(kind=AttemptKind.PROMISE_CONFIRMED)
    words = " ".join(render(thanks, today=MONDAY).text.split())
    assert "noted your payment of USD 1,000,000.00 for 7 September 2020" in words
    assert "2,592 more items" in words
    return promised


def _a_plan_is_seen_kept_and_agreed(client: Client, largest: Customer) -> None:
    path = f"/customers/{largest.pk}/plan/"
    first = (MONDAY + timedelta(days=14)).isoformat()
    wanted = {"how": "count", "count": "7", "first_on": first, "every": "0"}
    shown = client.post(path, wanted)
    assert len(shown.content) < WEIGHT
    assert "2602 items in all" in shown.content.decode()
    assert client.post(path, wanted | {"keep": "1"}).status_code == 302
    plan = PaymentPlan.objects.get()
    parts = [part.amount for part in plan.instalments.all()]
    owed = sum((item.collectible for item in open_items(largest.pk)), Decimal(0))
    assert sum(parts) == plan.total == owed
    page = client.get(f"/agreements/plans/{plan.pk}/")
    assert len(page.content) < WEIGHT
    agree_plan(plan.pk, on=MONDAY, actor=actor_of(member("collector")), now=NINE)


def _a_dispute_of_a_part_leaves_the_rest(client: Client, largest: Customer) -> None:
    invoice = Invoice.objects.filter(customer=largest, open_amount__gt=100).order_by("pk")[0]
    given = {"amount": "10", "reason": "price", "raised_on": MONDAY.isoformat()}
    assert client.post(f"/invoices/{invoice.pk}/dispute/", given).status_code == 302
    before = invoice.open_amount
    invoice.refresh_from_db()
    assert (invoice.open_amount, invoice.disputed_amount) == (before, Decimal(10))


def _money_settles_both(largest: Customer, promised: Promise) -> None:
    """One payment: the promise is kept, the plan's payments fill in order."""
    day = MONDAY + timedelta(days=1)
    make.payment(largest, "1000000.00", day)
    settle_promises(day)
    settle_plans(day)
    promised.refresh_from_db()
    assert promised.status == "kept"
    plan = PaymentPlan.objects.get()
    paid = [part.paid_amount for part in plan.instalments.order_by("number")]
    assert sum(paid) == Decimal(1_000_000)
    assert paid == sorted(paid, reverse=True)
