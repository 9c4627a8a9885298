"""A provider's answers and what each proves (the table of the delivery contract, F-32, F-33)."""

import socket
import threading

import pytest
from anymail.exceptions import AnymailRecipientsRefused

from dunning.delivery.base import Refused
from dunning.delivery.provider import classify
from dunning.dispatch import circuit
from dunning.models import AttemptState
from tests import make, outbox
from tests.faults.mailhosts import FakeApi, FakeSmtp, running
from tests.outbox import SLOT, send_some

# Nothing here depends on the database: once is enough.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]

POSTMARK = "anymail.backends.postmark.EmailBackend"
RESEND = "anymail.backends.resend.EmailBackend"


def use(settings, url, backend=POSTMARK, key="server_token"):
    settings.ANYMAIL = settings.ANYMAIL | {"REQUESTS_TIMEOUT": (1, 1)}
    options = {key: "secret-token", "api_url": url}
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


PLANNED, FAILED, UNKNOWN, SENT = (
    AttemptState.PLANNED,
    AttemptState.FAILED,
    AttemptState.UNKNOWN,
    AttemptState.SENT,
)
TABLE = {
    # answer: (state, whether the provider has it)
    "429": (PLANNED, False),
    "401": (PLANNED, False),
    "400": (FAILED, False),
    "403": (PLANNED, False),
    "404": (FAILED, False),
    "422": (FAILED, False),
    "408": (UNKNOWN, False),
    "409": (UNKNOWN, False),
    "425": (UNKNOWN, False),
    "502": (UNKNOWN, False),
    "504": (UNKNOWN, False),
    "500": (UNKNOWN, False),
    "503": (UNKNOWN, False),
    "500 after": (UNKNOWN, True),
    "silence": (UNKNOWN, True),
    "half status line": (UNKNOWN, True),
    "half body": (UNKNOWN, True),
    "html": (UNKNOWN, True),
    "empty object": (UNKNOWN, True),
    "reset before": (UNKNOWN, False),
    "reset after": (UNKNOWN, True),
    "redirect": (UNKNOWN, True),
    "ok": (SENT, True),
}


@pytest.mark.parametrize("answer", TABLE)
def test_each_answer_has_its_class(reminder, settings, answer):
    state, taken = TABLE[answer]
    with running(FakeApi(answer, silence=1.5)) as server:
        use(settings, server.url)
        send_some(now=SLOT)
    row = outbox.again(reminder)
    assert row.state == state, row.error
    assert len(server.taken) == int(taken)
    assert "secret-token" not in row.error


@pytest.mark.parametrize("answer", [a for a, (state, _) in TABLE.items() if state == UNKNOWN])
def test_no_unknown_is_ever_posted_twice(reminder, settings, answer):
    with running(FakeApi(answer, silence=1.5)) as server:
        use(settings, server.url)
        send_some(now=SLOT)
        server.mode = "ok"
        send_some(now=SLOT)
    assert outbox.state(reminder) == UNKNOWN
    assert len(server.taken) == int(TABLE[answer][1])


def test_a_refused_connection_and_an_unknown_name_never_left(reminder, settings):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    use(settings, f"http://127.0.0.1:{port}/")
    send_some(now=SLOT)
    row = outbox.again(reminder)
    assert (row.state, row.tries) == (PLANNED, 1)


@pytest.mark.parametrize("cut_by", ["the socket", "the deadline"])
def test_a_stall_before_the_request_began_never_left(reminder, settings, cut_by):
    """The connection stands, TLS does not: `requests` calls that a read timeout, as it would
    call a lost answer."""
    settings.SEND_DEADLINE_SECONDS = 0.4 if cut_by == "the deadline" else 5
    with running(FakeSmtp("stall at greeting")) as server:
        use(settings, f"https://127.0.0.1:{server.port}/")
        send_some(now=SLOT)
        row = outbox.again(reminder)
    assert (row.state, row.tries) == (PLANNED, 1), row.error
    assert circuit.open_since() == SLOT


def test_a_name_that_nobody_knows_never_left(reminder, settings):
    use(settings, "http://nobody.invalid/")
    send_some(now=SLOT)
    assert outbox.state(reminder) == PLANNED


def test_a_dripping_answer_ends_at_the_deadline(reminder, settings):
    settings.SEND_DEADLINE_SECONDS = 1.0
    with running(FakeApi("drip")) as server:
        use(settings, server.url)
        send_some(now=SLOT)
        row = outbox.again(reminder)
    assert row.state == UNKNOWN
    assert row.error == "No answer within 1 seconds."


@pytest.mark.django_db(transaction=True)
def test_a_late_answer_settles_what_had_become_unknown(reminder, settings):
    """The abandoned delivery learns afterwards that it was taken, and says so."""
    settings.SEND_DEADLINE_SECONDS = 0.3
    with running(FakeApi("late")) as server:
        use(settings, server.url)
        assert send_some(now=SLOT).unknown == 1
        for thread in threading.enumerate():
            if thread.name == f"delivery-{reminder.uuid}":
                thread.join()
    row = outbox.again(reminder)
    assert (row.state, row.reason_text) == (SENT, "Late answer of the mail server.")
    assert row.provider_message_id == "pm-1"


def test_too_many_requests_waits_as_long_as_they_ask(reminder, settings):
    with running(FakeApi("429")) as server:
        use(settings, server.url)
        send_some(now=SLOT)
    assert (outbox.again(reminder).due_at - SLOT).total_seconds() == 7
    assert (circuit.trouble_until(SLOT) - SLOT).total_seconds() == 7


def test_the_attempt_travels_in_the_metadata_and_the_tag(reminder, settings):
    with running(FakeApi("ok")) as server:
        use(settings, server.url)
        send_some(now=SLOT)
    posted = server.taken[0]
    assert posted["Metadata"] == {"attempt": str(reminder.uuid)}
    assert posted["Tag"] == f"arf:{reminder.uuid}"
    names = {header["Name"] for header in posted["Headers"]}
    assert {"Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"} <= names
    assert outbox.again(reminder).provider_message_id == "pm-1"


def test_the_statement_goes_with_it_from_the_frozen_bytes(reminder, settings):
    with running(FakeApi("ok")) as server:
        use(settings, server.url)
        send_some(now=SLOT)
    assert [file["ContentType"] for file in server.taken[0]["Attachments"]] == ["application/pdf"]


def test_resend_gets_the_attempt_as_its_idempotency_key(reminder, settings):
    with running(FakeApi("html")) as server:
        use(settings, server.url, RESEND, "api_key")
        send_some(now=SLOT)
    assert f"Idempotency-Key: {reminder.uuid}" in server.heads[0]


def test_all_recipients_refused_by_the_provider_is_a_failure():
    assert isinstance(classify(AnymailRecipientsRefused()), Refused)
