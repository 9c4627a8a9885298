"""The call desk on a real ledger: the largest customer has 2,602 open invoices (L24, L35)."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Count, Sum
from playwright.sync_api import expect

from arfollow.shared import clock
from arfollow.shared.events import actor_of
from customers.models import Customer
from dunning.models import CallRecord, Promise
from dunning.outcomes import take_back
from invoices.models import Invoice
from tests import make
from tests.pages.conftest import PageAs, member

HEAVIEST = 200_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_l35_the_largest_customer_of_a_real_ledger_is_called_like_any_other(
    shared_data: Path, page_as: PageAs, look_at: Callable[..., None]
) -> None:
    ledger = shared_data / "ledgers" / "highradius_open_items.csv"
    call_command("import_ledger", str(ledger), "--json", stdout=StringIO())
    customer, count = largest()
    make.contact(customer, name="Pat Keel", phone="+1 207 555 0199", email="ap@big.example")
    look_at(f"/desk/{customer.pk}/")
    page = page_as("collector")
    page.set_default_timeout(120_000)
    answer = page.goto(f"/desk/{customer.pk}/")
    assert answer is not None
    assert len(answer.body()) < HEAVIEST
    expect(page.get_by_text(f"{count - 60} newer invoices are not listed here")).to_be_visible()
    page.keyboard.press("p")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    everything_is_promised_and_can_be_taken_back(customer)


def largest() -> tuple[Customer, int]:
    rows = Invoice.objects.filter(open_amount__gt=0, currency="USD").values("customer")
    top = rows.annotate(n=Count("pk")).order_by("-n")[0]
    assert top["n"] > 2000
    return Customer.objects.get(pk=top["customer"]), top["n"]


def everything_is_promised_and_can_be_taken_back(customer: Customer) -> None:
    """What was not listed on the page is part of it too; undoing leaves nothing."""
    owed = Invoice.objects.filter(customer=customer, currency="USD", open_amount__gt=0)
    promise = Promise.objects.get()
    assert promise.amount == owed.aggregate(sum=Sum("open_amount"))["sum"]
    record = CallRecord.objects.get()
    soon = record.at + timedelta(seconds=1)
    assert clock.now() > record.at
    take_back(record.pk, actor=actor_of(member("collector")), now=soon)
    assert not Promise.objects.exists()
