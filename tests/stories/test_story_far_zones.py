"""Our house and the customer on two sides of the date line: the customer's date decides (F-49).

Kiritimati is fourteen hours ahead of Greenwich, Pago Pago eleven behind: never the same date.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail

from dunning.models import AttemptState, ContactAttempt
from tests import make, outbox
from tests.stories.beat import Left, broken_promises, hours, live, local, mails, walls

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]

KIRITIMATI, PAGO_PAGO = "Pacific/Kiritimati", "Pacific/Pago_Pago"
BOTH_WAYS = [(KIRITIMATI, PAGO_PAGO), (PAGO_PAGO, KIRITIMATI)]
DAY = timedelta(days=1)
MONDAY, FRIDAY = make.TODAY, make.TODAY + 4 * DAY


def ours_and_theirs(ours: str, theirs: str, due: date) -> None:
    """One invoice of a customer over there."""
    outbox.company(time_zone=ours)
    make.invoice(make.customer("C-1", time_zone=theirs), due=due)


def weeks(first: date, days: int, ours: str) -> list[Left]:
    """The beat every six hours: once a day that lies in their window, after the slot."""
    start = local(first, 0, ours).astimezone(UTC)
    return live(hours(start, days * 4, minutes=360))


@pytest.mark.parametrize(("ours", "theirs"), BOTH_WAYS)
def test_the_message_leaves_in_the_customers_window_on_the_customers_day(
    ours: str, theirs: str
) -> None:
    """Three days late by neither calendar before it leaves, and on no weekend of theirs."""
    ours_and_theirs(ours, theirs, due=MONDAY)
    left = weeks(MONDAY + 2 * DAY, 3, ours)
    assert len(left) == 1
    [sent] = mails()
    there = datetime.fromisoformat(walls(left, theirs)[0])
    assert sent.local_date == sent.done_on == there.date()
    assert there.date().weekday() < 5
    assert 10 <= there.hour < 16
    late = (there.date() - MONDAY).days
    assert late >= 3
    assert [item.days_late for item in sent.items.all()] == [late]
    assert broken_promises(left[0].at) == []


@pytest.mark.parametrize(("ours", "theirs"), BOTH_WAYS)
def test_their_weekend_is_theirs(ours: str, theirs: str) -> None:
    """Due for its step on a Friday of ours that is a Thursday or a Saturday over there."""
    ours_and_theirs(ours, theirs, due=FRIDAY - 3 * DAY)
    left = weeks(FRIDAY, 3, ours)
    assert len(left) == 1
    [sent] = mails()
    shown = datetime.fromisoformat(walls(left, theirs)[0])
    assert shown.date() == sent.local_date
    assert sent.local_date in (FRIDAY, FRIDAY + 3 * DAY)


@pytest.mark.parametrize(("ours", "theirs"), BOTH_WAYS)
def test_the_cap_of_a_day_is_counted_by_the_customers_date(ours: str, theirs: str) -> None:
    """Two messages whose planning days differ by ours and are one by theirs, and the other way."""
    outbox.company(time_zone=ours)
    customer = make.customer("C-1", time_zone=theirs)
    first, second = (make.invoice(customer, due=outbox.late(days)) for days in (20, 12))
    early = local(MONDAY + DAY, 6, theirs).astimezone(UTC)
    for number, invoice in enumerate((first, second)):
        planned_on = MONDAY + number * DAY
        outbox.queued(customer, invoice, now=early, planned_on=planned_on, step=f"step-{number}")
    left = live(hours(early, 7, minutes=360))
    days = [wall.split()[0] for wall in walls(left, theirs)]
    assert days == [f"{MONDAY + DAY}", f"{MONDAY + 2 * DAY}"]


@pytest.mark.parametrize(("ours", "theirs"), BOTH_WAYS)
def test_a_courtesy_never_reaches_somebody_for_whom_it_is_overdue_already(
    ours: str, theirs: str
) -> None:
    """Before the due date by our calendar, after it by theirs."""
    outbox.company(time_zone=ours)
    customer = make.customer("C-1", time_zone=theirs)
    invoice = make.invoice(customer, due=MONDAY)
    attempt = outbox.queued(customer, invoice, tone="courtesy", now=outbox.MORNING - DAY)
    slot = local(MONDAY + DAY, 10, theirs)  # the day after the due date, over there
    ContactAttempt.objects.filter(pk=attempt.pk).update(due_at=slot, local_date=slot.date())
    live([slot])
    assert mail.outbox == []
    assert outbox.again(attempt).reason == "lapsed"
    assert outbox.state(attempt) == AttemptState.CANCELLED


@pytest.mark.parametrize("zone", [KIRITIMATI, PAGO_PAGO])
def test_an_accepted_message_counts_as_made_by_the_customers_days(zone: str) -> None:
    """Three business days after Tuesday is Friday, wherever it is Friday already (rule 6)."""
    outbox.company()
    customer = make.customer("C-1", time_zone=zone)
    tuesday = MONDAY + DAY
    attempt = outbox.queued(
        customer, make.invoice(customer, due=outbox.late(9)),
        now=local(tuesday, 6, zone).astimezone(UTC), planned_on=tuesday,
    )  # fmt: skip
    live([local(tuesday, 10, zone), local(FRIDAY - DAY, 22, zone)])
    assert outbox.again(attempt).reached_on is None
    live([local(FRIDAY, 21, zone)])
    assert outbox.again(attempt).reached_on == FRIDAY
