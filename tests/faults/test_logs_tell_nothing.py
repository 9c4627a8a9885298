"""Logs name attempt, customer and run; never a text, an address or a secret (D14, 16.x)."""

import io
import json
import logging

import pytest
import structlog
from django.conf import settings as django_settings

from dunning.models import FrozenMessage
from tests import make, outbox
from tests.faults.mailhosts import FakeApi, FakeSmtp, running
from tests.faults.test_provider_answers import use
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db
KEY, PASSWORD = "key-9f27ad", "smtp-pass-77"
ADDRESS, NAME = "pat.secret@example.test", "Secretive Boats"


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1", NAME, email=ADDRESS)
    return outbox.queued(customer, make.invoice(customer, "4711.42", outbox.late(10)))


@pytest.fixture
def log():
    """Everything that is logged, as the JSON lines of production."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    shared = django_settings.LOGGING["formatters"]["structured"]["foreign_pre_chain"]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def secrets_of(attempt):
    frozen = FrozenMessage.objects.filter(attempt=attempt).first()
    body = [line for line in (frozen.text if frozen else "").splitlines() if len(line) > 25]
    subject = [frozen.subject] if frozen else []
    return [KEY, PASSWORD, ADDRESS, NAME, "4,711.42", "4711.42", *subject, *body]


def told_of(log, attempt):
    """The lines, of which none holds anything that is nobody's business."""
    text = log.getvalue()
    found = [secret for secret in secrets_of(attempt) if secret in text]
    assert found == []
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "mode", ["429", "401", "403", "422", "500 after", "html", "half body", "reset after", "ok"]
)
def test_a_provider_that_fails_leaves_no_secret_in_the_log(reminder, settings, log, mode):
    with running(FakeApi(mode)) as server:
        use(settings, server.url)
        settings.MAILERS["default"]["OPTIONS"]["server_token"] = KEY
        send_some(now=SLOT)
    lines = told_of(log, reminder)
    mine = [line for line in lines if line.get("attempt") == reminder.pk]
    assert mode == "ok" or mine
    assert all(line["customer"] == reminder.customer_id and "run" in line for line in mine)


@pytest.mark.parametrize("mode", ["drop at greeting", "RCPT 550", "dot 554", "drop after text"])
def test_a_mail_server_that_fails_leaves_no_secret_in_the_log(reminder, settings, log, mode):
    with running(FakeSmtp(mode)) as server:
        backend = "django.core.mail.backends.smtp.EmailBackend"
        options = {"host": "127.0.0.1", "port": server.port, "timeout": 1}
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        send_some(now=SLOT)
    assert any(line.get("attempt") == reminder.pk for line in told_of(log, reminder))


def test_a_log_in_that_fails_does_not_tell_the_password(reminder, settings, log):
    with running(FakeSmtp("all well")) as server:
        backend = "django.core.mail.backends.smtp.EmailBackend"
        options = {"host": "127.0.0.1", "port": server.port, "timeout": 1,
                   "username": "me", "password": PASSWORD}  # fmt: skip
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        send_some(now=SLOT)
    told_of(log, reminder)
    assert PASSWORD not in outbox.again(reminder).error


def test_what_breaks_unexpectedly_is_logged_by_kind_and_place_alone(reminder, log, monkeypatch):
    def explode(*_, **__):
        raise RuntimeError(f"could not render for {ADDRESS}: {NAME}")

    monkeypatch.setattr("dunning.dispatch.sender.render_and_freeze", explode)
    send_some(now=SLOT)
    (line,) = [one for one in told_of(log, reminder) if one["event"] == "attempt broke"]
    assert (line["trouble"], line["attempt"]) == ("RuntimeError", reminder.pk)
    assert line["where"].startswith("test_logs_tell_nothing.py:")


def test_json_is_an_option_that_production_turns_on():
    text = (django_settings.BASE_DIR / "arfollow" / "settings.py").read_text("utf-8")
    assert 'LOG_JSON = env.bool("LOG_JSON", default=not DEBUG)' in text
