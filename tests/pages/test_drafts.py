"""An idle log-out costs nobody what they typed."""

from collections.abc import Callable

from django.conf import settings
from playwright.sync_api import Page

from arfollow.staff.models import User
from tests.pages.conftest import PASSWORD, member

type PageAs = Callable[..., Page]
AGAIN = "What you typed here before is filled in again."


def log_in(page: Page, username: str) -> None:
    page.locator("#id_login").fill(username)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_what_was_typed_is_there_again_after_an_idle_log_out(page_as: PageAs) -> None:
    page = page_as("collector")
    page.goto("/profile/")
    page.get_by_label("Job title").fill("Credit controller")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Save your profile").click()
    page.get_by_role("heading", name="Log in").wait_for()
    log_in(page, "mia")
    page.get_by_text(AGAIN).wait_for()
    assert page.get_by_label("Job title").input_value() == "Credit controller"
    page.get_by_role("button", name="Save your profile").click()
    page.get_by_text("Your profile is saved.").wait_for()
    assert User.objects.get(username="mia").job_title == "Credit controller"


def test_a_saved_form_leaves_no_draft(page_as: PageAs) -> None:
    page = page_as("collector")
    page.goto("/profile/")
    page.get_by_label("Job title").fill("Credit controller")
    page.get_by_role("button", name="Save your profile").click()
    page.get_by_text("Your profile is saved.").wait_for()
    User.objects.filter(username="mia").update(job_title="Head of credit")
    page.goto("/profile/")
    assert page.get_by_label("Job title").input_value() == "Head of credit"
    assert page.get_by_text(AGAIN).count() == 0


def test_passwords_are_never_kept(page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto("/settings/staff/add/")
    page.get_by_label("Job title").fill("Clerk")
    page.get_by_label("First password").fill("rain on the harbour")
    kept = page.evaluate("JSON.stringify(sessionStorage)")
    assert "Clerk" in kept
    assert "rain" not in kept


def test_logging_out_forgets_what_was_typed(page_as: PageAs) -> None:
    member("collector")
    page = page_as("collector")
    page.goto("/profile/")
    page.get_by_label("Job title").fill("Credit controller")
    page.get_by_role("button", name="Log out").first.click()
    page.get_by_role("heading", name="Log in").wait_for()
    assert page.evaluate("sessionStorage.length") == 0
