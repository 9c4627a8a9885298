"""Links that a page leaves out where the page is missing do lead somewhere here."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver

from arfollow.staff.navigation import ENTRIES, entries
from tests.pages.conftest import member

ROOT = Path(settings.BASE_DIR)
NAMES = {name for name in get_resolver().reverse_dict if isinstance(name, str)}


def test_every_optional_link_of_a_template_names_a_page() -> None:
    asked = {
        (name, str(path.relative_to(ROOT)))
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"{%\s*url_if\s+\"([^\"]+)\"", path.read_text())
    }
    assert asked
    assert {(name, path) for name, path in asked if name not in NAMES} == set()


def test_every_optional_link_of_a_view_names_a_page() -> None:
    asked = {
        (name, path.name)
        for path in (ROOT / "dunning" / "views").glob("*.py")
        for name in re.findall(r"address\(\"([^\"]+)\"", path.read_text())
    }
    assert asked
    assert {(name, path) for name, path in asked if name not in NAMES} == set()


def test_every_entry_of_the_navigation_leads_to_a_page() -> None:
    assert [entry.label for entry in entries("/")] == [label for _, label in ENTRIES]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/", "Dashboard"),
        ("/customers/7/", "Customers"),
        ("/invoices/add/", "Invoices"),
        ("/settings/staff/", "Settings"),
        ("/outbox/3/", "Outbox"),
    ],
)
def test_the_navigation_marks_where_one_is(path: str, label: str) -> None:
    assert [entry.label for entry in entries(path) if entry.current] == [label]


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "shown"), [("read_only", False), ("collector", True)])
def test_the_call_desk_is_offered_to_those_who_call(
    client: Client, role: str, *, shown: bool
) -> None:
    client.force_login(member(role))
    assert ('href="/desk/"' in client.get("/customers/").content.decode()) is shown


@pytest.mark.django_db
def test_every_entry_of_the_navigation_answers_each_role(client: Client) -> None:
    for role in ("read_only", "collector", "manager", "admin"):
        client.force_login(member(role))
        found = entries("/", works=role != "read_only")
        answers = {entry.label: client.get(entry.url).status_code for entry in found}
        assert set(answers.values()) == {200}, (role, answers)
