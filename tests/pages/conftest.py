"""A real Chromium on the real pages: log in as a role, look, and count what axe finds."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from itertools import product
from typing import Any

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from arfollow.shared import clock
from arfollow.staff.models import Role, User

DESKTOP, PHONE = 1366, 390
PASSWORD = "a long and quiet password"
BROWSER_FIXTURES = {"page_as", "browser", "open_page"}
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DAY = clock.today()
"""The day on which the tests of pages were read: their ledgers are made for it."""

type PageAs = Callable[..., Page]


@pytest.fixture(autouse=True)
def _midnight_waits_for_the_tests() -> Iterator[None]:
    """A run that lasts into the next day stays on the day it began."""
    if clock.today() == DAY:
        yield
        return
    with time_machine.travel(datetime.combine(DAY, time(23, 50), UTC), tick=True):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if BROWSER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)


def chromium() -> str | None:
    """The browser of this machine: ``CHROMIUM``, else one on the path."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = (path for name in names if (path := shutil.which(name)))
    return os.environ.get("CHROMIUM") or next(found, None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on the path (CHROMIUM names one)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture
def contexts() -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer, contexts: list[BrowserContext]) -> PageAs:
    """A page of nobody; what the browser complains about fails the test."""

    def opened(*, width: int = DESKTOP, dark: bool = False, script: bool = True) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 768 if width > PHONE else 844},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", _refuse_policy_breaches)
        return page

    return opened


def _refuse_policy_breaches(message: Any) -> None:
    text = str(message.text)
    assert "Content Security Policy" not in text, text


@pytest.fixture
def page_as(open_page: PageAs, live_server: LiveServer) -> PageAs:
    """``page_as("collector", width=390, dark=True, script=False)``: a page logged in."""

    def logged_in(role: str = "collector", **options: Any) -> Page:
        page = open_page(**options)
        client = Client()
        client.force_login(member(role))
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        return page

    return logged_in


def member(role: str) -> User:
    """The member of staff with this role; made at the first asking."""
    people = {
        Role.COLLECTOR: ("mia", "Mia", "Okafor"),
        Role.MANAGER: ("ruth", "Ruth", "Adler"),
        Role.ADMIN: ("sam", "Sam", "Whitlock"),
        Role.READ_ONLY: ("rea", "Rea", "Dean"),
    }
    username, first, last = people[Role(role)]
    found = User.objects.filter(username=username).first()
    return found or User.objects.create_user(
        username, f"{username}@harbour.example", PASSWORD, role=role, first_name=first,
        last_name=last,
    )  # fmt: skip


@pytest.fixture
def axe_check() -> Callable[[Page], None]:
    """Fails with every accessibility violation axe finds on the page."""

    def check(page: Page) -> None:
        violations = Axe().run(page).response["violations"]
        found = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in violations]
        assert not found, f"{page.url}: " + "; ".join(found)
        wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{page.url} is {wide} px wider than the window"

    return check


@pytest.fixture
def look_at(page_as: PageAs, axe_check: Callable[[Page], None]) -> Callable[..., None]:
    """One address in light and dark, wide and narrow: it answers, and axe finds nothing."""

    pages: dict[str, Page] = {}

    def look(path: str, role: str = "collector", *, status: int = 200) -> None:
        page = pages.get(role) or pages.setdefault(role, page_as(role))
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, path
        for width, scheme in product((DESKTOP, PHONE), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 768})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            axe_check(page)

    return look
