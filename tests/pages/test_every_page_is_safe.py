"""Every address as an admin sees it: headers, nothing inline, no change by looking, no forgery.

ASVS 3.4, 3.5.1 to 3.5.3, 1.2.1, 14.3.2. The addresses are those of the access matrix, each of
something that exists, with health, log-in and what is not found.
"""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.pages.conftest import member
from tests.pages.test_access_matrix import TABLE, paths

# Nothing here depends on the database: once is enough.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": ("DENY", "SAMEORIGIN"),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
OPEN = [
    "/livez",
    "/readyz",
    "/metrics",
    "/nowhere/",
    "/accounts/login/",
    "/accounts/password/reset/",
]
OWN_ACCOUNT = ["/accounts/password/change/", "/accounts/logout/"]
# What a request may write without changing anything of the firm's: who is logged in, how often, and
# the order of the worklist, which is reckoned anew from the ledger where a day has begun.
BOOKKEEPING = re.compile(
    r'(INSERT INTO|UPDATE|DELETE FROM) "?'
    r"(django_session|usersessions_usersession|staff_ratecount|cache|dunning_(priority|exposure))\b"
)
WRITING = re.compile(r"^\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(member("admin"))
    return client


def pages() -> list[str]:
    """Whatever may be looked at."""
    found = paths()
    return [path for name, path in found.items() if TABLE[name][0] is not None] + OPEN + OWN_ACCOUNT


class Inline(HTMLParser):
    """Collects what the content security policy would stop in a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.in_script = tag == "script" and "src" not in given and "nonce" not in given
        self.in_script = self.in_script and given.get("type") != "application/json"
        self.found += [f"<{tag} {name}>" for name in given if name == "style" or name[:2] == "on"]
        if tag == "style" and "nonce" not in given:
            self.found.append("<style>")
        for name in ("href", "src", "action", "formaction"):
            address = (given.get(name) or "").strip().lower()
            if address.startswith(("javascript:", "data:text", "//", "http:")):
                self.found.append(f"<{tag} {name}={address[:40]}>")

    def handle_data(self, data: str) -> None:
        if self.in_script and data.strip():
            self.found.append("<script> inline")
            self.in_script = False


def inline_in(html: str) -> list[str]:
    parser = Inline()
    parser.feed(html)
    return parser.found


def test_the_search_for_inline_parts_finds_them() -> None:
    for bad in (
        "<script>alert(1)</script>",
        "<p style='x'>",
        "<a onclick='x'>",
        "<style>a{}</style>",
        "<a href='javascript:x'>",
    ):
        assert inline_in(bad), bad


def test_every_answer_carries_the_headers_and_is_kept_by_no_cache(admin: Client) -> None:
    wrong = []
    for path in pages():
        headers = admin.get(path).headers
        for name, value in ALWAYS.items():
            allowed = value if isinstance(value, tuple) else (value,)
            if headers.get(name) not in allowed:
                wrong.append(f"{path} {name}: {headers.get(name)}")
        if "no-store" not in headers.get("Cache-Control", ""):
            wrong.append(f"{path} Cache-Control: {headers.get('Cache-Control')}")
        if "default-src 'none'" not in headers.get("Content-Security-Policy", ""):
            wrong.append(f"{path} Content-Security-Policy")
    assert wrong == []


def test_no_page_as_it_is_answered_holds_script_or_style_of_its_own(admin: Client) -> None:
    seen, wrong = 0, []
    for path in pages():
        answer = admin.get(path)
        if "text/html" in answer.headers.get("Content-Type", "") and not answer.streaming:
            page = answer.content.decode()
            seen += "<html" in page
            wrong += [f"{path}: {part}" for part in inline_in(page)]
    assert seen > 50
    assert wrong == []


def test_looking_changes_nothing(admin: Client) -> None:
    wrong = []
    for path in pages():
        with CaptureQueriesContext(connection) as asked:
            admin.get(path)
        wrong += [
            f"{path}: {query['sql'][:80]}"
            for query in asked
            if WRITING.match(query["sql"]) and not BOOKKEEPING.match(query["sql"])
        ]
    assert wrong == []


def test_no_form_is_taken_that_does_not_come_from_our_pages() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member("admin"))
    taken = [
        path
        for path in [*paths().values(), *OWN_ACCOUNT, "/accounts/login/"]
        if client.post(path, {}).status_code not in (403, 405)
    ]
    assert taken == []


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "/\\evil.example",
                                  "javascript:alert(1)"])  # fmt: skip
def test_nobody_is_led_elsewhere_after_the_log_in(client: Client, away: str, settings: Any) -> None:
    """ASVS 1.2.2: no open redirect at the door."""
    member("collector")
    address = f"{reverse('account_login')}?next={away}"
    form = {"login": "mia", "password": "a long and quiet password", "next": away}
    answer = client.post(address, form)
    assert answer.status_code == 302
    assert answer["Location"] == settings.LOGIN_REDIRECT_URL
