"""Mail about promises: thanks at once, a reminder the day before, nothing once it is over."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core import mail

from arfollow.staff.models import Company
from customers.services import save_contact_state
from dunning import dispatch
from dunning.models import (
    AttemptKind,
    AttemptState,
    CallOutcome,
    ContactAttempt,
    Promise,
)
from dunning.outcomes import (
    PromiseInput,
    add_promise,
    cancel_promise,
    remind_of_promises,
    settle_promises,
)
from dunning.policy import Reason
from tests import make, outbox
from tests.dunning.calling import MONDAY, Line, at, ring

pytestmark = pytest.mark.django_db
FRIDAY = MONDAY + timedelta(days=4)
THURSDAY = MONDAY + timedelta(days=3)


def line_of(**fields: object) -> Line:
    line = ring()
    outbox.company(undo_seconds=0, **fields)
    return line


def promise(line: Line, *, due: date = FRIDAY, **given: object) -> Promise:
    wanted = PromiseInput(due_on=due, **given)  # type: ignore[arg-type]  # by name
    return add_promise(line.customer.pk, wanted, actor=line.actor, today=MONDAY, now=at(MONDAY, 6))


def messages(kind: str) -> list[ContactAttempt]:
    return list(ContactAttempt.objects.filter(kind=kind).order_by("pk"))


def send(day: date) -> list[str]:
    """What leaves at ten on that day."""
    before = len(mail.outbox)
    dispatch.send_some(now=at(day, 10), seconds=None)
    return [message.body for message in mail.outbox[before:]]


def test_a_promise_is_thanked_for_with_its_amount_and_day() -> None:
    line = line_of()
    promise(line, amount=Decimal(500))
    (text,) = send(MONDAY)
    assert "noted your payment of USD 500.00 for 6 March 2026" in " ".join(text.split())
    assert "overdue" not in text.lower()
    assert "Days late" not in text


def test_the_thanks_wait_in_the_outbox_until_their_slot_and_count_for_no_pace() -> None:
    line = line_of()
    promise(line)
    (thanks,) = messages(AttemptKind.PROMISE_CONFIRMED)
    assert (thanks.state, thanks.exempt, thanks.automatic) == (AttemptState.PLANNED, True, True)
    assert thanks.due_at is not None


def test_a_promise_on_the_telephone_is_thanked_for_too() -> None:
    line = line_of()
    line.call(CallOutcome.PROMISE, on=FRIDAY)
    assert [row.promise for row in messages(AttemptKind.PROMISE_CONFIRMED)] == [
        Promise.objects.get()
    ]


def test_no_thanks_where_they_are_switched_off_or_not_wanted() -> None:
    line = line_of(confirm_promises=False)
    promise(line)
    Company.objects.update(confirm_promises=True)
    promise(line, due=THURSDAY, confirm=False)
    assert messages(AttemptKind.PROMISE_CONFIRMED) == []


def test_no_thanks_to_nobody() -> None:
    line = line_of()
    changes = {"email_state": "bounced"}
    save_contact_state(line.contact, changes, actor=line.actor, why="bounced")
    assert promise(line).status == "open"
    assert messages(AttemptKind.PROMISE_CONFIRMED) == []


def test_the_same_promise_twice_is_thanked_for_once() -> None:
    line = line_of()
    promise(line)
    promise(line)
    assert len(messages(AttemptKind.PROMISE_CONFIRMED)) == 1


def test_a_promise_taken_back_takes_its_thanks_back() -> None:
    line = line_of()
    given = promise(line)
    cancel_promise(given.pk, on=MONDAY, reason="noted twice", actor=line.actor)
    (thanks,) = messages(AttemptKind.PROMISE_CONFIRMED)
    assert thanks.state == AttemptState.CANCELLED
    assert send(MONDAY) == []


def test_money_between_the_promise_and_the_slot_stops_the_thanks() -> None:
    """The last look sees what no tick has settled yet (L5)."""
    line = line_of()
    promise(line, amount=Decimal(400))
    make.payment(line.customer, "400.00", MONDAY)
    assert send(MONDAY) == []
    (thanks,) = messages(AttemptKind.PROMISE_CONFIRMED)
    assert (thanks.state, thanks.reason) == (AttemptState.CANCELLED, Reason.AGREEMENT_ENDED)


def test_a_reminder_goes_the_business_day_before_the_promised_one() -> None:
    line = line_of()
    given = promise(line, due=MONDAY + timedelta(days=14))
    assert given.nudge_on == MONDAY + timedelta(days=11)
    send(MONDAY)
    assert remind_of_promises(at(MONDAY + timedelta(days=10), 6)) == 0
    assert remind_of_promises(at(MONDAY + timedelta(days=11), 6)) == 1
    (text,) = send(MONDAY + timedelta(days=11))
    flat = " ".join(text.split())
    assert "Your payment of USD 1,000.00 is noted for 16 March 2026" in flat


def test_the_reminder_is_made_once_however_many_ticks_there_are() -> None:
    line = line_of()
    promise(line)
    counts = [remind_of_promises(at(THURSDAY, hour)) for hour in (6, 7, 8)]
    assert counts == [1, 0, 0]


def test_who_paid_a_part_is_thanked_for_it_in_the_reminder() -> None:
    line = line_of()
    promise(line)
    send(MONDAY)
    make.payment(line.customer, "250.00", MONDAY + timedelta(days=1))
    settle_promises(THURSDAY)
    remind_of_promises(at(THURSDAY, 6))
    (text,) = send(THURSDAY)
    flat = " ".join(text.split())
    assert "Thank you for the USD 250.00; the remaining USD 750.00 of the USD 1,000.00" in flat


def test_a_kept_promise_is_not_reminded_of() -> None:
    line = line_of()
    promise(line)
    make.payment(line.customer, "1000.00", MONDAY + timedelta(days=1))
    settle_promises(MONDAY + timedelta(days=1))
    assert remind_of_promises(at(THURSDAY, 6)) == 0


def test_a_reminder_that_waits_goes_when_the_money_comes() -> None:
    line = line_of()
    promise(line)
    send(MONDAY)
    remind_of_promises(at(THURSDAY, 6))
    make.payment(line.customer, "1000.00", THURSDAY)
    settle_promises(THURSDAY)
    (nudge,) = messages(AttemptKind.PROMISE_NUDGE)
    assert nudge.state == AttemptState.CANCELLED
    assert send(THURSDAY) == []


def test_the_reminder_can_be_switched_off() -> None:
    line = line_of(nudge_promises=False)
    promise(line)
    assert remind_of_promises(at(THURSDAY, 6)) == 0
    Company.objects.update(nudge_promises=True)
    assert remind_of_promises(at(THURSDAY, 7)) == 0


def test_a_machine_that_was_off_reminds_of_nothing_on_the_day_itself() -> None:
    line = line_of()
    promise(line)
    assert remind_of_promises(at(FRIDAY, 6)) == 0


def test_who_promised_today_for_tomorrow_gets_the_thanks_only() -> None:
    line = line_of()
    given = promise(line, due=MONDAY + timedelta(days=1))
    assert given.nudge_on is None


def test_a_hold_of_the_customer_stops_the_reminder_but_not_the_thanks() -> None:
    line = line_of()
    promise(line)
    line.call(CallOutcome.SAYS_PAID)
    assert len(send(MONDAY)) == 1
    remind_of_promises(at(THURSDAY, 6))
    assert send(THURSDAY) == []
    (nudge,) = messages(AttemptKind.PROMISE_NUDGE)
    assert nudge.reason == Reason.CUSTOMER_HOLD
