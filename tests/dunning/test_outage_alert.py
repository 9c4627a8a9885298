"""People are told of an outage and of unknown deliveries (DELIVERY §3.3, issue 4)."""

from datetime import timedelta

import pytest

from arfollow.staff.models import Company, Role
from dunning.briefing.alerts import plan_alert
from dunning.briefing.sending import stops
from dunning.dispatch import circuit
from dunning.models import AttemptState, ContactAttempt
from tests import make, outbox
from tests.outbox import SLOT, send_some

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def boss():
    outbox.company()
    outbox.adopt_if_new()
    make.user(Role.COLLECTOR)
    return make.user(Role.MANAGER)


def test_an_outage_that_lasts_is_told_once_to_managers(boss):
    circuit.note_trouble(SLOT, MINUTE)
    assert plan_alert(SLOT + 5 * MINUTE) is None
    notice = plan_alert(SLOT + 11 * MINUTE)
    assert [to.address for to in notice.recipients.all()] == [boss.email]
    assert plan_alert(SLOT + 12 * MINUTE) is None


def test_the_notice_leaves_when_mail_goes_again(boss, mailoutbox):
    circuit.note_trouble(SLOT, MINUTE)
    notice = plan_alert(SLOT + 11 * MINUTE)
    send_some(now=SLOT + 20 * MINUTE)
    assert outbox.state(notice) == AttemptState.SENT
    assert "has taken no message since" in mailoutbox[0].body
    assert mailoutbox[0].to == [f"{boss} <{boss.email}>"] or boss.email in mailoutbox[0].to[0]


def test_without_an_outage_nobody_is_told(boss):
    assert plan_alert(SLOT) is None
    assert not ContactAttempt.objects.exists()


def test_the_morning_digest_names_who_has_an_unknown_delivery(boss):
    for number in range(7):
        customer = make.customer(f"C-{number}", f"Firm {number}")
        outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    ContactAttempt.objects.update(state="unknown")
    (told,) = stops(Company.load(), SLOT + timedelta(days=3))
    assert told.startswith("7 deliveries are unknown, the oldest for 3 days")
    assert "C-0 Firm 0" in told
    assert "and 2 more" in told


def test_one_unknown_delivery_is_told_in_the_singular(boss):
    customer = make.customer("C-1", "Keel")
    outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)))
    ContactAttempt.objects.update(state="unknown")
    (told,) = stops(Company.load(), SLOT)
    assert told == "1 delivery is unknown; each waits for a decision: C-1 Keel."
