"""The second factor: demanded of everybody, its keys sealed (ASVS 6.3.3, 6.4.4, 6.5.2)."""

from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core.management import CommandError, call_command
from django.test import Client

from arfollow.shared.models import Event
from arfollow.staff.models import User
from tests.pages.conftest import PASSWORD, member
from tests.pages.test_access_matrix import TABLE, paths
from tests.repo.test_settings import PRODUCTION, setting

# Nothing here depends on the database: once is enough.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
SET_UP = "/accounts/2fa/totp/activate/"


@pytest.fixture
def demanded(settings: Any, empty_cache: None) -> Any:
    settings.REQUIRE_SECOND_FACTOR = True
    return settings


def log_in(client: Client) -> Any:
    return client.post("/accounts/login/", {"login": "mia", "password": PASSWORD})


def code_of(secret: str) -> str:
    now = next(iter(totp.yield_hotp_counters_from_time()))
    return totp.format_hotp_value(totp.hotp_value(secret, now))


def log_in_with_code(secret: str) -> Client:
    client = Client()
    log_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    return client


def in_clear(user: User, secret: str) -> None:
    """As the versions before kept it."""
    Authenticator.objects.create(user=user, type="totp", data={"secret": secret})


def kept(user: User) -> dict[str, Any]:
    data: dict[str, Any] = Authenticator.objects.get(user=user, type="totp").data
    return data


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_it_is_demanded_wherever_others_can_reach_the_program() -> None:
    assert setting("REQUIRE_SECOND_FACTOR", **PRODUCTION) is True
    assert setting("REQUIRE_SECOND_FACTOR") is False, "on a laptop"
    assert setting("REQUIRE_SECOND_FACTOR", **PRODUCTION, HTTPS="false") is False, "the demo"


@pytest.mark.sqlite
def test_without_one_every_address_leads_to_its_set_up(client: Client, demanded: Any) -> None:
    client.force_login(member("admin"))
    for name, path in [*paths().items(), ("", "/accounts/password/change/"), ("", "/metrics")]:
        ask = client.post if name and TABLE[name][0] is None else client.get
        answer = ask(path)
        assert (answer.status_code, answer.get("Location")) == (302, SET_UP), path


def test_the_set_up_itself_is_open_and_so_is_the_way_out(client: Client, demanded: Any) -> None:
    """The set-up asks for the password again: whoever finds an open desk sets up nothing."""
    member("collector")
    log_in(client)
    assert "/accounts/reauthenticate/" in client.get(SET_UP)["Location"]
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get(SET_UP)
    assert page.status_code == 200
    assert 'class="qr"' in page.content.decode(), "white behind it, for cameras in the dark"
    secret = page.context["form"].secret
    shown = client.post(SET_UP, {"code": code_of(secret)})["Location"]
    assert client.get(shown).status_code == 200
    assert is_in(client)
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/livez").status_code == 200


def set_up(client: Client, code: str = "") -> Any:
    """With the password said again, and the code of the key that is shown there."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get(SET_UP).context["form"].secret
    return client.post(SET_UP, {"code": code or code_of(secret)})


def test_setting_it_up_ends_the_sessions_that_began_without_it(
    client: Client, empty_cache: None
) -> None:
    member("collector")
    elsewhere = Client()
    for each in (client, elsewhere):
        log_in(each)
    assert set_up(client, code="no").status_code == 200
    assert is_in(elsewhere), "nothing was set up"
    assert set_up(client).status_code == 302
    assert is_in(client)
    assert not is_in(elsewhere)


def test_who_has_set_it_up_works_on(client: Client, demanded: Any) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(member("collector"), secret)
    log_in(client)
    assert not is_in(client)
    assert is_in(log_in_with_code(secret))


def test_recovery_codes_alone_are_none(client: Client, demanded: Any) -> None:
    mia = member("collector")
    RecoveryCodes.activate(mia)
    client.force_login(mia)
    assert not is_in(client)


def test_a_part_of_a_page_and_a_program_are_told_in_their_own_way(
    client: Client, demanded: Any
) -> None:
    client.force_login(member("collector"))
    part = client.get("/worklist/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == SET_UP
    program = client.get("/worklist/", headers={"Accept": "application/json"})
    assert program.status_code == 403
    assert program.json()["set_up"] == SET_UP


def test_it_cannot_be_switched_off_where_it_is_demanded(client: Client, demanded: Any) -> None:
    mia = member("collector")
    totp.TOTP.activate(mia, secret := totp.generate_totp_secret())
    client = log_in_with_code(secret)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/totp/deactivate/")
    assert kept(mia)
    demanded.REQUIRE_SECOND_FACTOR = False
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(user=mia).exists()


def test_no_key_stands_in_clear() -> None:
    mia = member("collector")
    totp.TOTP.activate(mia, secret := totp.generate_totp_secret())
    codes = RecoveryCodes.activate(mia).get_unused_codes()
    for row in Authenticator.objects.all():
        key = row.data.get("secret") or row.data["seed"]
        assert key.startswith("sealed:")
        assert secret not in str(row.data)
    opened = RecoveryCodes(Authenticator.objects.get(user=mia, type="recovery_codes"))
    assert opened.validate_code(codes[0])


def test_a_log_in_seals_what_was_in_clear(client: Client, empty_cache: None) -> None:
    mia = member("collector")
    in_clear(mia, secret := totp.generate_totp_secret())
    assert is_in(log_in_with_code(secret))
    assert kept(mia)["secret"].startswith("sealed:")
    assert totp.decrypt(kept(mia)["secret"]) == secret


def test_the_command_seals_those_of_everybody_once(empty_cache: None) -> None:
    in_clear(member("collector"), totp.generate_totp_secret())
    totp.TOTP.activate(member("manager"), totp.generate_totp_secret())
    for said in ("1 sealed anew", "0 sealed anew"):
        call_command("seal_second_factors", stdout=(out := StringIO()))
        assert said in out.getvalue()


def test_a_former_secret_key_still_opens_and_is_replaced(settings: Any, empty_cache: None) -> None:
    mia = member("collector")
    totp.TOTP.activate(mia, secret := totp.generate_totp_secret())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
    assert is_in(log_in_with_code(secret))
    settings.SECRET_KEY_FALLBACKS = []
    assert totp.decrypt(kept(mia)["secret"]) == secret


def test_where_no_key_opens_it_no_code_fits(settings: Any, empty_cache: None) -> None:
    mia = member("collector")
    totp.TOTP.activate(mia, secret := totp.generate_totp_secret())
    before = kept(mia)
    settings.SECRET_KEY = "a new key"
    for each in (secret, ""):
        assert not is_in(log_in_with_code(each))
    call_command("seal_second_factors", stdout=StringIO())
    assert kept(mia) == before, "the former key may come back"


def test_a_lost_one_is_dropped_with_its_sessions_and_told(empty_cache: None) -> None:
    mia = member("collector")
    totp.TOTP.activate(mia, secret := totp.generate_totp_secret())
    desk = log_in_with_code(secret)
    call_command("drop_second_factor", "mia", stdout=StringIO())
    assert not is_in(desk)
    log_in(client := Client())
    assert is_in(client)
    assert Event.objects.get(verb="user.second_factor_removed").object_id == mia.pk
    for name in ("mia", "nobody"):
        with pytest.raises(CommandError):
            call_command("drop_second_factor", name)
