"""What providers report: stored once, applied once, status only moves up (F-42 to F-44, L15)."""

import itertools
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from anymail.signals import AnymailTrackingEvent, tracking
from django.test import Client
from django.urls import include, path

from dunning.delivery import events
from dunning.dispatch import sweep
from dunning.models import AttemptState, ContactAttempt, DeliveryEvent, ProviderStatus, Task
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT, send_some

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]

SECRET = "hook:secret"
AT = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)


@pytest.fixture
def sent():
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    send_some(now=SLOT)
    return outbox.again(attempt)


def report(attempt, event_type, *, event_id="its own", metadata=True, **fields):
    """A provider's call as Anymail hands it over."""
    event = AnymailTrackingEvent(
        event_type=event_type,
        timestamp=fields.pop("timestamp", AT),
        event_id=f"{event_type}-1" if event_id == "its own" else event_id,
        recipient=fields.pop("recipient", "ap.c-1@example.test"),
        message_id=fields.pop("message_id", "pm-1"),
        metadata={"attempt": str(attempt.uuid)} if metadata else {},
        esp_event=fields.pop("esp_event", {"Type": event_type}),
        **fields,
    )
    tracking.send(sender=None, event=event, esp_name="Postmark")


def test_a_delivery_is_a_contact_made_on_its_day(sent):
    report(sent, "delivered")
    row = outbox.again(sent)
    assert (row.provider_status, row.reached_on) == (ProviderStatus.DELIVERED, TODAY)


def test_the_same_event_five_times_is_one_row(sent):
    for _ in range(5):
        report(sent, "delivered")
    assert DeliveryEvent.objects.count() == 1


def test_an_event_without_an_id_is_known_by_what_it_says(sent):
    for _ in range(3):
        report(sent, "delivered", event_id=None)
    assert DeliveryEvent.objects.count() == 1


FIVE = ("queued", "deferred", "delivered", "opened", "bounced")


@pytest.mark.parametrize("order", list(itertools.permutations(FIVE))[::7])
def test_the_order_of_events_does_not_matter(sent, order):
    for event_type in order:
        report(sent, event_type)
    row = outbox.again(sent)
    assert (row.provider_status, row.reached_on) == (ProviderStatus.BOUNCED, None)
    assert DeliveryEvent.objects.filter(applied_at__isnull=False).count() == 5


def test_an_open_is_a_delivery_and_nothing_more(sent):
    report(sent, "opened")
    assert outbox.again(sent).provider_status == ProviderStatus.DELIVERED


def test_l15_a_bounce_undoes_the_step_and_asks_for_an_address(sent):
    report(sent, "bounced", reject_reason="bounced", description="no such user")
    row = outbox.again(sent)
    assert (row.state, row.live) == (AttemptState.SENT, False)
    assert not row.items.filter(live=True).exists()
    assert sent.customer.contacts.get().email_state == "bounced"
    assert Task.objects.filter(kind="ask_address", attempt=sent).count() == 1


def test_l15_after_a_bounce_the_step_is_planned_again(sent):
    report(sent, "bounced", reject_reason="bounced")
    again = outbox.queued(sent.customer, sent.lead_invoice,
                          planned_on=TODAY + timedelta(days=1))  # fmt: skip
    assert again.pk != sent.pk


@pytest.mark.parametrize("reason", ["spam", "blocked", "timed_out", "other"])
def test_a_rejection_that_says_nothing_of_the_address_leaves_it_usable(sent, reason):
    report(sent, "bounced", reject_reason=reason)
    assert sent.customer.contacts.get().email_state == "unverified"
    assert not outbox.again(sent).live


def test_a_complaint_stops_the_address(sent):
    report(sent, "complained")
    assert sent.customer.contacts.get().email_state == "complained"
    assert outbox.again(sent).provider_status == ProviderStatus.COMPLAINED


def test_a_shadow_copy_that_bounces_says_nothing_of_the_customer():
    outbox.company(shadow_mode=True, shadow_email="me@harbourpine.test")
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    send_some(now=SLOT)
    report(attempt, "bounced", recipient="me@harbourpine.test", reject_reason="bounced")
    assert customer.contacts.get().email_state == "unverified"
    assert not Task.objects.filter(kind="ask_address").exists()


# --- unknown deliveries ---------------------------------------------------------------------


@pytest.fixture
def unknown(sent):
    ContactAttempt.objects.filter(pk=sent.pk).update(
        state=AttemptState.UNKNOWN, sent_at=None, done_on=None
    )
    return outbox.again(sent)


def test_l14_the_provider_settles_an_unknown(unknown):
    report(unknown, "delivered")
    row = outbox.again(unknown)
    assert (row.state, row.done_on) == (AttemptState.SENT, TODAY)
    assert row.reason_text == "postmark reports it as delivered."


