"""One day on the demo's firm, in a real browser: each page of the collector's day does its work."""

import os
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from arfollow.staff.models import User
from customers.models import Customer
from dunning.models import CallRecord, Hold, Promise, SavedView
from tests.pages.conftest import PageAs

KILOBYTES = 200


@pytest.fixture
def firm(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's firm; its four people keep their names, the tests' Mia is the demo's."""
    monkeypatch.setitem(os.environ, "DEMO_PASSWORD", "a-password-of-the-demo")
    call_command("make_demo", stdout=StringIO())


def opened(page: Page, path: str) -> str:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    assert len(answer.body()) <= KILOBYTES * 1024, path
    return page.content()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.timeout(600)
def test_the_pages_of_a_collectors_day_do_their_work_on_the_demo(
    firm: None, page_as: PageAs, axe_check: Any
) -> None:
    page = page_as("manager")
    Customer.objects.update(owner=User.objects.get(username="mia"))
    _the_money_leads_to_its_lists(page)
    _the_worklist_is_filtered_and_kept_as_a_view(page)
    _a_call_is_taken_down_and_undone(page)
    customer = Customer.objects.get(number="C-1005")
    _a_promise_and_a_hold_are_agreed(page, customer)
    for path in (
        "/agreements/",
        "/approvals/",
        "/letters/",
        "/outbox/",
        f"/customers/{customer.pk}/",
    ):
        opened(page, path)
        axe_check(page)


def _the_money_leads_to_its_lists(page: Page) -> None:
    opened(page, "/")
    page.get_by_role("link", name="Open the worklist").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()


def _the_worklist_is_filtered_and_kept_as_a_view(page: Page) -> None:
    opened(page, "/worklist/?who=all&kind=calls")
    rows = page.locator("table[data-keys] tbody tr").count()
    assert rows > 0
    page.get_by_text("Save as a view").click()
    page.get_by_label("Name", exact=False).first.fill("All calls")
    page.get_by_role("button", name="Save the view").click()
    page.get_by_role("link", name="All calls").first.wait_for()
    assert "kind=calls" in SavedView.objects.get(name="All calls").query
    assert page.locator("table[data-keys] tbody tr").count() == rows


def _a_call_is_taken_down_and_undone(page: Page) -> None:
    before = CallRecord.objects.count()
    opened(page, "/desk/?who=all&hours=any")
    page.get_by_role("radio", name="No answer").check()
    page.locator("[data-save]").click()
    page.get_by_role("button", name="Undo").wait_for()
    assert CallRecord.objects.count() == before + 1
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("status").first.wait_for()
    assert CallRecord.objects.count() == before


def _a_promise_and_a_hold_are_agreed(page: Page, customer: Customer) -> None:
    promises, holds = Promise.objects.count(), Hold.objects.count()
    opened(page, f"/customers/{customer.pk}/promise/")
    page.locator("main form button.primary").click()
    page.wait_for_load_state()
    opened(page, f"/customers/{customer.pk}/hold/")
    page.locator("main form button.primary").click()
    page.wait_for_load_state()
    assert (Promise.objects.count(), Hold.objects.count()) == (promises + 1, holds + 1)
