"""Who may do what: a ladder of roles, and a refusal where nothing is said."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.views import View

from arfollow.staff.models import Role, User
from arfollow.staff.permissions import (
    RequiresRole,
    WriteRightsMiddleware,
    allows,
    open_to_all,
    requires,
)
from tests.pages.conftest import member

LADDER = [Role.READ_ONLY, Role.COLLECTOR, Role.MANAGER, Role.ADMIN]


def person(role: str, *, active: bool = True) -> User:
    return User(username="x", role=role, is_active=active)


def asked(method: str, role: str) -> HttpRequest:
    request = RequestFactory().generic(method, "/")
    request.user = person(role)
    return request


def done(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@pytest.mark.parametrize("needed", LADDER)
@pytest.mark.parametrize("has", LADDER)
def test_each_role_may_do_what_the_ones_below_it_may(has: Role, needed: Role) -> None:
    assert allows(person(has), needed) is (LADDER.index(has) >= LADDER.index(needed))


def test_a_person_who_may_not_log_in_may_do_nothing() -> None:
    assert not allows(person(Role.ADMIN, active=False), Role.READ_ONLY)


def test_nobody_may_do_nothing() -> None:
    assert not allows(AnonymousUser(), Role.READ_ONLY)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_view_for_managers_refuses_a_collector(method: str) -> None:
    view = requires(Role.MANAGER)(done)
    with pytest.raises(PermissionDenied, match="Manager"):
        view(asked(method, Role.COLLECTOR))
    assert view(asked(method, Role.MANAGER)).status_code == 200


def test_a_view_that_lower_roles_may_read_still_takes_no_change_from_them() -> None:
    view = requires(Role.ADMIN, reads=Role.READ_ONLY)(done)
    assert view(asked("GET", Role.READ_ONLY)).status_code == 200
    with pytest.raises(PermissionDenied):
        view(asked("POST", Role.MANAGER))


def test_class_based_views_say_it_with_an_attribute() -> None:
    class Approve(RequiresRole, View):
        role = Role.MANAGER

        def post(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("approved")

    view = Approve.as_view()
    with pytest.raises(PermissionDenied):
        view(asked("POST", Role.COLLECTOR))
    assert view(asked("POST", Role.ADMIN)).content == b"approved"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_change_that_no_rule_allows_is_refused_even_to_an_admin(method: str) -> None:
    guard = WriteRightsMiddleware(lambda request: HttpResponse())
    with pytest.raises(PermissionDenied):
        guard.process_view(asked(method, Role.ADMIN), done, (), {})


def test_marked_views_and_looking_pass_the_guard() -> None:
    guard = WriteRightsMiddleware(lambda request: HttpResponse())
    for request, view in (
        (asked("GET", Role.READ_ONLY), done),
        (asked("POST", Role.COLLECTOR), requires(Role.COLLECTOR)(done)),
        (asked("POST", Role.READ_ONLY), open_to_all(lambda request: HttpResponse())),
    ):
        guard.process_view(request, view, (), {})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "least"),
    [("/settings/company/", Role.ADMIN), ("/settings/staff/add/", Role.ADMIN)],
)
def test_settings_are_changed_by_admins_only(client: Client, path: str, least: Role) -> None:
    for role in LADDER:
        client.force_login(member(role))
        refused = client.post(path, {}).status_code == 403
        assert refused is (LADDER.index(role) < LADDER.index(least)), role


@pytest.mark.django_db
def test_the_refusal_page_says_which_role_is_needed(client: Client) -> None:
    client.force_login(member("read_only"))
    answer = client.post("/settings/company/", {})
    assert "This needs the role “Admin”." in answer.content.decode()


ABOVE_ROLES = {"profile", "session-end", "sessions-end"}
"""Changes that need no role: one's own name, one's own sessions."""


def addresses() -> list[tuple[str, str]]:
    """Every address of ours by name, with 1 for each number in it."""
    found = []
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and not str(pattern.pattern):
            found += [each for each in pattern.url_patterns if isinstance(each, URLPattern)]
    return [(str(each.name), "/" + re.sub(r"<[^>]+>", "1", str(each.pattern))) for each in found]


def test_there_are_addresses_to_walk() -> None:
    assert {"customer-detail", "invoice-add", "company-settings"} <= dict(addresses()).keys()


@pytest.mark.django_db
def test_a_read_only_person_cannot_change_anything_anywhere(client: Client) -> None:
    client.force_login(member("read_only"))
    answers = {
        name: client.post(path).status_code for name, path in addresses() if name not in ABOVE_ROLES
    }
    assert {name: code for name, code in answers.items() if code not in (403, 405)} == {}


@pytest.mark.django_db
def test_nobody_changes_anything_without_logging_in(client: Client) -> None:
    public = {name for name, path in addresses() if client.post(path).status_code not in (302, 405)}
    assert public == set()
