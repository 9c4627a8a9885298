"""What keeps a run from chasing: nobody to reach, old data, pauses, promises, quiet days."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine

from arfollow.shared.events import SYSTEM
from arfollow.staff.models import QuietPeriod
from dunning import outcomes
from dunning.models import (
    CustomerFollowUp,
    FollowUp,
    Task,
    TaskKind,
)
from dunning.outcomes import PromiseInput
from invoices.models import LedgerSource
from invoices.services import record_payment
from invoices.services.invoices import NewInstalment
from tests import make
from tests.dunning.mondays import MONDAY, late, plan_day, planned

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _early_on_monday() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 2, 5, 0, tzinfo=ZoneInfo("UTC")), tick=False):
        yield


def test_an_unreachable_customer_fails_closed_with_a_task_and_a_warning() -> None:
    make.invoice(make.customer(email=None, phone=None, address=False), due=late(5))
    report = plan_day()
    assert planned() == []
    assert Task.objects.get().kind == TaskKind.FIND_CONTACT
    assert report.warnings == ["1 open items belong to customers nobody can reach."]


def test_a_task_is_opened_once_however_often_the_cause_is_seen() -> None:
    make.invoice(make.customer(email=None, phone=None, address=False), due=late(5))
    for day in range(4):
        CustomerFollowUp.objects.update(projected_seq=-1)
        plan_day(MONDAY + timedelta(days=day))
    assert Task.objects.count() == 1


def test_stale_payment_data_holds_everybody_and_says_so() -> None:
    LedgerSource.objects.create(name="books", as_of=late(10))
    make.invoice(make.customer(), due=late(5))
    report = plan_day()
    assert planned() == []
    assert report.reasons == {"stale_data": 1}
    assert "too old" in report.warnings[0]


def test_fresh_payment_data_wakes_those_that_waited_for_it() -> None:
    source = LedgerSource.objects.create(name="books", as_of=late(10))
    make.invoice(make.customer(), due=late(5))
    plan_day()
    source.as_of = MONDAY
    source.save()
    assert plan_day(MONDAY + timedelta(days=1)).planned_by_channel()["email"] == 1


def test_a_pause_of_the_company_holds_everybody() -> None:
    company = make.company(paused=True)
    make.invoice(make.customer(), due=late(5))
    assert plan_day().reasons == {"paused": 1}
    company.paused = False
    company.save()
    assert plan_day(MONDAY + timedelta(days=1)).planned_by_channel()["email"] == 1


def test_a_promise_stops_the_run_and_breaks_in_time() -> None:
    customer = make.customer()
    make.invoice(customer, due=late(5))
    given = PromiseInput(due_on=MONDAY + timedelta(days=7))
    outcomes.add_promise(customer.pk, given, actor=SYSTEM, today=MONDAY)
    assert plan_day().reasons == {"promised": 1}
    after = MONDAY + timedelta(days=10)
    outcomes.settle_promises(after)
    report = plan_day(after)
    assert report.reasons == {"promise_broken": 1}
    call = planned()[0]
    assert (call.channel, call.kind, call.exempt) == ("call", "promise_follow_up", True)
    assert call.promise_id is not None


def test_l25_only_the_late_instalment_is_chased() -> None:
    customer = make.customer()
    make.invoice(
        customer,
        "300.00",
        due=late(-25),
        issued=late(40),
        instalments=[
            NewInstalment(late(5), Decimal("100.00")),
            NewInstalment(late(-25), Decimal("200.00")),
        ],
    )
    plan_day()
    lines = planned()[0].items.order_by("instalment_no")
    assert [(i.instalment_no, i.part, i.amount) for i in lines] == [
        (1, "please_pay", Decimal("100.00")),
        (2, "not_yet_due", Decimal("200.00")),
    ]


def test_l06_unapplied_cash_makes_the_net_amount_the_total() -> None:
    customer = make.customer()
    make.invoice(customer, "300.00", due=late(5))
    record_payment(
        customer.pk,
        actor=SYSTEM,
        received_on=late(10),
        currency="USD",
        amount=Decimal("120.00"),
        allocate=[],
    )
    plan_day()
    amounts = planned()[0].items.order_by("pk").values_list("amount", flat=True)
    assert list(amounts) == [Decimal("300.00"), Decimal("-120.00")]


def test_a_quiet_period_of_ours_sends_nothing() -> None:
    QuietPeriod.objects.create(starts_on=late(1), ends_on=late(-3), label="closed")
    make.invoice(make.customer(), due=late(5))
    plan_day()
    assert planned() == []
    assert FollowUp.objects.get().next_on == MONDAY + timedelta(days=4)


def test_where_every_day_is_open_a_saturday_is_too() -> None:
    make.company(send_every_day=True)
    make.invoice(make.customer(), due=late(0))
    saturday = MONDAY + timedelta(days=5)
    assert plan_day(saturday).planned_by_channel()["email"] == 1
