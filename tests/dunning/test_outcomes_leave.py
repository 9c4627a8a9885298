"""What outcomes put into the outbox really leaves, through the one gate."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client

from arfollow.shared.events import actor_of
from dunning.models import AttemptState, CallOutcome, ContactAttempt
from dunning.outbox import approve
from dunning.outcomes import draft_thanks
from tests import make, outbox
from tests.dunning.calling import MONDAY, ring
from tests.outbox import send_some
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db
SOON = outbox.SLOT + timedelta(minutes=5)


def test_a_copy_they_asked_for_leaves_at_once_to_the_address_they_confirmed() -> None:
    outbox.company()
    line = ring()
    line.call(CallOutcome.NOT_RECEIVED, email="desk@example.test", now=outbox.SLOT)
    assert send_some(now=SOON).sent == 1
    message = mail.outbox[0]
    assert "desk@example.test" in message.to[0]
    assert line.older.number in message.body
    assert line.newer.number in message.body


def test_a_copy_of_what_was_paid_meanwhile_does_not_leave() -> None:
    outbox.company()
    line = ring()
    line.call(CallOutcome.NOT_RECEIVED, now=outbox.SLOT)
    make.payment(line.customer, "1000.00", MONDAY)
    send_some(now=SOON)
    assert [m.body for m in mail.outbox] == []
    assert ContactAttempt.objects.get(kind="resend").state == AttemptState.CANCELLED


def test_the_thank_you_leaves_once_somebody_approved_it() -> None:
    outbox.company()
    line = ring()
    notice = outbox.queued(line.customer, line.older, tone="firm")
    ContactAttempt.objects.filter(pk=notice.pk).update(
        state="sent", done_on=MONDAY, local_date=MONDAY, message_id="<a@b>"
    )
    make.payment(line.customer, "400.00", MONDAY, line.older)
    assert draft_thanks(MONDAY) == 1
    draft = ContactAttempt.objects.get(kind="thanks")
    assert send_some(now=SOON).sent == 0
    with time_machine.travel(SOON):
        approved = approve(draft.pk, actor=actor_of(make.user("manager")))
    assert approved.due_at is not None
    assert send_some(now=approved.due_at).sent == 1
    assert "message crossed with it" in mail.outbox[0].body


def test_a_message_to_oneself_goes_the_way_of_all_messages(client: Client) -> None:
    outbox.company()
    client.force_login(member("admin"))
    with time_machine.travel(outbox.SLOT):
        client.post("/settings/sending/test/")
    assert send_some(now=SOON).sent == 1
    assert member("admin").email in mail.outbox[0].to[0]
    assert mail.outbox[0].subject == "Test message from Harbour & Pine"


def test_in_shadow_mode_the_test_goes_to_the_shadow_address(client: Client) -> None:
    outbox.company(shadow_mode=True, shadow_email="shadow@example.test")
    client.force_login(member("admin"))
    with time_machine.travel(outbox.SLOT):
        client.post("/settings/sending/test/")
    send_some(now=SOON)
    assert "shadow@example.test" in mail.outbox[0].to[0]