def test_l14_a_bounce_settles_an_unknown_too(unknown):
    report(unknown, "bounced", reject_reason="bounced")
    row = outbox.again(unknown)
    assert (row.state, row.live) == (AttemptState.SENT, False)


# --- matching -------------------------------------------------------------------------------


def test_an_event_finds_its_attempt_by_our_message_id(sent):
    report(sent, "delivered", metadata=False, message_id=sent.message_id)
    assert outbox.again(sent).provider_status == ProviderStatus.DELIVERED


def test_an_event_that_beats_our_own_commit_is_matched_later(sent):
    ContactAttempt.objects.filter(pk=sent.pk).update(provider_message_id="")
    report(sent, "delivered", metadata=False, message_id="pm-99")
    assert DeliveryEvent.objects.get().applied_at is None
    ContactAttempt.objects.filter(pk=sent.pk).update(provider_message_id="pm-99")
    DeliveryEvent.objects.update(received_at=SLOT)
    sweep(now=SLOT + timedelta(minutes=1))
    assert outbox.again(sent).provider_status == ProviderStatus.DELIVERED


def test_events_of_other_peoples_mail_do_not_stand_before_ours(sent, monkeypatch):
    """One account at the provider may serve many applications."""
    monkeypatch.setattr(events, "PAGE", 3)
    for number in range(5):
        report(sent, "delivered", event_id=f"theirs-{number}", metadata=False, message_id="theirs")
    ours = DeliveryEvent.objects.create(
        provider="postmark", event_id="ours", event_type="delivered", received_at=SLOT,
        payload={"attempt": str(sent.uuid)},
    )  # fmt: skip
    assert events.apply_waiting(SLOT) == 1
    ours.refresh_from_db()
    assert ours.attempt == sent


def test_an_event_of_somebody_elses_message_is_kept_and_changes_nothing(sent):
    report(sent, "bounced", metadata=False, message_id="not-ours", recipient="x@example.test")
    assert DeliveryEvent.objects.get().applied_at is None
    assert outbox.again(sent).live


def test_after_seven_days_an_unmatched_event_is_not_looked_at_any_more(sent):
    report(sent, "bounced", metadata=False, message_id="pm-late")
    ContactAttempt.objects.filter(pk=sent.pk).update(provider_message_id="pm-late")
    DeliveryEvent.objects.update(received_at=SLOT)
    assert events.apply_waiting(SLOT + timedelta(days=8)) == 0


def test_a_payload_of_any_shape_can_be_stored(sent):
    report(sent, "delivered", esp_event={"at": AT, "list": [1, {"deep": AT}], "none": None})
    assert DeliveryEvent.objects.get().payload["list"] == [1, {"deep": str(AT)}]


# --- over HTTP ------------------------------------------------------------------------------

urlpatterns = [path("anymail/", include("anymail.urls"))]


@pytest.fixture
def caller(settings):
    settings.ANYMAIL = settings.ANYMAIL | {"WEBHOOK_SECRET": [SECRET, "hook:older"]}
    settings.ROOT_URLCONF = __name__

    def call(body, secret=SECRET):
        login = f"Basic {b64encode(secret.encode()).decode()}"
        return Client(enforce_csrf_checks=True).post(
            "/anymail/postmark/tracking/", json.dumps(body), "application/json",
            headers={"authorization": login} if secret else {},
        )  # fmt: skip

    return call


def delivered(attempt):
    return {
        "RecordType": "Delivery",
        "MessageID": "pm-1",
        "Recipient": "ap.c-1@example.test",
        "DeliveredAt": "2026-03-02T10:05:00Z",
        "Metadata": {"attempt": str(attempt.uuid)},
    }


def test_a_provider_calls_with_its_secret(sent, caller):
    assert caller(delivered(sent)).status_code == 200
    assert outbox.again(sent).provider_status == ProviderStatus.DELIVERED


def test_two_secrets_are_good_while_one_replaces_the_other(sent, caller):
    assert caller(delivered(sent), "hook:older").status_code == 200


@pytest.mark.parametrize("secret", ["hook:guess", ""])
def test_a_forged_call_is_refused_and_leaves_nothing(sent, caller, secret):
    assert caller(delivered(sent), secret).status_code == 400
    assert not DeliveryEvent.objects.exists()


def test_a_replayed_call_changes_nothing(sent, caller):
    for _ in range(3):
        assert caller(delivered(sent)).status_code == 200
    assert DeliveryEvent.objects.count() == 1


def test_without_a_secret_there_is_no_webhook_at_all(client):
    assert client.post("/anymail/postmark/tracking/", {}).status_code == 404
