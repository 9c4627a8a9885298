"""The worklist on a real ledger of 9,681 open items: a day of a collector, on the keyboard."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from playwright.sync_api import Page, expect

from arfollow.staff.models import User
from customers.models import Contact, Customer
from dunning import worklist
from dunning.models import Hold, Priority
from dunning.runs import enrol, run
from dunning.worklist import Scope, share_of
from tests import make
from tests.pages.conftest import member

type PageAs = Callable[..., Page]

MONDAY = date(2020, 8, 31)
NINE = datetime(2020, 8, 31, 9, tzinfo=UTC)
MIDNIGHT = datetime(2020, 9, 1, tzinfo=UTC)
KILOBYTES = 200


@pytest.fixture
def planned(shared_data: Path, live_server: Any) -> int:
    """Everybody has a number, the policy calls first, half of the customers are Mia's."""
    make.company()
    ledger = shared_data / "ledgers" / "highradius_open_items.csv"
    call_command("import_ledger", str(ledger), "--json", stdout=StringIO())
    mia = member("collector")
    Contact.objects.bulk_create(
        Contact(customer_id=pk, phone="+12025550100", primary=True)
        for pk in Customer.objects.values_list("pk", flat=True)
    )
    Customer.objects.filter(number__regex="[02468]$").update(owner=mia)
    with time_machine.travel(NINE, tick=True):
        enrol("p4")
        run(MONDAY)
        worklist.renew(MONDAY)
    return mia.pk


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_day_of_a_collector_on_a_real_ledger(
    planned: int, page_as: PageAs, axe_check: Callable[[Page], None]
) -> None:
    with time_machine.travel(NINE, tick=True):
        mia = User.objects.get(pk=planned)
        share = share_of(mia, Scope(MONDAY, MIDNIGHT, owner=mia))
        assert len(share.chosen) == share.capacity == 40
        assert share.later > 100
        page = page_as("collector")
        answer = page.goto("/worklist/")
        assert answer is not None
        assert len(answer.body()) < KILOBYTES * 1024
        expect(page.get_by_text("Calls today: 40 of 40")).to_be_visible()
        _the_first_row_is_the_most_pressing_of_hers(page, mia)
        _two_are_put_on_hold(page)
        axe_check(page)


def _the_first_row_is_the_most_pressing_of_hers(page: Page, mia: User) -> None:
    page.keyboard.press("j")
    first = Priority.objects.filter(customer__owner=mia).order_by("-score")[0].customer
    shown = page.evaluate("document.activeElement.closest('tr').dataset.call")
    assert shown.startswith(f"/customers/{first.pk}/call/")


def _two_are_put_on_hold(page: Page) -> None:
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("b")
    page.get_by_label("With the selected rows").select_option("hold")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Put on hold: 2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".message.success")).to_contain_text("2 rows are changed")
    assert Hold.objects.count() == 2
