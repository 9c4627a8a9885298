"""The worklist with the keyboard alone, as a collector and a manager work through it."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from arfollow.shared import clock
from arfollow.staff.models import User
from customers.models import Customer
from dunning.models import AttemptItem, CallRecord, ContactAttempt, ItemPart, SavedView, Task
from invoices.models import Invoice
from tests import make
from tests.pages.conftest import member

type PageAs = Callable[..., Page]
type LookAt = Callable[..., None]

pytestmark = pytest.mark.browser


def owes(amount: str, name: str, owner: User | None = None) -> Customer:
    """A customer whose one invoice is thirty days late and who is to be called today."""
    today = clock.today()
    customer = make.customer(name=name, owner=owner or member("collector"))
    call(customer, make.invoice(customer, amount, today - timedelta(days=30)))
    return customer


def call(customer: Customer, invoice: Invoice, **fields: Any) -> ContactAttempt:
    today = clock.today()
    values = {
        "customer": customer, "channel": "call", "tone": "friendly", "step_key": "d10",
        "planned_on": today, "local_date": today, "lead_invoice": invoice, "automatic": False,
        "reason": "step_due", "reason_text": "Its next step is due.",
        "dedupe_key": uuid.uuid4().hex,
    } | fields  # fmt: skip
    attempt = ContactAttempt.objects.create(**values)
    AttemptItem.objects.create(
        attempt=attempt, invoice=invoice, part=ItemPart.PLEASE_PAY, currency="USD",
        amount=invoice.open_amount, step_key=uuid.uuid4().hex[:12], completes=True,
    )  # fmt: skip
    return attempt


def task(customer: Customer, title: str = "Decide") -> Task:
    return Task.objects.create(
        customer=customer, kind="decide", title=title, due_on=clock.today(),
        dedupe_key=uuid.uuid4().hex,
    )  # fmt: skip


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent")
    return text.strip()


@pytest.fixture
def three(live_server: Any) -> list[Customer]:
    """The largest first, as the list has them."""
    make.company()
    names = ("Ashdown Joinery", "Birch Boats", "Cove Builders")
    return [
        owes(amount, name)
        for amount, name in zip(("900.00", "500.00", "100.00"), names, strict=True)
    ]


def test_j_and_k_go_through_the_rows_in_order_of_priority(
    page_as: PageAs, three: list[Customer]
) -> None:
    page = page_as("collector")
    page.goto("/worklist/")
    page.keyboard.press("j")
    assert focused(page) == "Ashdown Joinery"
    page.keyboard.press("j")
    assert focused(page) == "Birch Boats"
    page.keyboard.press("k")
    assert focused(page) == "Ashdown Joinery"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ashdown Joinery")


def test_c_logs_the_call_of_the_row_in_hand(page_as: PageAs, three: list[Customer]) -> None:
    page = page_as("collector")
    page.goto("/worklist/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url(re.compile(rf"/customers/{three[1].pk}/call/\?attempt=\d+"))
    assert not CallRecord.objects.exists()


def test_o_opens_what_the_row_asks_for(page_as: PageAs, three: list[Customer]) -> None:
    row = task(three[0])
    page = page_as("collector")
    page.goto("/worklist/?kind=tasks")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"**/tasks/{row.pk}/")


def test_several_tasks_are_postponed_without_the_mouse(
    page_as: PageAs, three: list[Customer]
) -> None:
    rows = [task(customer) for customer in three]
    page = page_as("collector")
    page.goto("/worklist/?kind=tasks")
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    page.keyboard.press("b")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Postpone to a day")
    expect(page.get_by_role("heading", name="Will change")).to_be_visible()
    assert all(each.due_on == clock.today() for each in Task.objects.all())
    expect(page.locator("main [data-focus]")).to_be_focused()  # the button that names the act
    page.keyboard.press("Enter")
    expect(page.locator(".message.success")).to_contain_text("2 rows are changed")
    moved = {each.pk for each in Task.objects.filter(due_on__gt=clock.today())}
    assert moved == {rows[0].pk, rows[1].pk}


def test_without_shortcuts_and_without_javascript_the_same_can_be_done(
    page_as: PageAs, three: list[Customer]
) -> None:
    row = task(three[0])
    page = page_as("collector", script=False)
    page.goto("/worklist/?kind=tasks")
    page.get_by_label("Select Decide what comes next, Ashdown Joinery").check()
    page.get_by_label("With the selected rows").select_option("done")
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_role("button", name="Mark as done: 1").click()
    expect(page.locator(".message.success")).to_contain_text("1 row is changed")
    row.refresh_from_db()
    assert row.status == "done"


def test_a_manager_approves_a_final_demand_as_one_row(
    page_as: PageAs, three: list[Customer]
) -> None:
    invoice = three[0].invoices.get()
    for channel in ("email", "letter"):
        made = call(three[0], invoice, channel=channel, tone="final")
        ContactAttempt.objects.filter(pk=made.pk).update(state="held", held_for="approval")
    page = page_as("manager")
    page.goto("/worklist/?kind=approvals")
    expect(page.get_by_text("final demand by e-mail and letter")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("b")
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Approve: 1").press("Enter")
    expect(page.locator(".message.success")).to_contain_text("1 row is changed")
    assert not ContactAttempt.objects.filter(state="held").exists()


def test_a_view_is_saved_shared_and_opened_by_its_name(
    page_as: PageAs, three: list[Customer]
) -> None:
    page = page_as("manager")
    page.goto("/worklist/?who=all&least=400")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_text("Save as a view").press("Enter")
    page.get_by_label("Name of the view").fill("Above 400")
    page.get_by_label("For everybody").check()
    page.get_by_role("button", name="Save the view").press("Enter")
    expect(page.locator(".message.success")).to_contain_text("Above 400")
    other = page_as("collector")
    other.goto("/worklist/")
    other.get_by_role("link", name="Above 400").press("Enter")
    expect(other.locator("tbody tr")).to_have_count(2)
    assert SavedView.objects.get().shared


def test_today_ends_where_there_is_no_more_room(page_as: PageAs, three: list[Customer]) -> None:
    User.objects.filter(pk=member("collector").pk).update(calls_a_day=2)
    page = page_as("collector")
    page.goto("/worklist/")
    expect(page.get_by_text("Calls today: 2 of 2")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="1 later").press("Enter")
    expect(page.locator("tbody th a")).to_have_text(["Cove Builders"])


def test_the_pages_are_readable_in_every_light(look_at: LookAt, three: list[Customer]) -> None:
    task(three[0], "A long matter that needs somebody to look into it before the week is over")
    SavedView.objects.create(owner=member("manager"), name="Old", query="days=60", shared=True)
    look_at("/worklist/?who=all&when=due", "manager")
    look_at("/worklist/?who=all&least=100000", "manager")
    look_at("/worklist/?when=later", "manager")
    look_at("/worklist/views/", "manager")


def test_the_preview_is_readable_in_every_light(
    page_as: PageAs, axe_check: Callable[[Page], None], three: list[Customer]
) -> None:
    rows = [task(three[0])]
    page = page_as("manager")
    for width, scheme in ((1366, "light"), (1366, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 768})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto("/worklist/?who=all&when=due")
        page.locator("[data-select-all]").check()
        page.get_by_label("With the selected rows").select_option("hold")
        page.get_by_role("button", name="Show what changes").click()
        page.get_by_role("heading", name="Will change").wait_for()
        axe_check(page)
    assert Task.objects.filter(pk=rows[0].pk, status="open").exists()
