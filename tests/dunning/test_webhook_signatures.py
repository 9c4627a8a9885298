"""Signed webhooks: checked beside the secret, and refused where they cannot be checked (F-44)."""

import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from unittest.mock import Mock

import pytest
from anymail.exceptions import AnymailImproperlyInstalled
from anymail.webhooks import resend as anymail_resend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from arfollow.shared.mailurl import signing_keys
from dunning.models import DeliveryEvent

pytestmark = pytest.mark.django_db
SECRET = "hook:secret"
STAMP = "1772445900"
DELIVERED = [{"event": "delivered", "email": "ap@example.test", "sg_event_id": "E-1",
              "sg_message_id": "sg-1.filter", "timestamp": 1772445900}]  # fmt: skip
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TAKEN = {"type": "email.delivered", "created_at": "2026-03-02T10:05:00Z",
          "data": {"email_id": "re-1", "to": ["ap@example.test"]}}  # fmt: skip


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP256R1())


def public(key):
    raw = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b64encode(raw).decode()


def post(settings, url, given, body, *, secret=SECRET, **headers):
    settings.ROOT_URLCONF = "tests.dunning.test_webhooks"
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET], **signing_keys(url, given)}
    login = {"authorization": f"Basic {b64encode(secret.encode()).decode()}"} if secret else {}
    provider = url.partition(":")[0]
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return client.post(f"/anymail/{provider}/tracking/", body, "application/json",
                       headers=login | headers).status_code  # fmt: skip


def sendgrid(settings, key, *, body=None, signed=None, stamp=STAMP, **more):
    body = body or json.dumps(DELIVERED)
    signature = key.sign((STAMP + (signed or body)).encode(), ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }
    given = more.pop("given", None) or public(key)
    return post(settings, "sendgrid://key@", given, body, **more, **headers)


def test_sendgrids_signature_is_checked(settings, key):
    assert sendgrid(settings, key) == 200
    assert DeliveryEvent.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"signed": "something else"},
        {"stamp": "1772445901"},
        {"secret": "hook:guess"},
        {"secret": ""},
    ],
)
def test_a_call_that_is_not_sendgrids_is_refused_and_leaves_nothing(settings, key, wrong):
    assert sendgrid(settings, key, **wrong) == 400
    assert not DeliveryEvent.objects.exists()


def test_another_key_than_theirs_is_no_signature(settings, key):
    other = ec.generate_private_key(ec.SECP256R1())
    assert sendgrid(settings, key, given=public(other)) == 400


def test_a_call_without_any_signature_is_refused_where_a_key_is_set(settings, key):
    body = json.dumps(DELIVERED)
    assert post(settings, "sendgrid://key@", public(key), body) >= 400
    assert not DeliveryEvent.objects.exists()


def resend(settings, *, signed=None, stamp=None, key=WHSEC, **more):
    """As Resend signs it: the id, the moment and the body, under the key behind ``whsec_``."""
    body, stamp = json.dumps(TAKEN), stamp or str(int(time.time()))
    words = f"msg_1.{stamp}.{signed or body}".encode()
    digest = hmac.new(b64decode(key.removeprefix("whsec_")), words, hashlib.sha256).digest()
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": stamp,
        "svix-signature": f"v1,{b64encode(digest).decode()}",
    }
    return post(settings, "resend://key@", WHSEC, body, **more, **headers)


def test_resends_signature_is_checked(settings):
    assert resend(settings) == 200
    assert DeliveryEvent.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"signed": "something else"},
        {"key": "whsec_" + b64encode(b"another key of thirty-two bytes.").decode()},
        {"stamp": str(int(time.time()) - 600)},
        {"secret": "hook:guess"},
        {"secret": ""},
    ],
)
def test_a_call_that_is_not_resends_is_refused_and_leaves_nothing(settings, wrong):
    assert resend(settings, **wrong) == 400
    assert not DeliveryEvent.objects.exists()


def test_a_call_without_resends_signature_is_refused_where_a_key_is_set(settings):
    assert post(settings, "resend://key@", WHSEC, json.dumps(TAKEN)) == 400
    assert not DeliveryEvent.objects.exists()


def test_without_the_library_that_checks_it_no_call_of_resend_is_believed(settings, monkeypatch):
    """A signature that cannot be checked is no signature."""
    missing = AnymailImproperlyInstalled(missing_package="svix", install_extra="resend")
    monkeypatch.setattr(anymail_resend, "SvixWebhook", Mock(side_effect=missing))
    assert resend(settings) == 500
    assert not DeliveryEvent.objects.exists()


def test_a_signature_does_not_stand_in_for_the_secret(client):
    """One address serves every provider: with a key alone it would be open for the others."""
    assert client.post("/anymail/resend/tracking/", {}).status_code == 404
