"""SMTP that goes wrong at each step: sent, tried again, failed, or unknown (L14, F-34, F-35)."""

import smtplib
import socket
import threading
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller

from dunning.models import AttemptState, FrozenMessage, Task
from tests import make, outbox
from tests.faults.mailhosts import FakeSmtp, running
from tests.outbox import SLOT, send_some

# Nothing here depends on the database: once is enough.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def use(settings, port, **options):
    given = {"host": "127.0.0.1", "port": port, "timeout": 1} | options
    settings.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": given}}


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


class Keeper:
    """aiosmtpd handler that keeps what came."""

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 kept"


def test_a_real_server_gets_the_frozen_bytes_unchanged(reminder, settings):
    keeper = Keeper()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(keeper, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        use(settings, port)
        assert send_some(now=SLOT).sent == 1
    finally:
        controller.stop()
    envelope = keeper.envelopes[0]
    assert envelope.rcpt_tos == ["ap.c-1@example.test"]
    assert envelope.mail_from == "accounts@harbourpine.example"
    frozen = bytes(FrozenMessage.objects.get().document.data)
    assert envelope.original_content == frozen
    parsed = message_from_bytes(frozen, policy=policy.default)
    assert parsed["Subject"] == FrozenMessage.objects.get().subject


EXPECTED = {
    # mode: (state, texts the server has)
    "drop at greeting": (AttemptState.PLANNED, 0),
    "greeting 421": (AttemptState.PLANNED, 0),
    "greeting 554": (AttemptState.PLANNED, 0),
    "drop at EHLO": (AttemptState.PLANNED, 0),
    "drop at STARTTLS": (AttemptState.PLANNED, 0),
    "STARTTLS 454": (AttemptState.PLANNED, 0),
    "STARTTLS 502": (AttemptState.FAILED, 0),
    "drop at AUTH": (AttemptState.PLANNED, 0),
    "AUTH 454": (AttemptState.PLANNED, 0),
    "MAIL 421": (AttemptState.PLANNED, 0),
    "RCPT 421": (AttemptState.PLANNED, 0),
    "DATA 421": (AttemptState.PLANNED, 0),
    "MAIL 451": (AttemptState.PLANNED, 0),
    "MAIL 550": (AttemptState.FAILED, 0),
    "drop at MAIL": (AttemptState.PLANNED, 0),
    "RCPT 450": (AttemptState.PLANNED, 0),
    "RCPT 550": (AttemptState.FAILED, 0),
    "drop at RCPT": (AttemptState.PLANNED, 0),
    "DATA 451": (AttemptState.PLANNED, 0),
    "DATA 554": (AttemptState.FAILED, 0),
    "drop at DATA": (AttemptState.PLANNED, 0),
    "drop in text": (AttemptState.UNKNOWN, 0),
    "drop after text": (AttemptState.UNKNOWN, 1),
    "silent after text": (AttemptState.UNKNOWN, 1),
    "dot 452": (AttemptState.PLANNED, 0),
    "dot 554": (AttemptState.FAILED, 0),
    "dot 421": (AttemptState.UNKNOWN, 1),
    "drop after 250": (AttemptState.SENT, 1),
    "all well": (AttemptState.SENT, 1),
}


def asks_for(mode):
    """TLS or a log-in where the trouble is about them."""
    login = {"username": "us", "password": "our-own-word"} if "AUTH" in mode else {}
    return login | ({"use_tls": True} if "STARTTLS" in mode else {})


@pytest.mark.parametrize("mode", EXPECTED)
def test_l14_every_failure_is_named_for_the_step_it_happened_in(reminder, settings, mode):
    state, texts = EXPECTED[mode]
    with running(FakeSmtp(mode)) as server:
        use(settings, server.port, **asks_for(mode))
        send_some(now=SLOT)
    row = outbox.again(reminder)
    assert row.state == state, row.error
    assert len(server.taken) == texts
    if state != AttemptState.SENT:
        assert row.error


@pytest.mark.parametrize("mode", ["drop in text", "drop after text", "dot 421"])
def test_l14_an_unknown_delivery_is_never_repeated_by_the_machine(reminder, settings, mode):
    with running(FakeSmtp(mode)) as server:
        use(settings, server.port)
        send_some(now=SLOT)
        server.mode = "all well"
        for _ in range(3):
            send_some(now=SLOT)
    assert outbox.state(reminder) == AttemptState.UNKNOWN
    assert Task.objects.filter(kind="check_delivery", attempt=reminder).count() == 1


def test_l14_an_unreachable_server_costs_nothing_and_is_tried_again(reminder, settings):
    with running(FakeSmtp("all well")) as gone:
        port = gone.port
    use(settings, port)
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.failed, tally.unknown) == (0, 0, 0)
    row = outbox.again(reminder)
    assert (row.state, row.tries, row.sending_at) == (AttemptState.PLANNED, 1, None)
    assert row.due_at > SLOT
    with running(FakeSmtp("all well")) as server:
        use(settings, server.port)
        assert send_some(now=row.due_at).sent == 1


