"""MAIL_URL: one line says where mail goes."""

import pytest

from arfollow.shared.mailurl import MailUrlError, mailer_from_url, signing_keys


def test_a_directory_gets_one_file_for_each_message() -> None:
    mailer = mailer_from_url("file:///srv/arfollow/mail")
    assert mailer["BACKEND"] == "arfollow.shared.mailfile.EmailBackend"
    assert mailer["OPTIONS"] == {"file_path": "/srv/arfollow/mail"}


@pytest.mark.parametrize(
    ("scheme", "port", "use_tls", "use_ssl"),
    [("smtp", 25, False, False), ("smtp+tls", 587, True, False), ("smtps", 465, False, True)],
)
def test_smtp_has_a_usual_port_and_the_encryption_of_its_scheme(
    scheme: str,
    port: int,
    use_tls: bool,
    use_ssl: bool,
) -> None:
    options = mailer_from_url(f"{scheme}://mail.example.com")["OPTIONS"]
    assert (options["host"], options["port"]) == ("mail.example.com", port)
    assert (options["use_tls"], options["use_ssl"]) == (use_tls, use_ssl)


def test_a_port_and_percent_encoded_log_in_are_read() -> None:
    options = mailer_from_url("smtp+tls://me%40firm.com:p%3Ass%2Fword@host:2525")["OPTIONS"]
    assert (options["username"], options["password"]) == ("me@firm.com", "p:ss/word")
    assert options["port"] == 2525


def test_smtp_never_waits_for_ever() -> None:
    assert 0 < mailer_from_url("smtp://host")["OPTIONS"]["timeout"] <= 20


@pytest.mark.parametrize(
    ("url", "backend", "options"),
    [
        ("postmark://tok-en@", "postmark", {"server_token": "tok-en"}),
        ("postmark://tok-en", "postmark", {"server_token": "tok-en"}),
        ("anymail+postmark://tok-en@", "postmark", {"server_token": "tok-en"}),
        (
            "mailgun://key@mg.example.com",
            "mailgun",
            {"api_key": "key", "sender_domain": "mg.example.com"},
        ),
        ("sendgrid://SG.abc@", "sendgrid", {"api_key": "SG.abc"}),
        ("brevo://xkeysib@", "brevo", {"api_key": "xkeysib"}),
        ("resend://re_123@", "resend", {"api_key": "re_123"}),
        (
            "postmark://t@?message_stream=reminders",
            "postmark",
            {"server_token": "t", "message_stream": "reminders"},
        ),
    ],
)
def test_a_provider_is_named_by_its_scheme(url: str, backend: str, options: dict[str, str]) -> None:
    mailer = mailer_from_url(url)
    assert mailer == {"BACKEND": f"anymail.backends.{backend}.EmailBackend", "OPTIONS": options}


def test_amazon_takes_a_region_and_a_key_where_the_machine_has_no_role() -> None:
    assert mailer_from_url("ses://eu-west-1")["OPTIONS"] == {
        "client_params": {"region_name": "eu-west-1"}
    }
    params = mailer_from_url("ses://AKIA:s%2Fcret@eu-west-1")["OPTIONS"]["client_params"]
    assert params["aws_secret_access_key"] == "s/cret"


@pytest.mark.parametrize("url", ["ftp://secret-word@host", "secret-word", "smtp://", "postmark://"])
def test_an_unreadable_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(MailUrlError) as error:
        mailer_from_url(url)
    assert "secret-word" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        ("mailgun://KEY@mg.example.com", "", {"MAILGUN_WEBHOOK_SIGNING_KEY": "KEY"}),
        ("mailgun://KEY@mg.example.com", "other", {"MAILGUN_WEBHOOK_SIGNING_KEY": "other"}),
        ("resend://KEY@", "whsec_1", {"RESEND_SIGNING_SECRET": "whsec_1"}),
        ("anymail+sendgrid://K@", "p", {"SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": "p"}),
        ("resend://KEY@", "", {}),
        ("postmark://KEY@", "key", {}),
        ("file:///srv/mail", "key", {}),
    ],
)
def test_a_provider_that_signs_its_webhooks_gets_the_key_to_check_them(
    url: str, key: str, expected: dict[str, str]
) -> None:
    assert signing_keys(url, key) == expected
