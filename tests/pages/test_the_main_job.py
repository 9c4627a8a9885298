"""A day at the desk in a real browser: the list, a call, a promise, a final demand."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from arfollow.shared.events import actor_of
from customers.models import Customer
from dunning import outcomes, runs
from dunning.models import ContactAttempt, FollowUp, Letter, Promise
from dunning.outbox import approve
from invoices.models import Invoice
from tests import make, outbox
from tests.dunning.calling import planned_call, ring
from tests.pages.conftest import PASSWORD, member

type PageAs = Callable[..., Page]

WEDNESDAY = date(2026, 3, 4)
MONDAY_AFTER = date(2026, 3, 9)


def morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, 5, tzinfo=UTC)


def owing(*, days_late: int, today: date = WEDNESDAY) -> tuple[Customer, Invoice]:
    """A customer of Mia's with one invoice that is late."""
    make.company()
    customer = make.customer("C-1040", "Ashdown Joinery Ltd", owner=member("collector"))
    return customer, make.invoice(customer, "1500.00", today - timedelta(days=days_late))


def run(day: date) -> None:
    """What the beat does at the beginning of a day."""
    outcomes.settle_promises(day)
    outcomes.draft_thanks(day)
    runs.run(day)


def due_call(customer: Customer, invoice: Invoice) -> ContactAttempt:
    """The call of the ladder, with the friendly e-mail before it sent."""
    before = WEDNESDAY - timedelta(days=9)
    run(before)
    mail = ContactAttempt.objects.filter(customer=customer, state="planned", channel="email")
    assert mail.update(state="sent", done_on=before, message_id="<a@b>") == 1
    run(WEDNESDAY)
    return ContactAttempt.objects.get(customer=customer, channel="call", state="planned")


def log_in(page: Page, username: str) -> None:
    page.goto("/accounts/login/")
    page.locator("#id_login").fill(username)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Worklist").first.wait_for()


def test_a_promise_stops_the_machine_until_it_is_broken(open_page: PageAs) -> None:
    with time_machine.travel(morning(WEDNESDAY)):
        customer, invoice = owing(days_late=14)
        due_call(customer, invoice)
        page = open_page()
        log_in(page, "mia")
        _log_a_promise(page)
        promise = Promise.objects.get()
        assert promise.due_on == MONDAY_AFTER
    _the_next_run_leaves_them_alone(open_page, invoice)
    _broken_it_is_back_on_the_list(open_page, promise)


def _log_a_promise(page: Page) -> None:
    page.get_by_role("link", name="Worklist").first.click()
    row = page.get_by_role("row").filter(has_text="Ashdown Joinery Ltd")
    row.get_by_role("link", name="Call", exact=True).click()
    page.get_by_role("radio", name="Promises to pay").check()
    page.get_by_label("They pay on").fill(MONDAY_AFTER.isoformat())
    page.locator("[data-save]").click()
    page.get_by_role("status").filter(has_text="promises to pay").wait_for()
    page.get_by_role("link", name="Worklist").first.click()
    page.get_by_role("heading", name="Nothing waits for you").wait_for()


def _the_next_run_leaves_them_alone(open_page: PageAs, invoice: Invoice) -> None:
    with time_machine.travel(morning(WEDNESDAY + timedelta(days=1))):
        planned = ContactAttempt.objects.count()
        run(WEDNESDAY + timedelta(days=1))
        assert ContactAttempt.objects.count() == planned
        assert FollowUp.objects.get(invoice=invoice).reason == "promised"
        page = open_page()
        log_in(page, "mia")
        page.goto(f"/invoices/{invoice.pk}/")
        page.get_by_text("Payment is promised.").first.wait_for()


def _broken_it_is_back_on_the_list(open_page: PageAs, promise: Promise) -> None:
    over = MONDAY_AFTER + timedelta(days=3)
    with time_machine.travel(morning(over)):
        run(over)
        promise.refresh_from_db()
        assert promise.status == "broken"
        page = open_page()
        log_in(page, "mia")
        page.get_by_role("link", name="Worklist").first.click()
        row = page.get_by_role("row").filter(has_text="Ashdown Joinery Ltd")
        row.get_by_role("link", name="Call: promise not kept").wait_for()
        assert row.get_by_text("Promise broken").is_visible()


