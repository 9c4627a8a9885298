"""Logging in and out, with and without JavaScript."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from arfollow.staff.models import User
from tests.pages.conftest import DESKTOP, PASSWORD, PHONE, member

type Opener = Callable[..., Page]


def log_in(page: Page, username: str, password: str, start: str = "/accounts/login/") -> None:
    page.goto(start)
    page.locator("#id_login").fill(username)
    page.locator("#id_password").fill(password)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.django_db
def test_every_page_but_the_log_in_asks_who_is_there(client: Client) -> None:
    for path in ("/profile/", "/settings/company/", "/settings/staff/", "/settings/staff/add/"):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/accounts/login/"), path


def test_a_person_logs_in_without_javascript_and_arrives_where_they_wanted(
    open_page: Opener,
) -> None:
    member("collector")
    page = open_page(script=False)
    log_in(page, "mia", PASSWORD, start="/profile/")
    assert page.get_by_role("heading", name="Your profile").is_visible()


def test_a_wrong_password_is_answered_by_a_summary_that_leads_to_the_field(
    open_page: Opener, axe_check: Callable[[Page], None]
) -> None:
    member("collector")
    page = open_page()
    log_in(page, "mia", "not the password")
    summary = page.get_by_role("alert").filter(has_text="There is a problem")
    assert summary.is_visible()
    axe_check(page)


def test_logging_out_needs_no_second_page_and_closes_every_other(page_as: Opener) -> None:
    page = page_as("collector")
    page.goto("/profile/")
    page.get_by_role("button", name="Log out").first.click()
    page.goto("/profile/")
    assert "/accounts/login/" in page.url


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_the_log_in_pages_have_no_accessibility_violation(
    open_page: Opener, axe_check: Callable[[Page], None], width: int, *, dark: bool
) -> None:
    page = open_page(width=width, dark=dark)
    for path in ("/accounts/login/", "/accounts/password/reset/", "/nowhere/"):
        page.goto(path)
        axe_check(page)


def test_the_password_and_two_factor_pages_have_no_accessibility_violation(
    look_at: Callable[..., None],
) -> None:
    look_at("/accounts/password/change/")
    look_at("/profile/")


@pytest.mark.django_db
def test_nobody_can_sign_up(client: Client) -> None:
    client.post(
        "/accounts/signup/",
        {"username": "eve", "email": "eve@example.com", "password1": PASSWORD},
    )
    assert not User.objects.filter(username="eve").exists()


@pytest.mark.django_db
def test_many_wrong_passwords_close_the_door_for_a_while(client: Client, settings: Any) -> None:
    member("collector")
    statuses = [
        client.post("/accounts/login/", {"login": "mia", "password": f"wrong {n}"}).status_code
        for n in range(8)
    ]
    last = client.post("/accounts/login/", {"login": "mia", "password": PASSWORD})
    assert statuses[0] == 200
    assert last.status_code != 302, "the right password was let in during the lock"
