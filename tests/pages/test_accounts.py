"""Passwords, second factor, what ends a session (ASVS 6.2, 6.3, 6.5, 7.2 to 7.4)."""

import gzip
import hashlib
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    validate_password,
)
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from arfollow.staff.models import User
from tests.pages.conftest import PASSWORD, member
from tests.repo.test_settings import PRODUCTION, setting

pytestmark = pytest.mark.django_db
LOGIN, RESET = "/accounts/login/", "/accounts/password/reset/"


def log_in(client: Client, name: str = "mia", password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"login": name, "password": password})


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


@pytest.mark.parametrize(
    "password", ["short-one-1", "password1234", "qwertyuiop12", "mia.mia.mia1"]
)
def test_short_usual_and_own_names_are_no_passwords(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, User(username="mia.mia.mia", email="mia@example.com"))


@pytest.mark.parametrize("password", ["1q2w3e4r5t6y", "123qweasdzxc", "1Q2W3E4R5T6Y"])
def test_what_breaches_hold_most_often_is_no_password(password: str) -> None:
    """ASVS 6.2.12: long enough, like nobody's name, and known from breaches."""
    with pytest.raises(ValidationError) as refused:
        validate_password(password, User(username="mia"))
    assert [each.code for each in refused.value.error_list] == ["password_too_common"]


def test_the_list_of_breached_passwords_is_the_one_whose_origin_we_know() -> None:
    """A newer list is welcome: see where it comes from, then name its hash here."""
    packed = CommonPasswordValidator().DEFAULT_PASSWORD_LIST_PATH.read_bytes()
    text = gzip.decompress(packed)
    assert hashlib.sha256(text).hexdigest() == (
        "29ca0fa5303165f012f3e9775e3e95a3071cdd59f219973ec1cbb308d0214a6f"
    )


@pytest.mark.parametrize("password", ["correct horse battery", "ß" * 12, "x9" * 64])
def test_long_ones_of_any_characters_are_taken(password: str) -> None:
    validate_password(password)


def test_passwords_are_kept_by_a_slow_hash_and_no_setting_weakens_it() -> None:
    assert PBKDF2PasswordHasher.iterations >= 1_000_000
    with pytest.raises(KeyError):
        setting("PASSWORD_HASHERS", **PRODUCTION)


def test_a_log_in_begins_a_new_session(client: Client, empty_cache: None) -> None:
    member("collector")
    client.get(LOGIN)
    session = client.session
    session["before"] = "1"
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    log_in(client)
    assert client.session.session_key != session.session_key


def test_whoever_is_made_inactive_is_out_at_once(client: Client, empty_cache: None) -> None:
    mia = member("collector")
    log_in(client)
    assert is_in(client)
    User.objects.filter(pk=mia.pk).update(is_active=False)
    assert not is_in(client)
    log_in(client)
    assert not is_in(client)


def test_a_new_password_ends_every_session(client: Client, empty_cache: None) -> None:
    mia = member("collector")
    other = Client()
    for one in (client, other):
        log_in(one)
    new = "another long and quiet one"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post("/accounts/password/change/", form)
    mia.refresh_from_db()
    assert mia.check_password(new)
    assert not is_in(other)


def test_a_session_ends_after_four_hours_without_a_click() -> None:
    assert setting("SESSION_COOKIE_AGE", **PRODUCTION) == 4 * 60 * 60
    assert setting("SESSION_SAVE_EVERY_REQUEST", **PRODUCTION) is True


def test_nobody_learns_whether_an_account_exists(client: Client, empty_cache: None) -> None:
    member("collector")
    known, unknown = log_in(client, "mia", "wrong"), log_in(client, "zoe", "wrong")
    assert known.status_code == unknown.status_code == 200
    assert known.context["form"].errors == unknown.context["form"].errors


def test_a_reset_answers_the_same_for_a_stranger_and_writes_to_none(
    client: Client, empty_cache: None
) -> None:
    mia = member("collector")
    User.objects.filter(pk=mia.pk).update(email="mia@example.com")
    answers = [
        client.post(RESET, {"email": each}) for each in ("mia@example.com", "zoe@example.com")
    ]
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer["Location"] for answer in answers}) == 1
    assert [each.to for each in mail.outbox] == [["mia@example.com"]]


def test_twenty_tries_end_in_a_closed_door_for_the_account_and_the_caller(
    client: Client, empty_cache: None
) -> None:
    """ASVS 6.3.1: five for an account in five minutes, ten for a caller in a minute."""
    member("collector")
    for _ in range(20):
        log_in(client, "mia", "wrong")
    assert log_in(client).status_code != 302
    elsewhere = Client(REMOTE_ADDR="10.9.8.7")
    assert log_in(elsewhere).status_code != 302, "the account is closed for every caller"
    member("manager")
    assert log_in(client, "ruth").status_code != 302, "the caller is closed for every account"


def test_a_closed_door_stays_closed_however_many_others_are_tried(
    client: Client, empty_cache: None
) -> None:
    """The counts stand in the cache, which throws entries away where there are too many."""
    member("collector")
    for _ in range(6):
        log_in(client, "mia", "wrong")
    for number in range(310):
        cache.set(f"another-{number}", [1.0], 300)
    elsewhere = Client(REMOTE_ADDR="10.9.8.7")
    assert log_in(elsewhere).status_code != 302


def test_a_second_factor_is_asked_for_where_it_was_set_up(
    client: Client, empty_cache: None
) -> None:
    mia = member("collector")
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(mia, secret)
    assert log_in(client)["Location"].startswith("/accounts/2fa/authenticate/")
    assert not is_in(client)
    now = next(iter(totp.yield_hotp_counters_from_time()))
    code = totp.format_hotp_value(totp.hotp_value(secret, now))
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert is_in(client)
    again = Client()
    log_in(again)
    again.post("/accounts/2fa/authenticate/", {"code": code})
    assert not is_in(again), "a code is good once"
