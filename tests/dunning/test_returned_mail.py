"""What came back changes the step, the address and one task; nothing more (L15, FACTS §9)."""

from datetime import UTC, datetime, timedelta

import pytest
from anymail.signals import AnymailTrackingEvent, tracking

from dunning.delivery import events
from dunning.delivery.events import Report
from dunning.models import ContactAttempt, Task, TaskKind
from tests import make, outbox
from tests.faults.mailhosts import FakeSmtp, running
from tests.make import TODAY
from tests.outbox import send_some
from tests.rules.test_bounces import report

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]

AT = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
FULL = "552 5.2.2 mailbox full"
GONE = "550 5.1.1 no such user"


@pytest.fixture
def customer():
    outbox.company()
    return make.customer("C-1")


def mailed(customer, days=10, **fields):
    invoice = make.invoice(customer, "400.00", outbox.late(days))
    attempt = outbox.queued(customer, invoice, **fields)
    send_some(now=outbox.again(attempt).due_at)
    return outbox.again(attempt)


def told(attempt, event_type, *, at=AT, **fields):
    event = AnymailTrackingEvent(
        event_type=event_type,
        timestamp=at,
        event_id=f"{event_type}-{attempt.pk}-{at}",
        recipient=fields.pop("recipient", "ap.c-1@example.test"),
        message_id="pm-1",
        metadata={"attempt": str(attempt.uuid)},
        esp_event={"Type": event_type},
        **fields,
    )
    tracking.send(sender=None, event=event, esp_name="Postmark")
    return outbox.again(attempt)


def state_of(customer):
    return customer.contacts.get().email_state


def asked(customer, kind=TaskKind.ASK_ADDRESS):
    return Task.objects.filter(customer=customer, kind=kind, status="open").count()


def test_a_mailbox_that_does_not_exist_is_dead(customer):
    told(mailed(customer), "bounced", reject_reason="bounced", mta_response=GONE)
    assert state_of(customer) == "bounced"


@pytest.mark.parametrize(
    "said", [FULL, "554 5.7.1 blocked as spam", "550 5.7.26 SPF failed", "550 5.0.0", ""]
)
def test_a_status_of_5_alone_is_not_a_dead_address(customer, said):
    row = told(mailed(customer), "bounced", reject_reason="bounced", mta_response=said)
    assert state_of(customer) == "unverified"
    assert not row.live
    assert asked(customer) == 1


def test_what_the_other_server_said_counts_more_than_the_providers_text(customer):
    told(mailed(customer), "bounced", reject_reason="bounced", mta_response=FULL,
         description="Unable to deliver your message (ex: unknown user)")  # fmt: skip
    assert state_of(customer) == "unverified"


def test_one_bounced_mailbox_makes_one_task_not_two(customer):
    first = mailed(customer)
    told(first, "bounced", mta_response=FULL)
    second = mailed(customer, days=12, planned_on=TODAY + timedelta(days=1), now=AT)
    told(second, "bounced", mta_response=GONE, at=AT + timedelta(days=1))
    assert first.pk != second.pk
    assert asked(customer) == 1
    assert asked(customer, TaskKind.CHECK_DELIVERY) == 0


def test_a_mailbox_that_stays_full_needs_a_person_after_three_messages(customer):
    for days in range(3):
        now = AT + timedelta(days=days)
        attempt = mailed(customer, days=10 + days, planned_on=now.date(), now=now)
        assert state_of(customer) == "unverified"
        told(attempt, "bounced", mta_response=FULL, at=now)
    assert state_of(customer) == "bounced"


def test_two_mailboxes_of_a_customer_make_two_tasks(customer):
    attempt = mailed(customer)
    told(attempt, "bounced", mta_response=GONE, recipient="one@example.test")
    other = mailed(customer, days=12, planned_on=TODAY + timedelta(days=1), now=AT)
    told(other, "bounced", mta_response=GONE, recipient="two@example.test")
    assert asked(customer) == 2


def test_what_the_provider_did_not_even_send_says_nothing_of_the_address(customer):
    row = told(mailed(customer), "rejected", reject_reason="blocked", description="account")
    assert not row.live
    assert (asked(customer), asked(customer, TaskKind.CHECK_DELIVERY)) == (0, 1)
    assert state_of(customer) == "unverified"


