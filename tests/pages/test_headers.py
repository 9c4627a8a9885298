"""What goes along with every page."""

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def answer(client: Client) -> dict[str, str]:
    return dict(client.get(reverse("account_login")).headers)


def test_no_page_is_stored_by_a_browser_or_a_proxy(answer: dict[str, str]) -> None:
    assert "no-store" in answer["Cache-Control"]


def test_a_page_that_sends_elsewhere_is_not_stored_either(client: Client) -> None:
    away = client.get(reverse("account_change_password"))
    assert away.status_code == 302
    assert "no-store" in away.headers["Cache-Control"]


def test_scripts_and_styles_come_from_here_only(answer: dict[str, str]) -> None:
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
)
def test_the_browser_is_told_not_to_guess_frame_or_tell(
    answer: dict[str, str], header: str, value: str
) -> None:
    assert answer[header] == value


def test_the_session_cookie_is_out_of_reach_of_scripts(client: Client) -> None:
    client.get(reverse("account_login"))
    assert client.cookies
    for cookie in client.cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
