"""The end of a session costs nobody what they typed."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Page

from arfollow.staff.models import User
from tests.pages.conftest import PASSWORD, member

type PageAs = Callable[..., Page]
AGAIN = "What you typed here before is filled in again."


def log_in(page: Page, username: str) -> None:
    page.locator("#id_login").fill(username)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def idle_end(page: Page) -> None:
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)


def absolute_end(page: Page) -> None:
    for kept in Session.objects.all():
        session = SessionStore(kept.session_key)
        session["began"] -= settings.SESSION_ABSOLUTE_SECONDS
        session.save()


@pytest.mark.parametrize("end", [idle_end, absolute_end])
def test_what_was_typed_is_there_again_after_the_end_of_a_session(
    page_as: PageAs, end: Callable[[Page], None]
) -> None:
    page = page_as("collector")
    page.goto("/profile/")
    page.get_by_label("Job title").fill("Credit controller")
    end(page)
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
