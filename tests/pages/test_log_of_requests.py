"""The log tells who came, went and failed, and nothing that was typed (ASVS 16.2.5, 16.3)."""

from typing import Any

import pytest
from django.test import Client, RequestFactory

from arfollow.shared.requestlog import RequestLog
from tests.pages.conftest import PASSWORD, member

LOGGER = "arfollow.staff.adapter"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/customers/?q=Secretive+Boats&page=2", "GET /customers/"),
        ("/accounts/password/reset/key/3-cabc12-99f/", "GET /accounts/password/reset/key/…/"),
        ("/customers/7/", "GET /customers/7/"),
    ],
)
def test_a_request_is_told_without_what_was_searched_for_or_opens_an_account(
    address: str, told: str
) -> None:
    assert RequestLog.format_request(RequestFactory().get(address)) == told


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level("INFO", LOGGER)
    return lambda: [
        (one.msg["event"], one.msg["account"])  # type: ignore[index]
        for one in caplog.records
        if one.name == LOGGER
    ]


def log_in(client: Client, name: str, password: str) -> int:
    return client.post("/accounts/login/", {"login": name, "password": password}).status_code


@pytest.mark.django_db
def test_log_ins_and_their_failures_are_logged_by_account(
    client: Client, told: Any, empty_cache: None
) -> None:
    mia = member("collector")
    log_in(client, "mia", "wrong")
    log_in(client, "no such person", "wrong")
    assert log_in(client, "mia", PASSWORD) == 302
    client.post("/accounts/logout/")
    assert told() == [
        ("log-in failed", mia.pk),
        ("log-in failed", None),
        ("logged in", mia.pk),
        ("logged out", mia.pk),
    ]


@pytest.mark.django_db
def test_a_door_that_closes_is_logged(client: Client, told: Any, empty_cache: None) -> None:
    mia = member("collector")
    for _ in range(6):
        log_in(client, "mia", "wrong")
    assert told()[-1] == ("log-in refused, too many tries", mia.pk)


@pytest.mark.django_db
def test_what_was_typed_is_never_logged(
    client: Client, caplog: pytest.LogCaptureFixture, empty_cache: None
) -> None:
    caplog.set_level("DEBUG")
    member("collector")
    log_in(client, "a-password-in-the-wrong-field", "another-typed-word")
    assert "wrong-field" not in caplog.text
    assert "another-typed-word" not in caplog.text
