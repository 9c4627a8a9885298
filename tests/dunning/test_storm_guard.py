"""Unusually many messages at once wait for a person, whatever made them (D10, F-23, L2, L22)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from arfollow.staff.models import Company
from dunning import outbox as product
from dunning import runs
from dunning.dispatch import usual_day
from dunning.models import AttemptState, ContactAttempt, HeldFor, Run, RunStatus
from tests import make, outbox
from tests.make import TODAY
from tests.outbox import MORNING, SLOT, send_some

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_statements")]

DAY = timedelta(days=1)
CROWD = 5


def reminder(number: str) -> ContactAttempt:
    customer = make.customer(number)
    return outbox.queued(customer, make.invoice(customer, "40.00", outbox.late(10)))


def crowd(count: int = CROWD) -> None:
    """So many customers who are all late at once, as after an import; nothing planned yet."""
    for number in range(count):
        make.invoice(make.customer(f"S-{number}"), due=TODAY - 10 * DAY)


def run_at(moment: datetime) -> None:
    with clock.at(moment):
        runs.run(moment.date())


def history(sent: int, *, days: int = 5) -> None:
    """A run on each of the last days, and so many e-mails that left on it."""
    product.adopt_if_new()
    for number in range(1, days + 1):
        day = TODAY - number * DAY
        Run.objects.create(date=day, status=RunStatus.OK, planned={"email": sent})
        for serial in range(sent):
            customer = make.customer(f"H-{number}-{serial}")
            ContactAttempt.objects.create(
                customer=customer, channel="email", tone="friendly", automatic=True,
                planned_on=day, local_date=day, done_on=day, state=AttemptState.SENT,
                message_id=f"<{customer.number}@x>", dedupe_key=customer.number,
            )  # fmt: skip


def test_a_storm_is_held_until_somebody_confirms_it() -> None:
    outbox.company(storm_floor=3)
    for number in range(CROWD):
        reminder(f"C-{number}")
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.held, len(mail.outbox)) == (0, CROWD, 0)
    assert product.release_storm(actor=SYSTEM, now=SLOT) == CROWD
    assert send_some(now=SLOT).sent == CROWD


def test_the_usual_number_is_no_storm() -> None:
    company = outbox.company(storm_floor=3)
    history(sent=2)
    assert usual_day(company, SLOT) == 2
    for number in range(6):
        reminder(f"C-{number}")
    assert send_some(now=SLOT).sent == 6


def test_three_times_the_usual_day_and_one_more_is_a_storm() -> None:
    outbox.company(storm_floor=3)
    history(sent=2)
    for number in range(7):
        reminder(f"C-{number}")
    tally = send_some(now=SLOT)
    assert (tally.sent, tally.held) == (0, 7)


@pytest.mark.parametrize("days", [3, 4])
def test_f23_a_storm_that_was_planned_days_before_its_slot_is_still_one(days: int) -> None:
    """The first import of a new installation, after noon or on a Friday: yesterday's plan must
    not count as what is usual."""
    outbox.company(storm_floor=3)
    crowd()
    planned = SLOT - days * DAY + timedelta(hours=4)
    run_at(planned)
    for number in range(days + 1):
        send_some(now=SLOT + number * DAY)
    assert (len(mail.outbox), outbox.in_state(AttemptState.HELD)) == (0, CROWD)
    assert set(ContactAttempt.objects.values_list("held_for", flat=True)) >= {HeldFor.STORM}


def test_a_storm_that_waits_for_its_answer_does_not_let_the_next_one_pass() -> None:
    outbox.company(storm_floor=3)
    crowd()
    run_at(MORNING)
    send_some(now=SLOT)
    for number in range(CROWD):
        make.invoice(make.customer(f"T-{number}"), due=TODAY - 5 * DAY)
    run_at(MORNING + DAY)
    send_some(now=SLOT + DAY)
    assert (len(mail.outbox), outbox.in_state(AttemptState.HELD)) == (0, 2 * CROWD)


def test_a_storm_spread_over_the_zones_of_the_world_is_seen_before_its_first_message() -> None:
    """Ten o'clock comes at another hour everywhere: one in each hour is a storm as well."""
    outbox.company(storm_floor=3)
    zones = ("Pacific/Auckland", "Asia/Tokyo", "Europe/Berlin", "UTC", "America/Denver")
    for number, zone in enumerate(zones):
        customer = make.customer(f"Z-{number}", time_zone=zone)
        make.invoice(customer, due=TODAY - 5 * DAY)
    run_at(MORNING)
    for hour in range(24):
        send_some(now=MORNING + timedelta(hours=hour))
    assert (len(mail.outbox), outbox.in_state(AttemptState.HELD)) == (0, len(zones))


def test_a_storm_in_the_evening_of_a_western_firm_is_one_too() -> None:
    """Where it is tomorrow in UTC, today's own run is no day of the past."""
    company = outbox.company(storm_floor=3, time_zone="America/Los_Angeles")
    evening = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
    Run.objects.create(date=date(2026, 3, 2), status=RunStatus.OK, planned={"email": 90})
    assert usual_day(company, evening) == 0


def test_what_was_confirmed_and_left_is_part_of_what_is_usual() -> None:
    """Else a firm that grew would be asked every day for ever."""
    outbox.company(storm_floor=3)
    crowd()
    run_at(MORNING)
    send_some(now=SLOT)
    product.release_storm(actor=SYSTEM, now=SLOT)
    assert send_some(now=SLOT).sent == CROWD
    assert usual_day(Company.load(), SLOT + DAY) == CROWD


def test_l22_a_month_without_the_machine_makes_nothing_usual() -> None:
    history(sent=2)
    assert usual_day(outbox.company(), SLOT + 40 * DAY) == 0
