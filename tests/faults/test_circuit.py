"""An outage opens the circuit; a probe closes it; nothing bursts out afterwards (F-32, F-36)."""

from datetime import timedelta

import pytest
from django.urls import reverse

from arfollow.shared.models import Event
from arfollow.staff.models import Role
from dunning.briefing.alerts import plan_alert
from dunning.dispatch import circuit, sender, streaks
from dunning.models import AttemptState, ContactAttempt, Task
from tests import make, outbox
from tests.faults.mailhosts import FakeApi, FakeSmtp, running
from tests.faults.test_provider_answers import use
from tests.outbox import SLOT, send_some

# Nothing here depends on the database: once is enough.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]
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


# --- a key that is refused (F-36) -----------------------------------------------------------


def untouched():
    rows = ContactAttempt.objects.all()
    return {(row.state, row.tries, row.live, row.sending_at) for row in rows} == {
        (AttemptState.PLANNED, 0, True, None)
    }


@pytest.mark.parametrize("answer", ["401", "403"])
def test_f36_a_refused_key_burns_no_message(waiting, settings, answer):
    now, seen = SLOT, 0
    with running(FakeApi(answer)) as server:
        use(settings, server.url)
        assert send_some(now=now).failed == 0
        assert len(server.seen) == streaks.LIMIT
        assert circuit.open_since() == SLOT
        for _ in range(90):
            now += MINUTE
            send_some(now=now)
        seen = len(server.seen)
    assert untouched()
    assert seen <= streaks.LIMIT + 7  # then it is asked now and then, by one message each time
    assert len(told()) == 1
    assert not Task.objects.exists()


def test_f36_one_message_alone_is_enough_to_tell(settings):
    outbox.company()
    customer = make.customer("C-1")
    outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    with running(FakeSmtp("AUTH 535")) as server:
        smtp(settings, server.port, username="us", password="our-own-word")
        for minute in range(7):
            send_some(now=SLOT + minute * MINUTE)
    assert untouched()
    assert circuit.open_since() == SLOT + 4 * MINUTE
    assert "our-own-word" not in circuit.story()


def test_f36_it_is_told_above_every_page_and_in_the_notice(waiting, settings, client):
    boss = make.user(Role.MANAGER)
    with running(FakeApi("401")) as server:
        use(settings, server.url)
        send_some(now=SLOT)
    client.force_login(boss)
    page = client.get(reverse("outbox")).content.decode()
    assert "Messages are not leaving." in page
    assert "takes nothing: AnymailRequestsAPIError" in page
    notice = plan_alert(SLOT + 11 * MINUTE)
    assert "status 401" in notice.content["body"]


def test_f36_with_a_good_key_everything_leaves(waiting, settings):
    now = SLOT
    with running(FakeApi("401")) as server:
        use(settings, server.url)
        send_some(now=now)
        server.mode = "ok"
        for _ in range(20):
            now += MINUTE
            send_some(now=now)
    assert outbox.in_state(AttemptState.SENT) == MANY
    assert circuit.story() == ""


def test_f36_a_message_that_is_refused_alone_does_not_come_back_for_ever(settings):
    """A provider may answer 403 to one recipient only; the others go on."""
    outbox.company()
    customer = make.customer("C-1")
    bad = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    with running(FakeApi("403")) as server:
        use(settings, server.url)
        for minute in range(2 * streaks.LIMIT):
            server.mode = "403"
            send_some(now=SLOT + minute * MINUTE)
            streaks.over()  # in between another message was taken
    assert (outbox.again(bad).state, outbox.again(bad).reason) == ("failed", "refused_key")
    assert circuit.open_since() is None


# --- a set-up that cannot work (F-35) -------------------------------------------------------


def test_f35_the_first_message_tells_and_no_probe_is_burned(waiting, settings):
    now = SLOT
    with running(FakeSmtp("all well")) as server:
        smtp(settings, server.port, use_tls=True)
        for _ in range(60):
            send_some(now=now)
            now += MINUTE
    assert server.taken == []
    assert outbox.in_state(AttemptState.FAILED) == 1
    assert outbox.in_state(AttemptState.PLANNED) == MANY - 1
    assert outbox.again(ContactAttempt.objects.get(state="failed")).reason == "refused_setup"


# --- the same trouble again and again -------------------------------------------------------


@pytest.mark.parametrize("mode", ["MAIL 451", "DATA 451", "dot 451", "drop at RCPT"])
def test_a_server_that_fails_five_messages_alike_opens_it(waiting, settings, mode):
    with running(FakeSmtp(mode)) as server:
        smtp(settings, server.port)
        send_some(now=SLOT)
        send_some(now=SLOT)
    assert ContactAttempt.objects.filter(tries__gt=0).count() == streaks.LIMIT
    assert outbox.in_state(AttemptState.PLANNED) == MANY
    assert circuit.trouble_until(SLOT) is not None


def test_recipients_that_are_greylisted_stop_nobody(waiting, settings):
    with running(FakeSmtp("RCPT 450")) as server:
        smtp(settings, server.port)
        send_some(now=SLOT)
    assert ContactAttempt.objects.filter(tries=1).count() == MANY
    assert circuit.open_since() is None


def breaks(monkeypatch, every=1):
    """A deployment that cannot render every ``every``-th message."""
    real, calls = sender.render_and_freeze, []

    def render(attempt, company, *, today):
        calls.append(attempt.pk)
        if attempt.pk % every == 0:
            raise TypeError("unsupported operand")
        return real(attempt, company, today=today)

    monkeypatch.setattr(sender, "render_and_freeze", render)
    return calls


def test_a_deployment_that_breaks_every_message_stops_itself(waiting, monkeypatch, mailoutbox):
    calls, now = breaks(monkeypatch), SLOT
    for _ in range(60):
        send_some(now=now)
        now += MINUTE
    assert outbox.in_state(AttemptState.FAILED) == streaks.LIMIT
    assert outbox.in_state(AttemptState.PLANNED) == MANY - streaks.LIMIT
    assert len(set(calls[-3:])) == 3  # each probe is another message
    (words,) = told()
    assert words.startswith("Sending has stopped itself: 5 messages in a row broke (TypeError at")
    assert mailoutbox == []


def test_when_it_is_mended_the_others_leave(waiting, monkeypatch, mailoutbox):
    now = SLOT
    with monkeypatch.context() as patch:
        breaks(patch)
        send_some(now=now)
    for _ in range(20):
        now += 2 * MINUTE
        send_some(now=now)
    assert len(mailoutbox) == MANY - streaks.LIMIT
    assert circuit.open_since() is None


def test_single_messages_that_break_stop_nobody(waiting, monkeypatch, mailoutbox):
    breaks(monkeypatch, every=2)
    send_some(now=SLOT)
    assert outbox.in_state(AttemptState.FAILED) == MANY // 2
    assert len(mailoutbox) == MANY // 2
    assert circuit.open_since() is None


# --- how it opens and closes ----------------------------------------------------------------


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


def smtp(settings, port, **more):
    backend = "django.core.mail.backends.smtp.EmailBackend"
    options = {"host": "127.0.0.1", "port": port, "timeout": 1} | more
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
