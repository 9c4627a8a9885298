"""Calls that Postmark, Mailgun and SES really make, replayed: accepted as reported, refused
where the secret or the signature is wrong, harmless when they come twice or in any order."""

import base64
import hmac
import importlib.util
import json
import random

import pytest
from anymail.exceptions import AnymailConfigurationError
from anymail.signals import tracking
from django.test import Client

from dunning.models import DeliveryEvent

pytestmark = pytest.mark.django_db

PROVIDERS = ["postmark", "mailgun", "amazon_ses"]
TOLD = ("event_type", "event_id", "message_id", "recipient", "reject_reason", "mta_response")
SECRET = "hook:secret"


def calls_of(shared_data, provider):
    if provider == "amazon_ses" and importlib.util.find_spec("boto3") is None:
        pytest.skip("Amazon SES is an extra")
    lines = (shared_data / "webhooks" / f"{provider}.jsonl").read_text("utf-8").splitlines()
    calls = [json.loads(line) for line in lines]
    return [call for call in calls if call["path"].endswith("/tracking/") and is_ours(call)]


def is_ours(call):
    """Without a secret we have no webhook at all, so calls without one say nothing here;
    confirming a subscription would call Amazon."""
    asks_amazon = call["headers"].get("HTTP_X_AMZ_SNS_MESSAGE_TYPE") == "SubscriptionConfirmation"
    return bool(call["anymail_settings"]) and not asks_amazon


def replay(call, settings):
    settings.ROOT_URLCONF = "tests.dunning.test_webhooks"
    settings.ANYMAIL = {**call["anymail_settings"]}
    for name, value in call["extra_settings"].items():
        settings.ANYMAIL[name.removeprefix("ANYMAIL_")] = value
    body = call["body"]
    raw = base64.b64decode(body) if call["body_encoding"] == "base64" else body.encode()
    headers = dict(call["headers"])
    kind = headers.pop("CONTENT_TYPE")
    return Client(enforce_csrf_checks=True).generic("POST", call["path"], raw, kind, **headers)


@pytest.fixture
def heard():
    events = []

    def listen(sender, event, esp_name, **_):
        events.append({"esp_name": esp_name} | {name: getattr(event, name) for name in TOLD})

    tracking.connect(listen)
    yield events
    tracking.disconnect(listen)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_accepted_call_gives_the_events_it_reports(shared_data, settings, heard, provider):
    accepted = [call for call in calls_of(shared_data, provider) if call["status"] == 200]
    assert accepted
    for call in accepted:
        heard.clear()
        assert replay(call, settings).status_code == 200, call["test"]
        expected = [{name: event[name] for name in ("esp_name", *TOLD)} for event in call["events"]]
        assert heard == expected, call["test"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wrong_secret_or_signature_is_refused_and_leaves_nothing(
    shared_data, settings, heard, provider
):
    refused = [c for c in calls_of(shared_data, provider) if (c["status"] or 0) >= 400]
    assert refused
    for call in refused:
        assert replay(call, settings).status_code == call["status"], call["test"]
    assert heard == []
    assert not DeliveryEvent.objects.exists()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_set_up_for_something_else_says_so_and_changes_nothing(
    shared_data, settings, provider
):
    wrong = [
        c for c in calls_of(shared_data, provider) if "Configuration" in (c["exception"] or "")
    ]
    for call in wrong:
        with pytest.raises(AnymailConfigurationError):
            replay(call, settings)
    assert not DeliveryEvent.objects.exists()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_replays_in_any_order_leave_the_same_rows(shared_data, settings, provider, seed):
    accepted = [call for call in calls_of(shared_data, provider) if call["status"] == 200]
    for call in accepted:
        assert replay(call, settings).status_code == 200
    once = stored()
    DeliveryEvent.objects.all().delete()
    twice = accepted * 2
    random.Random(seed).shuffle(twice)
    for call in twice:
        assert replay(call, settings).status_code == 200
    assert stored() == once


def stored():
    return sorted(DeliveryEvent.objects.values_list("provider", "event_id", "event_type"))


# --- generated: the same rules where the shared data is not there ---------------------------

PLAIN = {"RecordType": "Delivery", "MessageID": "pm-7", "Recipient": "ap@example.test",
         "DeliveredAt": "2026-03-02T10:05:00Z"}  # fmt: skip


def made(secret=SECRET, body=None, provider="postmark", **extra):
    login = base64.b64encode(secret.encode()).decode()
    headers = {"HTTP_AUTHORIZATION": f"Basic {login}"} if secret else {}
    return {
        "path": f"/anymail/{provider}/tracking/",
        "headers": {"CONTENT_TYPE": "application/json", **headers},
        "body": json.dumps(body or PLAIN),
        "body_encoding": "utf-8",
        "anymail_settings": {"WEBHOOK_SECRET": [SECRET, "hook:older"]},
        "extra_settings": extra,
    }


def test_a_made_call_is_accepted_with_either_secret(settings, heard):
    assert replay(made(), settings).status_code == 200
    assert replay(made("hook:older"), settings).status_code == 200
    assert [event["event_type"] for event in heard] == ["delivered", "delivered"]
    assert DeliveryEvent.objects.count() == 1


@pytest.mark.parametrize("secret", ["hook:guess", "hook:", ":", ""])
def test_a_made_call_with_a_wrong_secret_is_refused(settings, heard, secret):
    assert replay(made(secret), settings).status_code == 400
    assert heard == []


def mailgun(settings, *, signature):
    event = {"id": "E-1", "event": "delivered", "timestamp": 1772445900.0,
             "recipient": "ap@example.test", "message": {"headers": {"message-id": "mg-1@x"}},
             "delivery-status": {"code": 250, "message": "OK"}, "tags": [],
             "user-variables": {}}  # fmt: skip
    signed = {"token": "t", "timestamp": "1772445900", "signature": signature}
    call = made(body={"signature": signed, "event-data": event}, provider="mailgun",
                ANYMAIL_MAILGUN_WEBHOOK_SIGNING_KEY="key-1")  # fmt: skip
    return replay(call, settings).status_code


def test_mailguns_signature_is_checked_beside_the_secret(settings):
    good = hmac.new(b"key-1", b"1772445900t", "sha256").hexdigest()
    assert mailgun(settings, signature=good) == 200
    assert mailgun(settings, signature=good[::-1]) == 400
    assert DeliveryEvent.objects.count() == 1
