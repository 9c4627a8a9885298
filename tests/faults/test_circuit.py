"""An outage opens the circuit; a probe closes it; nothing bursts out afterwards (F-32, F-36)."""

from datetime import timedelta

import pytest

from arfollow.shared.models import Event
from dunning.dispatch import circuit
from dunning.models import AttemptState, ContactAttempt
from tests import make, outbox
from tests.faults.mailhosts import FakeApi, FakeSmtp, running
from tests.faults.test_provider_answers import use
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
MANY = 14


@pytest.fixture
def waiting():
    """Fourteen reminders to fourteen customers, without the company's own rate."""
    outbox.company()
    for number in range(MANY):
        customer = make.customer(f"C-{number:02}")
        outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


def told():
    rows = Event.objects.filter(verb="sending.circuit").order_by("pk").select_related("data")
    return [row.data.summary for row in rows]


@pytest.mark.parametrize("mode", ["500 after", "silence", "html", "half body", "redirect"])
def test_three_unknown_in_a_row_open_it_before_everything_is_unknown(waiting, settings, mode):
    with running(FakeApi(mode)) as server:
        use(settings, server.url)
        send_some(now=SLOT)
        send_some(now=SLOT + MINUTE)
    assert outbox.in_state(AttemptState.UNKNOWN) == circuit.IN_A_ROW
    assert outbox.in_state(AttemptState.PLANNED) == MANY - circuit.IN_A_ROW
    assert circuit.trouble_until(SLOT) >= SLOT + 5 * MINUTE


def test_one_outage_opens_it_and_burns_nothing(waiting, settings):
    with running(FakeApi("429")) as server:
        use(settings, server.url)
        for _ in range(5):
            send_some(now=SLOT)
    assert outbox.in_state(AttemptState.PLANNED) == MANY
    assert ContactAttempt.objects.filter(tries__gt=0).count() == 1
    assert len(told()) == 1


def test_a_refused_key_opens_it_after_one_message(waiting, settings):
    with running(FakeApi("401")) as server:
        use(settings, server.url)
        for _ in range(5):
            send_some(now=SLOT)
    assert outbox.in_state(AttemptState.FAILED) == 1
    assert outbox.in_state(AttemptState.PLANNED) == MANY - 1


def test_the_longer_it_lasts_the_rarer_the_probes(waiting, settings):
    now, probes = SLOT, []
    with running(FakeApi("429")) as server:
        use(settings, server.url)
        while now < SLOT + timedelta(hours=1):
            before = len(server.seen)
            send_some(now=now)
            probes += [now] * (len(server.seen) - before)
            now += MINUTE
    assert 4 <= len(probes) <= 14
    assert probes[-1] - probes[-2] >= 10 * MINUTE
    assert outbox.in_state(AttemptState.PLANNED) == MANY


def test_after_an_outage_one_probe_goes_and_the_rest_follows_slowly(waiting, settings):
    with running(FakeSmtp("all well")) as gone:
        port = gone.port
    smtp(settings, port)
    send_some(now=SLOT)
    assert circuit.trouble_until(SLOT) is not None
    with running(FakeSmtp("all well")) as server:
        smtp(settings, server.port)
        later = SLOT + 2 * MINUTE
        counts = [send_some(now=later + minute * MINUTE).sent for minute in range(3)]
    assert counts[0] == 1
    assert counts[1] <= 2 * circuit.FIRST_RATE
    assert sum(counts) == MANY
    assert circuit.pace(later) == circuit.FIRST_RATE
    assert circuit.pace(later + circuit.RAMP) is None
    assert [("again" in words) for words in told()] == [False, True]


def test_a_probe_that_fails_keeps_it_open(waiting, settings):
    with running(FakeSmtp("all well")) as gone:
        port = gone.port
    smtp(settings, port)
    send_some(now=SLOT)
    send_some(now=SLOT + 2 * MINUTE)
    assert circuit.trouble_until(SLOT + 2 * MINUTE) >= SLOT + 4 * MINUTE
    assert len(told()) == 1


def test_an_outage_of_one_provider_says_nothing_of_another(waiting, settings):
    with running(FakeApi("429")) as server:
        use(settings, server.url)
        send_some(now=SLOT)
    with running(FakeSmtp("all well")) as server:
        smtp(settings, server.port)
        assert circuit.trouble_until(SLOT) is None
        assert send_some(now=SLOT).sent == MANY - 1  # the one that was tried waits a little


def test_unknown_deliveries_with_a_success_between_do_not_open_it(waiting, settings):
    for mode in ("html", "html", "ok", "html"):
        with running(FakeApi(mode)) as server:
            use(settings, server.url)
            one = ContactAttempt.objects.filter(state="planned").order_by("pk")[0]
            ContactAttempt.objects.filter(state="planned").exclude(pk=one.pk).update(
                due_at=SLOT + timedelta(days=1)
            )
            send_some(now=SLOT)
            ContactAttempt.objects.filter(state="planned").update(due_at=SLOT)
    assert outbox.in_state(AttemptState.UNKNOWN) == 3
    assert circuit.trouble_until(SLOT) is None


def smtp(settings, port):
    backend = "django.core.mail.backends.smtp.EmailBackend"
    options = {"host": "127.0.0.1", "port": port, "timeout": 1}
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
