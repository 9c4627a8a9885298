"""The dashboard: where the money stands, what waits for people, what the last run did."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM
from customers.services import update_customer
from dunning.briefing import ledger_totals, promised_this_week
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Promise,
    PromiseStatus,
    Run,
    RunStatus,
    Tone,
)
from dunning.views.work import duties
from tests import make
from tests.pages.conftest import member

TODAY = clock.today()


@pytest.fixture
def reader(client: Client, db: None) -> Client:
    client.force_login(member("read_only"))
    return client


def attempt(**fields: object) -> ContactAttempt:
    values: dict[str, object] = {
        "channel": Channel.EMAIL,
        "tone": Tone.FRIENDLY,
        "planned_on": TODAY,
        "local_date": TODAY,
        "dedupe_key": f"key {ContactAttempt.objects.count()}",
    }
    return ContactAttempt.objects.create(**values | fields)


def duty(label: str) -> int:
    return {each.label: each.count for each in duties(TODAY, "UTC")}.get(label, 0)


@pytest.mark.django_db
def test_totals_are_told_for_each_currency_the_most_overdue_first() -> None:
    maine, lyon = make.customer(), make.customer(currency="EUR")
    make.invoice(maine, "100.00", due=TODAY - timedelta(days=1))
    make.invoice(lyon, "900.00", due=TODAY - timedelta(days=100))
    make.invoice(lyon, "50.00", due=TODAY)
    first, second = ledger_totals(TODAY)
    assert (first.currency, first.open, first.overdue) == ("EUR", Decimal(950), Decimal(900))
    assert first.over_90 == Decimal(900)
    assert (second.currency, second.overdue_customers) == ("USD", 1)


@pytest.mark.django_db
def test_the_bars_of_the_ageing_add_up_to_what_is_open() -> None:
    customer = make.customer()
    for late in (-5, 0, 1, 30, 31, 60, 61, 90, 91, 120, 121, 400):
        make.invoice(customer, "10.00", due=TODAY - timedelta(days=late))
    (totals,) = ledger_totals(TODAY)
    assert [amount for _, amount in totals.buckets] == [Decimal(20)] * 6
    assert sum(amount for _, amount in totals.buckets) == totals.open


@pytest.mark.django_db
def test_what_is_in_query_and_what_is_unapplied_stand_beside_the_total() -> None:
    customer = make.customer()
    make.invoice(customer, "100.00", due=TODAY, disputed="40.00")
    make.credit_note(customer, "25.00", TODAY)
    (totals,) = ledger_totals(TODAY)
    assert (totals.disputed, totals.unapplied) == (Decimal(40), Decimal(25))


@pytest.mark.django_db
def test_promises_of_this_week_end_on_sunday() -> None:
    customer = make.customer()
    sunday = TODAY + timedelta(days=6 - TODAY.weekday())
    for day in (TODAY, sunday, sunday + timedelta(days=1)):
        Promise.objects.create(
            customer=customer, made_on=TODAY, due_on=day, currency="USD", amount="10.00"
        )
    assert promised_this_week(TODAY) == {"USD": (2, Decimal(20))}


@pytest.mark.django_db
def test_steps_that_wait_for_approval_are_counted() -> None:
    customer = make.customer()
    attempt(customer=customer, state=AttemptState.HELD, held_for=HeldFor.APPROVAL, tone="final")
    assert duty("Approvals") == 1


@pytest.mark.django_db
def test_messages_that_leave_by_themselves_are_counted_apart_from_work() -> None:
    attempt(customer=make.customer())
    assert duty("E-mails that leave by themselves") == 1


@pytest.mark.django_db
def test_messages_held_by_a_pause_are_shown_with_the_cause() -> None:
    attempt(customer=make.customer(), state=AttemptState.HELD, held_for=HeldFor.STALE)
    assert duty("Messages held: fresh payment data") == 1


@pytest.mark.django_db
def test_calls_that_nobody_made_are_shown_for_a_week() -> None:
    customer = make.customer()
    for days in (1, 7, 8):
        attempt(
            customer=customer,
            channel=Channel.CALL,
            state=AttemptState.SKIPPED,
            reason="not_made",
            planned_on=TODAY - timedelta(days=days),
        )
    assert duty("Calls not made in the last week") == 2


@pytest.mark.django_db
def test_a_broken_promise_is_shown_for_a_week() -> None:
    customer = make.customer()
    for days in (3, 9):
        Promise.objects.create(
            customer=customer,
            made_on=TODAY - timedelta(days=20),
            due_on=TODAY - timedelta(days=days + 1),
            currency="USD",
            amount="10.00",
            status=PromiseStatus.BROKEN,
            settled_on=TODAY - timedelta(days=days),
        )
    assert duty("Promises broken in the last week") == 1


@pytest.mark.django_db
def test_overdue_customers_without_an_owner_are_counted_once_each() -> None:
    nobody, owned, paid_up = (make.customer() for _ in range(3))
    update_customer(owned.pk, {"owner": member("collector")}, actor=SYSTEM)
    for customer in (nobody, nobody, owned):
        make.invoice(customer, due=TODAY - timedelta(days=3))
    make.invoice(paid_up, due=TODAY + timedelta(days=3))
    assert duty("Overdue customers without an owner") == 1


def test_an_empty_ledger_says_what_comes_next(reader: Client) -> None:
    text = reader.get("/").content.decode()
    assert "Nothing is open" in text
    assert "There was no run yet." in text


def test_the_last_run_tells_its_warnings_and_reasons(reader: Client) -> None:
    Run.objects.create(
        date=TODAY,
        status=RunStatus.WARNING,
        examined=312,
        customers=60,
        planned={"email": 12, "letter": 0},
        reasons={"pause": 55, "disputed": 12},
        warnings=["Customer C-1054 could not be decided."],
    )
    text = reader.get("/").content.decode()
    for words in (
        "Done with warnings",
        "312 open items",
        "E-mail 12, for 60 customers",
        "Customer C-1054 could not be decided.",
        "The pause after the last step is still running.",
    ):
        assert words in text
    assert "Letter 0" not in text


def test_the_queries_do_not_grow_with_the_ledger(reader: Client) -> None:
    def cost(customers: int) -> int:
        for _ in range(customers):
            make.invoice(make.customer(), due=TODAY - timedelta(days=9))
        with CaptureQueriesContext(connection) as queries:
            reader.get("/")
        return len(queries)

    reader.get("/")
    assert cost(1) == cost(9)


def test_the_dashboard_has_no_accessibility_violation(look_at: Callable[..., None]) -> None:
    make.invoice(make.customer(), due=TODAY - timedelta(days=9))
    make.invoice(make.customer(currency="EUR"), due=TODAY - timedelta(days=99))
    look_at("/")
