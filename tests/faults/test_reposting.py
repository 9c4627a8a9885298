"""An unknown delivery is posted again only under a key that the provider dedupes (D3, §3.3)."""

from datetime import timedelta

import pytest
from django.db.models import F

from arfollow.shared.events import SYSTEM
from dunning.models import AttemptState, ContactAttempt, Task
from dunning.outbox import switches
from tests import make, outbox
from tests.faults.mailhosts import FakeApi, running
from tests.faults.test_provider_answers import POSTMARK, RESEND, use
from tests.make import TODAY
from tests.outbox import SLOT, send_some

# Nothing here depends on the database: once is enough.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]
BREVO = "anymail.backends.brevo.EmailBackend"
UNKNOWN, SENT = AttemptState.UNKNOWN, AttemptState.SENT
OK = {RESEND: "resend ok", BREVO: "brevo ok", POSTMARK: "ok"}
KEY = {RESEND: "api_key", BREVO: "api_key", POSTMARK: "server_token"}


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


def unknown_at(settings, backend, *, minutes=5):
    """Posted with an answer that proves nothing, some minutes ago."""
    with running(FakeApi("html")) as server:
        use(settings, server.url, backend, KEY[backend])
        send_some(now=SLOT)
    rows = ContactAttempt.objects.filter(state=UNKNOWN)
    rows.update(sending_at=F("sending_at") - timedelta(minutes=minutes))
    return server


def again(settings, backend, mode=""):
    with running(FakeApi(mode or OK[backend])) as server:
        use(settings, server.url, backend, KEY[backend])
        send_some(now=SLOT)
    return server


@pytest.mark.parametrize("backend", [RESEND, BREVO])
def test_the_same_bytes_under_the_same_key_settle_it(reminder, settings, backend):
    first = unknown_at(settings, backend)
    second = again(settings, backend)
    row = outbox.again(reminder)
    assert (row.state, row.done_on) == (SENT, TODAY)
    assert first.taken == second.taken
    assert row.provider_message_id
    assert not Task.objects.filter(kind="check_delivery", status="open").exists()
    keys = {line for head in first.heads + second.heads for line in head.splitlines()
            if line.startswith("Idempotency-Key")}  # fmt: skip
    posted = [*first.taken, *second.taken]
    by_body = {body.get("headers", {}).get("idempotencyKey") for body in posted}
    given = keys if backend == RESEND else by_body
    assert given == {f"Idempotency-Key: {row.uuid}" if backend == RESEND else str(row.uuid)}


def test_a_key_that_brevo_has_seen_proves_that_it_has_the_message(reminder, settings):
    unknown_at(settings, BREVO)
    again(settings, BREVO, "brevo double")
    assert outbox.state(reminder) == SENT


def test_a_provider_without_keys_never_gets_it_again(reminder, settings):
    unknown_at(settings, POSTMARK)
    assert again(settings, POSTMARK).seen == []
    assert outbox.state(reminder) == UNKNOWN


@pytest.mark.parametrize(("backend", "minutes"), [(RESEND, 24 * 60), (BREVO, 14), (RESEND, 0)])
def test_outside_the_life_of_the_key_a_person_decides(reminder, settings, backend, minutes):
    unknown_at(settings, backend, minutes=minutes)
    assert again(settings, backend).seen == []
    assert outbox.state(reminder) == UNKNOWN


def test_another_provider_than_the_first_does_not_know_the_key(reminder, settings):
    unknown_at(settings, RESEND)
    assert again(settings, BREVO).seen == []


def paid(attempt):
    make.payment(attempt.customer, "400.00", TODAY, attempt.lead_invoice)


def part_paid(attempt):
    make.payment(attempt.customer, "100.00", TODAY, attempt.lead_invoice)


def stopped(attempt):
    switches.switch_off("customer", str(attempt.customer_id), actor=SYSTEM, reason="x")


@pytest.mark.parametrize("change", [paid, part_paid, stopped])
def test_where_a_last_look_finds_other_facts_a_person_decides(reminder, settings, change):
    unknown_at(settings, RESEND)
    before = list(reminder.items.values_list("amount", "live"))
    change(reminder)
    assert again(settings, RESEND).seen == []
    assert outbox.state(reminder) == UNKNOWN
    assert list(reminder.items.values_list("amount", "live")) == before


def test_a_post_that_proves_nothing_leaves_it_unknown(reminder, settings):
    unknown_at(settings, RESEND)
    for _ in range(12):
        again(settings, RESEND, "html")
    row = outbox.again(reminder)
    assert row.state == UNKNOWN
    assert row.tries <= 8


STATUS = ["301", "302", "303", "307", "308"]


@pytest.mark.parametrize("status", STATUS)
@pytest.mark.parametrize("backend", [POSTMARK, RESEND, BREVO])
def test_a_redirect_is_followed_by_nobody_and_proves_nothing(reminder, settings, status, backend):
    with running(FakeApi(OK[backend])) as elsewhere:
        with running(FakeApi(f"redirect {status} {elsewhere.url}")) as server:
            use(settings, server.url, backend, KEY[backend])
            send_some(now=SLOT)
        assert len(server.seen) == 1
        assert elsewhere.seen == []
    assert outbox.state(reminder) == UNKNOWN
