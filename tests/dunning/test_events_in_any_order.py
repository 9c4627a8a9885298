"""Five reports of a provider, in each of their 120 orders and doubled, end alike (F-43, F-44)."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from anymail.signals import AnymailTrackingEvent, tracking
from django.db import transaction

from arfollow.shared.models import Event
from dunning.delivery.base import Receipt
from dunning.dispatch import record, sweep
from dunning.dispatch.record import Errand
from dunning.models import AttemptState, ContactAttempt, DeliveryEvent, ProviderStatus, Task
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT, send_some

# Nothing here depends on the database: once is enough.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

SETS = {
    "it came back": (
        ("queued", ""), ("deferred", "mailbox busy"), ("delivered", ""), ("opened", ""),
        ("bounced", "no such user"),
    ),
    "they complained": (
        ("sent", ""), ("delivered", ""), ("bounced", "550 5.1.1 user unknown"),
        ("complained", ""), ("unsubscribed", ""),
    ),
    "it arrived": (
        ("queued", ""), ("deferred", "greylisted"), ("delivered", ""), ("clicked", ""),
        ("autoresponded", ""),
    ),
    "it was never sent": (
        ("queued", ""), ("rejected", "blocked"), ("failed", "template"), ("opened", ""),
        ("deferred", ""),
    ),
}  # fmt: skip


@pytest.fixture
def sent():
    outbox.company()
    customer = make.customer("C-1")
    attempt = outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    send_some(now=SLOT)
    return outbox.again(attempt)


def call(attempt, number, event_type, words=""):
    """The provider's ``number``-th report, as Anymail hands it over."""
    event = AnymailTrackingEvent(
        event_type=event_type,
        timestamp=AT + number * MINUTE,
        event_id=f"E-{number}",
        recipient="ap.c-1@example.test",
        message_id="pm-1",
        description=words,
        reject_reason="blocked" if event_type == "rejected" else None,
        metadata={"attempt": str(attempt.uuid)},
        esp_event={"number": number},
    )
    tracking.send(sender=None, event=event, esp_name="Postmark")


def told():
    return Event.objects.filter(verb__in=("attempt.bounced", "attempt.unsubscribed")).count()


def outcome(attempt):
    """All that the reports may have changed."""
    row = outbox.again(attempt)
    tasks = Task.objects.filter(status="open").order_by("kind").values_list("kind", flat=True)
    return (
        row.state, row.live, row.provider_status, row.provider_status_at, row.reached_on,
        row.items.filter(live=True).count(), row.customer.contacts.get().email_state,
        list(tasks), told(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "step"),
    [("they complained", 1), ("it came back", 6), ("it arrived", 6), ("it was never sent", 6)],
)
def test_f43_all_120_orders_with_doubles_end_alike(sent, name, step):
    """Each report comes twice, the second time after the next one."""
    ends = {}
    for order in list(itertools.permutations(enumerate(SETS[name])))[::step]:
        with transaction.atomic():
            for number, (event_type, words) in doubled(order):
                call(sent, number, event_type, words)
            ends.setdefault(str(outcome(sent)), order)
            assert DeliveryEvent.objects.filter(applied_at__isnull=False).count() == 5
            transaction.set_rollback(True)
    assert len(ends) == 1, ends


def doubled(order):
    late = [*order[1:], order[0]]
    return [each for pair in zip(order, late, strict=True) for each in pair]


def test_f43_each_event_leaves_one_row_of_history(sent):
    for number, (event_type, words) in enumerate(SETS["they complained"]):
        for _ in range(5):
            call(sent, number, event_type, words)
    assert DeliveryEvent.objects.count() == 5
    assert told() == 3  # bounced, complained, unsubscribed


# --- a report that is quicker than our own record -------------------------------------------


@pytest.fixture
def sending(sent):
    """As it was a moment ago: handed over, and not yet written down."""
    ContactAttempt.objects.filter(pk=sent.pk).update(
        state=AttemptState.SENDING, worker="w", lease_until=SLOT, sent_at=None, done_on=None,
        provider_message_id="",
    )  # fmt: skip
    return outbox.again(sent)


def recorded(attempt):
    errand = Errand(attempt.pk, "w", SLOT, TODAY)
    assert record.sent(errand, Receipt("postmark", "pm-1"))


def swept():
    DeliveryEvent.objects.update(received_at=SLOT)
    sweep(now=SLOT + MINUTE)


@pytest.mark.parametrize(("event_type", "live"), [("bounced", False), ("delivered", True)])
def test_f44_a_report_before_our_commit_is_applied_after_it(sending, event_type, live):
    """A bounce that was applied at once undid nothing, and the step counted as done."""
    call(sending, 1, event_type, "no such user")
    assert outbox.state(sending) == AttemptState.SENDING
    recorded(sending)
    swept()
    row = outbox.again(sending)
    assert (row.state, row.live, row.provider_status) == (AttemptState.SENT, live, event_type)
    assert row.items.filter(live=True).exists() is live


def test_f44_a_report_of_a_message_whose_worker_died_settles_it(sending):
    call(sending, 1, "delivered")
    swept()
    row = outbox.again(sending)
    assert (row.state, row.provider_status) == (AttemptState.SENT, ProviderStatus.DELIVERED)


def test_f44_any_number_of_strangers_stand_before_nobody(sent):
    """An account that others use as well: their reports are kept and never looked at again."""
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(provider="postmark", event_id=f"S-{n}", event_type="delivered",
                      message_id=f"theirs-{n}", received_at=SLOT) for n in range(600)
    )  # fmt: skip
    DeliveryEvent.objects.create(provider="postmark", event_id="O", event_type="delivered",
                                 message_id="pm-late", received_at=SLOT)  # fmt: skip
    ContactAttempt.objects.filter(pk=sent.pk).update(provider_message_id="pm-late")
    sweep(now=SLOT + MINUTE)
    assert outbox.again(sent).provider_status == ProviderStatus.DELIVERED
    assert DeliveryEvent.objects.filter(applied_at=None).count() == 600