def test_a_deferral_changes_the_status_and_nothing_else(customer):
    row = told(mailed(customer), "deferred", mta_response="450 4.2.1 try later")
    assert (row.provider_status, row.live, row.reached_on) == ("deferred", True, None)
    assert not Task.objects.exists()


def test_an_auto_reply_shows_that_the_mailbox_took_it(customer):
    row = told(mailed(customer), "autoresponded")
    assert (row.provider_status, row.reached_on, row.live) == ("autoresponded", TODAY, True)


@pytest.mark.parametrize("order", [("delivered", "autoresponded"), ("autoresponded", "delivered")])
def test_the_first_day_counts_in_whatever_order_reports_come(customer, order):
    attempt = mailed(customer)
    days = {"delivered": AT, "autoresponded": AT + timedelta(days=2)}
    for event_type in order:
        row = told(attempt, event_type, at=days[event_type])
    assert (row.reached_on, row.provider_status) == (TODAY, "autoresponded")


def test_an_open_proves_nothing(customer):
    assert told(mailed(customer), "opened").reached_on is None


def test_a_complaint_after_a_delivery_takes_the_contact_back(customer):
    attempt = mailed(customer)
    told(attempt, "delivered")
    row = told(attempt, "complained", at=AT + timedelta(days=1))
    assert (row.reached_on, row.live) == (None, False)
    assert state_of(customer) == "complained"


def test_who_unsubscribed_at_the_provider_is_asked_by_a_person(customer):
    row = told(mailed(customer), "unsubscribed")
    assert row.live
    assert asked(customer) == 1


def use_smtp(settings, port):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 1},
        }
    }


def test_a_recipient_refused_for_policy_is_one_task_and_stays_usable(customer, settings):
    with running(FakeSmtp("RCPT 550")) as server:
        use_smtp(settings, server.port)
        attempt = mailed(customer)
    assert attempt.state == "failed"
    assert state_of(customer) == "unverified"
    assert (asked(customer), asked(customer, TaskKind.CHECK_DELIVERY)) == (1, 0)


def test_a_sender_that_is_refused_says_nothing_of_the_recipient(customer, settings):
    with running(FakeSmtp("MAIL 550")) as server:
        use_smtp(settings, server.port)
        attempt = mailed(customer)
    assert (attempt.state, attempt.reason) == ("failed", "refused_setup")
    assert state_of(customer) == "unverified"
    assert asked(customer) == 0
    assert ContactAttempt.objects.filter(state="failed").count() == 1


# --- reports that come by mail go through the same door -------------------------------------


def came_back(attempt, said=GONE, action="failed"):
    raw = report(said, said.split()[1], action).replace(
        b"<attempt.0b6ad0d2-62f5-4a2b-9b0c-9d0a4d5a4a11@harbourpine.example>",
        attempt.message_id.encode(),
    )
    for one in events.reports_of_returned(raw.replace(b"Pat.Keel@", b"AP.C-1@")):
        stored = events.store(one, now=AT)
        if stored is not None:
            events.apply(stored, now=AT)
    return outbox.again(attempt)


def test_a_returned_message_finds_its_attempt_and_marks_the_dead_address(customer):
    row = came_back(mailed(customer))
    assert (row.provider_status, row.live) == ("bounced", False)
    assert state_of(customer) == "bounced"


def test_the_same_report_twice_changes_nothing(customer):
    attempt = mailed(customer)
    for _ in range(3):
        came_back(attempt, FULL)
    assert attempt.delivery_events.count() == 1
    assert state_of(customer) == "unverified"


def test_a_delay_that_comes_by_mail_is_a_deferral(customer):
    row = came_back(mailed(customer), "451 4.4.1 no answer", action="delayed")
    assert (row.provider_status, row.live) == ("deferred", True)


def test_the_bounces_of_two_recipients_in_one_call_are_two_events(customer):
    attempt = mailed(customer)
    for recipient in ("one@example.test", "two@example.test", "one@example.test"):
        one = Report("amazon ses", "bounced", "sns-1", AT, recipient=recipient,
                     attempt=str(attempt.uuid))  # fmt: skip
        stored = events.store(one, now=AT)
        if stored is not None:
            events.apply(stored, now=AT)
    assert attempt.delivery_events.count() == 2
    assert asked(customer) == 2
