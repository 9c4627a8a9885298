"""No beat for five days, two beats at once, a clock that jumps: one step an item, one message a
customer and day, no burst (D5, F-20, F-21, F-23, F-49, L1, L2, L3, L22)."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.core import mail

from arfollow.shared.events import SYSTEM
from arfollow.shared.workdays import Calendar
from dunning import outbox as product
from dunning.models import AttemptItem, AttemptState, ContactAttempt, HeldFor
from tests import make, outbox
from tests.stories.beat import broken_promises, live, mails

# Services at work together; their own tests ask both databases: once is enough here.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.sqlite,
    pytest.mark.usefixtures("plain_statements"),
]

MONDAY, DAY = make.TODAY, timedelta(days=1)
DOWN = (MONDAY + 2 * DAY, MONDAY + 6 * DAY)  # Wednesday to Sunday
BACK = MONDAY + 7 * DAY
CUSTOMERS = 2
LATE = (1, 2, 8, 15, 40)  # before the outage: steps d3, d10, d17, d30 and d45 come near


def world(**company: object) -> None:
    """Some customers, each with an item before every step of the ladder."""
    outbox.company(**company)
    for number in range(CUSTOMERS):
        customer = make.customer(f"C-{number}")
        for days in LATE:
            make.invoice(customer, "100.00", due=MONDAY - days * DAY)


def days(first: date, last: date) -> list[datetime]:
    """Two ticks on each working day: the run at six, the messages at ten."""
    wanted = [first + number * DAY for number in range((last - first).days + 1)]
    working = [day for day in wanted if day.weekday() < 5]
    return [
        datetime(d.year, d.month, d.day, hour, 5, tzinfo=UTC) for d in working for hour in (6, 10)
    ]


def steps_taken() -> Counter[tuple[str, int, date]]:
    """How many steps each item took on each day, whatever became of them but a skip."""
    rows = AttemptItem.objects.filter(completes=True, attempt__customer_facing=True)
    rows = rows.exclude(attempt__state=AttemptState.SKIPPED)
    keys = rows.values_list(
        "invoice__customer__number", "invoice", "attempt__planned_on", "step_key"
    )
    return Counter((customer, invoice, on) for customer, invoice, on, _ in set(keys))


def messages_a_day() -> Counter[tuple[int, date]]:
    return Counter((row.customer_id, row.local_date) for row in mails())


def contacts() -> dict[int, list[date]]:
    """The days of our contacts with each customer."""
    found: dict[int, set[date]] = {}
    for row in ContactAttempt.objects.filter(customer_facing=True).exclude(
        state=AttemptState.SKIPPED
    ):
        found.setdefault(row.customer_id, set()).add(row.planned_on)
    return {customer: sorted(rows) for customer, rows in found.items()}


def test_f21_five_days_without_a_beat_bring_one_step_an_item_and_one_message_a_customer() -> None:
    world()
    live(days(MONDAY, DOWN[0] - DAY))
    before = len(mail.outbox)
    live(days(BACK, BACK))
    assert 0 < len(mail.outbox) - before <= CUSTOMERS
    assert max(steps_taken().values()) == 1
    live(days(BACK + DAY, BACK + 14 * DAY))
    assert max(messages_a_day().values()) == 1
    assert max(steps_taken().values()) == 1
    for dates in contacts().values():  # L22: the pauses are as long as ever
        assert len(dates) >= 3
        assert all(later >= Calendar("US").add(one, 5) for one, later in pairwise(dates))
    assert broken_promises(outbox.SLOT) == []


def test_l02_the_step_after_the_outage_is_the_first_that_was_not_done() -> None:
    """One item alone: what was missed is not passed over, and says since when it is due."""
    outbox.company()
    invoice = make.invoice(make.customer("C-1"), due=MONDAY - DAY)
    live(days(MONDAY, DOWN[0] - DAY))
    assert mail.outbox == []
    live(days(BACK, BACK))
    [sent] = mails()
    assert (sent.step_key, sent.reason, sent.lead_invoice_id) == ("d3", "caught_up", invoice.pk)
    assert "due since" in sent.reason_text
    assert [item.days_late for item in sent.items.all()] == [8]


def test_f23_after_the_outage_more_than_the_threshold_waits_for_a_person() -> None:
    world(storm_floor=CUSTOMERS - 1)
    live(days(BACK, BACK))
    assert mail.outbox == []
    held = ContactAttempt.objects.filter(held_for=HeldFor.STORM)
    assert held.count() == CUSTOMERS
    product.release_storm(actor=SYSTEM, now=days(BACK, BACK)[1])
    live(days(BACK, BACK)[1:])
    assert len(mail.outbox) == CUSTOMERS
    assert max(messages_a_day().values()) == 1


def story(*, planners: int = 1, jumps: Sequence[int] = ()) -> list[tuple[date, str, str]]:
    """What six working days did; after the third day the clock makes these jumps, in days."""
    world()
    here = MONDAY + 3 * DAY
    live(days(MONDAY, here - DAY), planners=planners)
    for jump in jumps:
        live(days(here + jump * DAY, here + jump * DAY), planners=planners)
    live(days(here, MONDAY + 7 * DAY), planners=planners)
    rows = ContactAttempt.objects.filter(customer_facing=True, state=AttemptState.SENT)
    return sorted((row.customer.number, row.step_key, f"{row.local_date}") for row in rows)


def as_usual() -> list[tuple[str, str, str]]:
    """With one beat and a clock that goes right."""
    numbers = [f"C-{number}" for number in range(CUSTOMERS)]
    return [(number, step, on) for number in numbers for step, on in USUAL]


USUAL = [("d3", "2026-03-02"), ("d3", "2026-03-09")]


@pytest.mark.parametrize("planners", [1, 3])
def test_f20_any_number_of_beats_gives_the_same_messages(planners: int) -> None:
    assert story(planners=planners) == as_usual()


@pytest.mark.parametrize("jumps", [(-1, 0, -1)])
def test_f49_a_clock_that_goes_back_repeats_nothing(jumps: tuple[int, ...]) -> None:
    """The firm's own clock, planner and senders alike, shows a day that was already."""
    assert story(jumps=jumps) == as_usual()


@pytest.mark.parametrize("jumps", [(1, 4, 0)])
def test_f49_a_clock_that_goes_ahead_and_back_doubles_nothing(jumps: tuple[int, ...]) -> None:
    """What came early by that clock has come: it does not come again on its own day."""
    told = story(jumps=jumps)
    assert sorted((number, step) for number, step, _ in told) == sorted(
        (number, step) for number, step, _ in as_usual()
    )
    assert max(messages_a_day().values()) == 1
    assert max(steps_taken().values()) == 1
