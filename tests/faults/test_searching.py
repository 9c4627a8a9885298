"""Unknown deliveries are looked for at the provider, who can only confirm (DELIVERY §3.3.2)."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.urls import reverse

from arfollow.staff.models import Role
from dunning.delivery import lookup
from dunning.dispatch import searching
from dunning.models import AttemptState, ContactAttempt, Task
from tests import make, outbox
from tests.faults.mailhosts import FakeApi, running
from tests.faults.test_provider_answers import POSTMARK, RESEND, use
from tests.outbox import SLOT, send_some

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]
MAILGUN = "anymail.backends.mailgun.EmailBackend"
KEY = {POSTMARK: "server_token", MAILGUN: "api_key", RESEND: "api_key"}
UNKNOWN, SENT = AttemptState.UNKNOWN, AttemptState.SENT
NOTHING = {"Messages": [], "items": []}


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


def unknown(settings, server, backend):
    """Posted, and the answer proves nothing; ``server`` goes on answering."""
    use(settings, server.url, backend, KEY[backend])
    send_some(now=SLOT)
    server.mode = "ok"


def later(minutes):
    """So many minutes pass, for the database's clock as well."""
    rows = ContactAttempt.objects.filter(state=UNKNOWN)
    rows.update(sending_at=F("sending_at") - timedelta(minutes=minutes))
    send_some(now=SLOT)


def postmark_has(attempt, **fields):
    row = {"Tag": f"arf:{attempt.uuid}", "MessageID": "pm-77", "Status": "Sent",
           "ReceivedAt": "2026-03-02T05:00:01-05:00", "Recipients": ["ap.c-1@example.test"],
           "Metadata": {"attempt": str(attempt.uuid)}} | fields  # fmt: skip
    return {"TotalCount": 1, "Messages": [row]}


def mailgun_has(attempt, event="delivered", **fields):
    row = {"event": event, "timestamp": 1772445601.5, "recipient": "ap.c-1@example.test",
           "user-variables": {"attempt": str(attempt.uuid)},
           "message": {"headers": {"message-id": "mg-77@mg.example"}}} | fields  # fmt: skip
    return {"items": [row], "paging": {}}


def test_what_postmark_has_is_sent_with_the_evidence(reminder, settings):
    with running(FakeApi("html")) as server:
        unknown(settings, server, POSTMARK)
        server.found = postmark_has(reminder)
        later(11)
    row = outbox.again(reminder)
    assert (row.state, row.provider_message_id) == (SENT, "pm-77")
    assert row.reason_text.startswith("Found by search: postmark has it as message pm-77 of 2026")
    assert not Task.objects.filter(kind="check_delivery", status="open").exists()
    (asked,) = server.asked
    assert f"tag=arf%3A{reminder.uuid}" in asked
    assert asked.startswith("GET /messages/outbound?count=50&offset=0&")
    assert len(server.seen) == 1  # asked about, never posted again


def test_what_mailgun_has_is_sent_with_its_status(reminder, settings):
    with running(FakeApi("html")) as server:
        unknown(settings, server, MAILGUN)
        server.found = mailgun_has(reminder)
        later(11)
    row = outbox.again(reminder)
    assert (row.state, row.provider_status) == (SENT, "delivered")
    assert row.provider_message_id == "<mg-77@mg.example>"
    assert "GET /harbourpine.example/events?begin=" in server.asked[0]
    assert "recipient=ap.c-1%40example.test" in server.asked[0]


def test_what_mailgun_could_not_deliver_is_a_step_that_is_open_again(reminder, settings):
    failed = mailgun_has(reminder, "failed", severity="permanent",
                         **{"delivery-status": {"message": "550 no such user"}})  # fmt: skip
    with running(FakeApi("html")) as server:
        unknown(settings, server, MAILGUN)
        server.found = failed
        later(11)
    row = outbox.again(reminder)
    assert (row.state, row.provider_status, row.live) == (SENT, "bounced", False)
    assert reminder.customer.contacts.get().email_state == "bounced"


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        (POSTMARK, lambda other: postmark_has(other)),
        (POSTMARK, lambda other: postmark_has(other, Tag="", Metadata=None)),
        (MAILGUN, lambda other: mailgun_has(other)),
        (MAILGUN, lambda other: mailgun_has(other, **{"user-variables": None, "message": None})),
    ],
)
def test_somebody_elses_message_proves_nothing(reminder, settings, backend, found):
    """A filter that the provider does not know is ignored, and it tells of everything."""
    other = outbox.queued(make.customer("C-2"), planned_on=make.TODAY)
    ContactAttempt.objects.filter(pk=other.pk).update(state="cancelled", live=False, reason="x")
    with running(FakeApi("html")) as server:
        unknown(settings, server, backend)
        server.found = found(other)
        later(11)
    assert outbox.state(reminder) == UNKNOWN


def test_three_looks_then_a_person_decides_with_the_evidence(reminder, settings, client):
    with running(FakeApi("html")) as server:
        unknown(settings, server, POSTMARK)
        server.found = NOTHING
        asked = []
        for minutes in (5, 6, 10, 10, 20, 15, 60, 600):
            later(minutes)
            asked.append(len(server.asked))
    assert asked == [0, 1, 1, 2, 2, 3, 3, 3]  # 5, 11, 21, 31, 51, 66 minutes and more
    row = outbox.again(reminder)
    assert row.state == UNKNOWN
    assert len(server.seen) == 1
    client.force_login(make.user(Role.MANAGER))
    page = client.get(reverse("attempt-detail", args=[row.pk])).content.decode()
    assert "(3 of 3): it does not know this message, which proves nothing." in page
    assert "Did it arrive?" in page


@pytest.mark.parametrize("trouble", ["500", "401", "429", "silence", "html", "half body",
                                     "empty object", "redirect"])  # fmt: skip
def test_a_search_that_fails_is_no_look_and_rests_a_while(
    reminder, settings, trouble, caplog, monkeypatch
):
    monkeypatch.setattr(lookup, "IN_ALL", 0.5)
    with running(FakeApi("html", silence=1)) as server:
        unknown(settings, server, POSTMARK)
        server.search = trouble
        later(11)
        later(1)
        assert len(server.asked) == 1
        server.search, server.found = "ok", postmark_has(reminder)
        send_some(now=SLOT + searching.REST)
    assert outbox.state(reminder) == SENT
    assert "secret-token" not in caplog.text
    assert "ap.c-1" not in caplog.text


def test_a_redirect_takes_no_key_elsewhere(reminder, settings):
    with running(FakeApi("ok")) as elsewhere, running(FakeApi("html")) as server:
        unknown(settings, server, POSTMARK)
        server.search = f"redirect 302 {elsewhere.url}"
        later(11)
        assert elsewhere.asked == []


def test_a_provider_that_cannot_be_asked_is_not(reminder, settings):
    with running(FakeApi("half body")) as server:
        unknown(settings, server, RESEND)
        server.mode = "html"
        later(25 * 60)
    assert server.asked == []
    assert outbox.state(reminder) == UNKNOWN


def test_what_the_provider_has_forgotten_is_not_looked_for(reminder, settings):
    with running(FakeApi("html")) as server:
        unknown(settings, server, MAILGUN)
        later(24 * 60)
    assert server.asked == []