def test_l32_an_outage_is_not_tried_with_every_message(reminder, settings):
    for number in range(2, 5):
        customer = make.customer(f"C-{number}")
        outbox.queued(customer, make.invoice(customer, "90.00", outbox.late(9)))
    with running(FakeSmtp("all well")) as gone:
        port = gone.port
    use(settings, port)
    tally = send_some(now=SLOT)
    assert tally.remaining == 3
    assert sum(outbox.again(row).tries for row in type(reminder).objects.all()) == 1


def test_a_lasting_outage_holds_the_message_and_asks_somebody(reminder, settings):
    with running(FakeSmtp("RCPT 450")) as server:
        use(settings, server.port)
        now = SLOT
        for _ in range(5):
            send_some(now=now)
            now = outbox.again(reminder).due_at
    row = outbox.again(reminder)
    assert (row.state, row.held_for) == (AttemptState.HELD, "pause")
    assert Task.objects.filter(kind="check_delivery", attempt=reminder).exists()


def test_a_refused_address_is_marked_and_a_task_asks_for_another(reminder, settings):
    with running(FakeSmtp("RCPT 550 5.1.1 no such user")) as server:
        use(settings, server.port)
        send_some(now=SLOT)
    assert reminder.customer.contacts.get().email_state == "bounced"
    assert Task.objects.filter(kind="ask_address", attempt=reminder).count() == 1


def test_a_server_without_the_tls_we_ask_for_gets_nothing(reminder, settings):
    with running(FakeSmtp("all well")) as server:
        use(settings, server.port, use_tls=True)
        assert send_some(now=SLOT).failed == 1
    row = outbox.again(reminder)
    assert (row.state, row.reason, server.taken) == (AttemptState.FAILED, "refused_setup", [])


def test_many_messages_share_one_connection(reminder, settings, monkeypatch):
    opened = []
    real = smtplib.SMTP.connect
    monkeypatch.setattr(
        smtplib.SMTP, "connect", lambda self, *a, **k: opened.append(1) or real(self, *a, **k)
    )
    for number in range(2, 5):
        customer = make.customer(f"C-{number}")
        outbox.queued(customer, make.invoice(customer, "90.00", outbox.late(9)))
    with running(FakeSmtp("all well")) as server:
        use(settings, server.port)
        assert send_some(now=SLOT).sent == 4
    assert len(opened) == 1


BEFORE = ["greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("cut_by", ["the socket", "the deadline"])
@pytest.mark.parametrize("step", BEFORE)
def test_a_server_that_stalls_before_the_text_has_nothing(reminder, settings, step, cut_by):
    """Whoever gives up waiting: it is tried again, with a pause, and is no doubt (F-34)."""
    settings.SEND_DEADLINE_SECONDS = 0.3 if cut_by == "the deadline" else 5
    mode = f"stall at {step}"
    with running(FakeSmtp(mode)) as server:
        timeout = 5 if cut_by == "the deadline" else 0.2
        use(settings, server.port, timeout=timeout, **asks_for(mode))
        assert send_some(now=SLOT).unknown == 0
        row = outbox.again(reminder)
    assert (row.state, row.tries, row.sending_at) == (AttemptState.PLANNED, 1, None), row.error
    assert row.due_at > SLOT
    assert server.taken == []


@pytest.mark.parametrize("mode", ["stall in text", "silent after text"])
def test_a_server_that_stalls_in_or_after_the_text_may_have_it(reminder, settings, mode):
    settings.SEND_DEADLINE_SECONDS = 0.4
    with running(FakeSmtp(mode)) as server:
        use(settings, server.port, timeout=5)
        assert send_some(now=SLOT).unknown == 1


@pytest.mark.parametrize("step", ["greeting", "RCPT", "DATA"])
def test_a_delivery_that_was_called_off_never_goes_on(reminder, settings, step):
    """The server wakes up after the deadline: what was planned again must not leave as well."""
    settings.SEND_DEADLINE_SECONDS = 0.3
    with running(FakeSmtp(f"slow at {step}", silence=0.9)) as server:
        use(settings, server.port, timeout=5)
        send_some(now=SLOT)
        row = outbox.again(reminder)
        assert row.state == AttemptState.PLANNED
        for thread in threading.enumerate():
            if thread.name == f"delivery-{row.uuid}":
                thread.join()
        assert server.taken == []
        server.mode = "all well"
        send_some(now=row.due_at)
    assert outbox.state(reminder) == AttemptState.SENT
    assert len(server.taken) == 1


def test_the_whole_delivery_has_one_deadline(reminder, settings):
    settings.SEND_DEADLINE_SECONDS = 0.5
    with running(FakeSmtp("silent after text", silence=1.5)) as server:
        use(settings, server.port, timeout=5)
        send_some(now=SLOT)
        row = outbox.again(reminder)
    assert row.state == AttemptState.UNKNOWN
    assert row.error == "No answer within 0.5 seconds."
