"""One sees one's own open sessions and ends them on other devices (ASVS 7.5.2)."""

import re
from collections.abc import Callable

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from arfollow.staff.devices import device_of
from tests.pages.conftest import PASSWORD, member

# Nothing here depends on the database: once is enough.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
PAGE, OTHERS = "/profile/sessions/", "/profile/sessions/end/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML) Chrome/140.0 Safari/537.36"


def log_in(name: str = "mia", *, agent: str = FIREFOX, ip: str = "192.0.2.1") -> Client:
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=ip)
    client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    return client


def confirm(client: Client) -> None:
    """Who ends sessions says the password again."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def ends(client: Client) -> list[str]:
    """The addresses of the buttons that end one."""
    return re.findall(rf'action="({PAGE}\d+/end/)"', client.get(PAGE).content.decode())


@pytest.fixture
def desk(empty_cache: None) -> Client:
    member("collector")
    return log_in()


@pytest.fixture
def phone(desk: Client) -> Client:
    return log_in(agent=SAFARI, ip="198.51.100.7")


def test_the_list_says_which_device_from_where_and_when(desk: Client, phone: Client) -> None:
    shown = desk.get(PAGE).content.decode()
    assert shown.index("Firefox on Linux") < shown.index("This one") < shown.index("198.51.100.7")
    assert "Safari on iPhone" in shown
    assert PAGE in desk.get("/profile/").content.decode()


def test_one_is_ended_by_its_button_once_the_password_is_said_again(
    desk: Client, phone: Client
) -> None:
    (address,) = ends(desk)
    assert "/reauthenticate/" in desk.post(address)["Location"]
    assert is_in(phone)
    confirm(desk)
    desk.post(address)
    assert not is_in(phone)
    assert is_in(desk)
    assert ends(desk) == []


def test_all_others_are_ended_at_once(desk: Client, phone: Client) -> None:
    laptop = log_in(agent=CHROME)
    confirm(desk)
    assert desk.post(OTHERS)["Location"] == PAGE
    assert [is_in(each) for each in (desk, phone, laptop)] == [True, False, False]


def test_a_press_that_waited_for_the_password_is_done_then(desk: Client, phone: Client) -> None:
    desk.post(OTHERS)
    confirm_form = {"password": PASSWORD, "next": OTHERS}
    desk.post("/accounts/reauthenticate/", confirm_form)
    assert not is_in(phone)


def test_nobody_sees_or_ends_those_of_others(desk: Client) -> None:
    member("admin")
    sam = log_in("sam", ip="203.0.113.9")
    assert "192.0.2.1" not in sam.get(PAGE).content.decode()
    confirm(sam)
    row = UserSession.objects.get(user__username="mia")
    assert sam.post(f"{PAGE}{row.pk}/end/").status_code == 404
    sam.post(OTHERS)
    assert is_in(desk)


def test_the_session_at_hand_is_ended_by_logging_out_only(desk: Client) -> None:
    desk.get(PAGE)
    confirm(desk)
    row = UserSession.objects.get(user__username="mia")
    desk.post(f"{PAGE}{row.pk}/end/")
    assert is_in(desk)


def test_what_opens_nothing_any_more_is_not_listed(desk: Client, phone: Client) -> None:
    session = phone.session
    session["began"] -= settings.SESSION_ABSOLUTE_SECONDS
    session.save()
    assert "198.51.100.7" not in desk.get(PAGE).content.decode()


def test_a_session_of_before_the_upgrade_comes_onto_the_list(desk: Client) -> None:
    UserSession.objects.all().delete()
    session = desk.session
    for key in ("began", "listed"):
        session.pop(key, None)
    session.save()
    assert "Firefox on Linux" in desk.get(PAGE).content.decode()


def test_the_last_click_costs_no_write_beyond_the_session_itself(desk: Client) -> None:
    desk.get(PAGE)
    with CaptureQueriesContext(connection) as asked:
        desk.get(PAGE)
    written = [each["sql"] for each in asked if re.match("INSERT|UPDATE|DELETE", each["sql"])]
    assert all(Session._meta.db_table in each for each in written), written


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/140.0", "Edge on Windows"),
        ("curl/8.14", "curl/8.14"),
        ("", "Unknown"),
    ],
)
def test_a_device_is_named_in_two_words(agent: str, said: str) -> None:
    assert device_of(agent) == said


@pytest.mark.sqlite
def test_the_page_is_for_everybody_to_use(look_at: Callable[..., None]) -> None:
    look_at(PAGE, "read_only")
