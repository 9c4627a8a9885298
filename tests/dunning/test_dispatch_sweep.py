"""What the sweeper puts right: leases, doubts, contacts that count after three days (rule 6)."""

from datetime import UTC, datetime, timedelta

import pytest

from arfollow.shared import faults
from arfollow.shared.models import Event
from dunning.dispatch import mark_reached, sweep
from dunning.models import AttemptState, ProviderStatus, Task
from dunning.outbox import moves
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db

ME, OVER = "worker-1", timedelta(seconds=-1)


@pytest.fixture
def reminder():
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))


def day(number, hour=12):
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def test_a_claim_of_a_dead_worker_is_sent_by_the_next(reminder):
    moves.claim(ME, now=SLOT, lease=OVER)
    assert sweep(now=SLOT)["put_back"] == 1
    assert send_some().sent == 1


def test_a_sending_of_a_dead_worker_becomes_unknown_with_an_event_and_a_task(reminder):
    moves.claim(ME, now=SLOT, lease=timedelta(minutes=2))
    moves.begin_sending(reminder.pk, ME, lease=OVER, message_id="<a@b>")
    assert sweep(now=SLOT)["unknown"] == 1
    assert outbox.state(reminder) == AttemptState.UNKNOWN
    assert Event.objects.filter(verb="attempt.unknown", object_id=reminder.pk).count() == 1
    assert Task.objects.filter(kind="check_delivery", attempt=reminder).count() == 1


class Died(BaseException):
    """The sweeper is gone."""


def test_a_sweeper_that_dies_leaves_no_doubt_without_its_task(reminder, monkeypatch):
    """Naming a doubt, its event and its task are one transaction (D3)."""

    def die(point):
        if point == "S1":
            raise Died

    moves.claim(ME, now=SLOT, lease=timedelta(minutes=2))
    moves.begin_sending(reminder.pk, ME, lease=OVER, message_id="<a@b>")
    monkeypatch.setattr(faults, "point", die)
    with pytest.raises(Died):
        sweep(now=SLOT)
    assert outbox.state(reminder) == AttemptState.SENDING
    monkeypatch.undo()
    assert sweep(now=SLOT)["unknown"] == 1
    assert Task.objects.filter(kind="check_delivery", attempt=reminder).count() == 1


def test_sweeping_again_changes_nothing(reminder):
    moves.claim(ME, now=SLOT, lease=timedelta(minutes=2))
    moves.begin_sending(reminder.pk, ME, lease=OVER, message_id="<a@b>")
    sweep(now=SLOT)
    events = Event.objects.count()
    again = sweep(now=SLOT)
    assert {name: again[name] for name in ("put_back", "unknown", "released")} == {
        "put_back": 0,
        "unknown": 0,
        "released": 0,
    }
    assert Event.objects.count() == events


@pytest.fixture
def sent(reminder):
    send_some()
    return outbox.again(reminder)


def test_after_three_business_days_an_accepted_mail_is_a_contact_made(sent):
    assert mark_reached(day(4)) == 0
    assert mark_reached(day(5)) == 1
    assert outbox.again(sent).reached_on == TODAY + timedelta(days=3)


def test_a_weekend_does_not_count(reminder):
    friday = SLOT + timedelta(days=4)
    send_some(now=friday)
    assert mark_reached(day(10)) == 0
    assert mark_reached(day(11)) == 1


def test_a_holiday_of_the_customer_does_not_count():
    outbox.company()
    customer = make.customer("C-2", country="GB")
    holy_week = datetime(2026, 4, 1, 6, tzinfo=UTC)
    invoice = make.invoice(customer, "90.00", outbox.late(9))
    attempt = outbox.queued(customer, invoice, now=holy_week,
                            planned_on=holy_week.date())  # fmt: skip
    send_some(now=attempt.due_at)
    assert mark_reached(datetime(2026, 4, 6, tzinfo=UTC)) == 0
    assert mark_reached(datetime(2026, 4, 7, tzinfo=UTC)) == 1


def test_a_bounced_mail_never_becomes_a_contact(sent):
    moves.uncount(sent.pk)
    assert mark_reached(day(20)) == 0


def test_a_delivery_that_was_reported_keeps_its_own_day(sent):
    type(sent).objects.filter(pk=sent.pk).update(
        reached_on=TODAY, provider_status=ProviderStatus.DELIVERED
    )
    assert mark_reached(day(20)) == 0
    assert outbox.again(sent).reached_on == TODAY


def test_the_sweeper_looks_at_contacts_once_a_day(sent):
    assert sweep(now=day(5))["reached"] == 1
    type(sent).objects.filter(pk=sent.pk).update(reached_on=None)
    assert sweep(now=day(5, hour=13))["reached"] == 0
    assert sweep(now=day(6))["reached"] == 1