def test_a_call_is_logged_by_keyboard_alone_and_without_javascript(page_as: PageAs) -> None:
    line = ring()
    page = page_as("collector", script=False)
    page.goto(f"/customers/{line.customer.pk}/call/")
    page.get_by_role("radio", name="No answer").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="no answer").wait_for()
    assert line.customer.attempts.get().call.outcome == "no_answer"


def test_an_outcome_says_what_it_does_before_it_is_saved(page_as: PageAs) -> None:
    line = ring()
    page = page_as("collector")
    page.goto(f"/customers/{line.customer.pk}/call/")
    said = page.locator("#consequence", has_text="Steps wait until the date and 2 business days")
    assert not said.is_visible()
    page.get_by_role("radio", name="Promises to pay").check()
    assert said.is_visible()
    assert page.get_by_label("They pay on").input_value()


def test_a_refused_promise_keeps_what_was_typed(page_as: PageAs) -> None:
    line = ring()
    page = page_as("collector")
    page.goto(f"/customers/{line.customer.pk}/call/")
    page.get_by_role("radio", name="Promises to pay").check()
    page.get_by_label("They pay on").fill("2099-01-01")
    page.get_by_label("Note").fill("said Pat")
    page.locator("[data-save]").click()
    page.get_by_role("alert").filter(has_text="Agree a plan instead").wait_for()
    assert page.get_by_label("Note").input_value() == "said Pat"
    assert page.get_by_label("They pay on").input_value() == "2099-01-01"


@pytest.fixture
def final_letter() -> Iterator[ContactAttempt]:
    """A final demand by certified letter, approved, after an e-mail that reached them."""
    with time_machine.travel(morning(WEDNESDAY)):
        outbox.company()
        customer = make.customer("C-1040", "Ashdown Joinery Ltd", owner=member("collector"))
        late = make.invoice(customer, "1500.00", WEDNESDAY - timedelta(days=95))
        before = WEDNESDAY - timedelta(days=30)
        mail = outbox.queued(customer, late, tone="urgent", step="d60")
        ContactAttempt.objects.filter(pk=mail.pk).update(
            state="sent", done_on=before, reached_on=before, message_id="<a@b>", local_date=before
        )
        letter = outbox.queued(
            customer, late, channel="letter", tone="final", step="d90", needs_approval=True,
            certified=True, pay_by=WEDNESDAY + timedelta(days=14),
        )  # fmt: skip
        yield approve(letter.pk, actor=actor_of(member("manager")))


def test_the_final_demand_is_shown_before_it_is_printed(
    page_as: PageAs, final_letter: ContactAttempt, live_server: LiveServer
) -> None:
    page = page_as("collector")
    page.goto("/letters/")
    page.get_by_role("link", name="Print letters (1)").click()
    row = page.get_by_role("row").filter(has_text="Ashdown Joinery Ltd")
    assert row.get_by_text("500 Mill Road").is_visible()
    page.get_by_role("button", name="Print 1 final demand").click()
    page.locator("h1", has_text="printed").or_(page.get_by_role("alert")).wait_for()
    assert page.get_by_role("heading", name="1 letter printed").is_visible(), page.content()
    letter = Letter.objects.get()
    assert letter.status == "printed"
    file = page.request.get(f"{live_server.url}/letters/batch/{letter.print_batch}/pdf/")
    assert file.headers["content-type"] == "application/pdf"
    assert file.body().startswith(b"%PDF-")


def test_a_read_only_person_finds_no_way_to_change_anything(page_as: PageAs) -> None:
    line = ring()
    call = planned_call(line)
    page = page_as("read_only")
    for path in (
        "/worklist/",
        "/outbox/",
        f"/outbox/{call.pk}/",
        "/letters/",
        "/settings/sending/",
    ):
        page.goto(path)
        forms = page.locator("main form[method=post]").count()
        assert forms == 0, path
    client = Client()
    client.force_login(member("read_only"))
    assert (
        client.post(f"/customers/{line.customer.pk}/call/", {"outcome": "refuses"}).status_code
        == 403
    )
    assert not line.customer.attempts.exclude(pk=call.pk).exists()
