"""What all customers share has changed: every stored next day is looked at again, once."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from arfollow.shared import clock
from arfollow.staff.models import Company, QuietPeriod
from customers.models import Customer
from dunning import runs, tasks
from dunning.models import ContactAttempt, Enrolment, FollowUp, Policy
from dunning.models.stored import plain_policies, store_version
from dunning.runs.select import customers_to_examine
from tests import make

pytestmark = pytest.mark.django_db

SATURDAY = date(2026, 3, 7)


@pytest.fixture(autouse=True)
def _on_saturday() -> Iterator[None]:
    with clock.at(datetime(2026, 3, 7, 6, tzinfo=UTC)):
        yield


@pytest.fixture
def waiting() -> Customer:
    """Its step is due today, a Saturday: stored for Monday."""
    make.company()
    customer = make.customer(country="US")
    make.invoice(customer, due=SATURDAY - timedelta(days=3))
    runs.run(SATURDAY)
    assert FollowUp.objects.get().next_on == SATURDAY + timedelta(days=2)
    assert customers_to_examine(SATURDAY) == []
    return customer


def company(**fields: object) -> None:
    Company.objects.update(**fields)


def a_new_version() -> None:
    policy = Policy.objects.get(key="p2")
    plain = plain_policies()[policy.versions.get(current=True).pk]
    store_version(policy, plain)


CHANGES: dict[str, Callable[[], object]] = {
    "a quiet period": lambda: QuietPeriod.objects.create(
        starts_on=SATURDAY, ends_on=SATURDAY + timedelta(days=9), label="move"
    ),
    "send every day": lambda: company(send_every_day=True),
    "our country": lambda: company(country="DE"),
    "our region": lambda: company(region="CA"),
    "the minimum amount": lambda: company(minimum_amount=500),
    "the tolerance": lambda: company(tolerance=200),
    "the grace of promises": lambda: company(promise_grace_days=5),
    "the weekly cap": lambda: company(weekly_cap=1),
    "a policy's new version": a_new_version,
    "another default policy": lambda: Enrolment.objects.filter(customer=None, invoice=None).update(
        policy=Policy.objects.get(key="p1")
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_what_all_share_wakes_everybody_once(waiting: Customer, what: str) -> None:
    CHANGES[what]()
    assert runs.wake_after_changes()
    assert customers_to_examine(SATURDAY) == [waiting.pk]
    runs.run(SATURDAY)
    assert not runs.wake_after_changes()
    assert customers_to_examine(SATURDAY) == []


def test_nothing_changed_wakes_nobody(waiting: Customer) -> None:
    assert not runs.wake_after_changes()
    company(paused=True, name="Another name", freshness_days=9)
    assert not runs.wake_after_changes()


def test_a_quiet_period_moves_the_stored_day(waiting: Customer) -> None:
    CHANGES["a quiet period"]()
    runs.run(SATURDAY)
    assert FollowUp.objects.get().next_on == date(2026, 3, 17)


def test_sending_every_day_plans_on_the_same_saturday(waiting: Customer) -> None:
    CHANGES["send every day"]()
    runs.run(SATURDAY)
    assert ContactAttempt.objects.filter(planned_on=SATURDAY, state="planned").count() == 1


def test_a_quiet_period_taken_back_brings_the_day_back(waiting: Customer) -> None:
    before = FollowUp.objects.get().next_on
    CHANGES["a quiet period"]()
    runs.run(SATURDAY)
    QuietPeriod.objects.all().delete()
    runs.run(SATURDAY)
    assert FollowUp.objects.get().next_on == before


def test_a_change_in_the_middle_of_a_run_is_not_lost(
    waiting: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run decided under the old rules; the next one looks at everybody again."""
    runs.run(SATURDAY)
    real = runs.planning._page

    def page(ids: list[int], work: object) -> None:
        real(ids, work)
        company(send_every_day=True)

    monkeypatch.setattr(runs.planning, "_page", page)
    make.payment(waiting, "1.00", SATURDAY)
    runs.run(SATURDAY)
    monkeypatch.undo()
    assert runs.wake_after_changes()
    assert customers_to_examine(SATURDAY) == [waiting.pk]


def test_a_dry_run_leaves_no_trace_of_having_looked(waiting: Customer) -> None:
    CHANGES["send every day"]()
    runs.run(SATURDAY, dry_run=True)
    assert runs.wake_after_changes()


def test_a_clock_that_was_set_back_wakes_everybody_once():
    """F-49: on Saturday, which had not come yet, the step was stored for Monday; it is Friday."""
    make.company()
    make.invoice(make.customer(country="US"), due=SATURDAY - timedelta(days=4))
    friday = SATURDAY - timedelta(days=1)
    tasks.plan_due()
    assert FollowUp.objects.get().next_on == SATURDAY + timedelta(days=2)
    with clock.at(datetime(2026, 3, 6, 6, tzinfo=UTC)):
        tasks.plan_due()
        assert ContactAttempt.objects.get(state="planned").planned_on == friday
        assert not runs.wake_after_changes()


def test_two_machines_some_minutes_apart_wake_nobody():
    runs.wake_after_changes()
    for minutes in (-4, 5, -5, 4):
        with clock.at(datetime(2026, 3, 7, 6, tzinfo=UTC) + timedelta(minutes=minutes)):
            assert not runs.wake_after_changes()
