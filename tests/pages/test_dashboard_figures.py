"""The dashboard's figures: each by its formula, all of them tied to ``manage.py aging``."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from arfollow.shared import clock
from arfollow.shared.events import SYSTEM, Actor
from arfollow.shared.money import format_amount
from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company, User
from customers.models import Customer
from customers.services import update_customer
from dunning import briefing
from dunning.briefing.changes import changes_since
from dunning.briefing.forecast import expected_weeks
from dunning.briefing.money import sales_by_month, standings
from dunning.briefing.sending import next_slot, stops
from dunning.briefing.team import NOBODY, calls_due, team
from dunning.briefing.top import largest
from dunning.demo import company
from dunning.demo.book import Book, moment
from dunning.demo.script import write
from dunning.models import (
    CallOutcome,
    CallRecord,
    Channel,
    ContactAttempt,
    ContactLevel,
    HeldFor,
    Promise,
    PromiseItem,
    PromiseStatus,
    Tone,
)
from dunning.outbox import switches
from invoices.models import Instalment, Invoice, Payment
from invoices.queries import usual_lateness
from invoices.services import record_payment
from tests import make
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db

TODAY = make.TODAY
NOON = datetime.combine(TODAY, time(12), UTC)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.fixture
def maine() -> Customer:
    return make.customer(name="Ashdown Joinery")


# --- tied to ageing -------------------------------------------------------------------------


@pytest.fixture
def demo_ledger() -> date:
    """Twelve firms of the demo in three currencies, posted as they happened, to our today."""
    book = Book(company.set_up("pass word"))
    today = clock.today(Company.load().time_zone)
    script = write(12, 120, 7, today)
    with clock.at(moment(script.first_day, 8)):
        book.open_accounts(script)
    for each in script.happenings:
        with clock.at(moment(each.on, 9)):
            book.post([each])
    return today


def test_the_dashboard_ties_to_the_ageing_to_the_cent(client: Client, demo_ledger: date) -> None:
    out = StringIO()
    call_command("aging", as_json=True, stdout=out)
    told = json.loads(out.getvalue())["currencies"]
    found = {one.currency: one.totals for one in standings(demo_ledger)}
    assert len(found) > 1
    assert set(found) == {code for code, one in told.items() if one["open_invoices"]}
    client.force_login(member("read_only"))
    for code, totals in found.items():
        ageing = told[code]
        assert f"{totals.open:.2f}" == ageing["open"]
        assert f"{totals.overdue:.2f}" == ageing["overdue"]
        assert totals.overdue_customers == ageing["overdue_customers"]
        buckets = [f"{amount:.2f}" for _, amount in totals.buckets]
        assert buckets == [each["amount"] for each in ageing["buckets"].values()]
        unapplied = Decimal(ageing["credits"]) + Decimal(ageing["unapplied"])
        assert totals.unapplied == unapplied
        page = client.get(f"/?currency={code}").content.decode()
        for amount in (ageing["open"], ageing["overdue"], *buckets):
            assert format_amount(Decimal(amount), code) in page
        assert largest(code, demo_ledger, totals.overdue).overdue <= totals.overdue
        assert len(page.encode()) < 200_000


# --- collected, DSO -------------------------------------------------------------------------


def test_collected_this_month_counts_from_the_first_and_leaves_reversed_out(
    maine: Customer,
) -> None:
    make.invoice(maine, "900.00", ago(1))
    first = TODAY.replace(day=1)
    make.payment(maine, "10.00", first)
    make.payment(maine, "20.00", TODAY)
    make.payment(maine, "40.00", first - timedelta(days=1))
    gone = make.payment(maine, "80.00", TODAY)
    Payment.objects.filter(pk=gone.pk).update(reversed_on=TODAY)
    (standing,) = standings(TODAY)
    assert (standing.collected, standing.payments) == (Decimal(30), 2)


def test_months_of_sales_go_back_a_year_and_this_one_has_its_days_so_far() -> None:
    today = date(2026, 3, 2)
    sold = {today: Decimal(5), date(2026, 2, 28): Decimal(7), date(2025, 3, 31): Decimal(9)}
    months = sales_by_month(sold, today)
    assert [(months[0].amount, months[0].days), (months[1].amount, months[1].days)] == [
        (Decimal(5), 2), (Decimal(7), 28),
    ]  # fmt: skip
    assert len(months) == 12
    assert sum(month.amount for month in months) == Decimal(12)


def test_dso_is_counted_back_from_what_is_open(maine: Customer) -> None:
    """Open 300: all of this month's 100 (2 days), and 200 of February's 400 (half of 28)."""
    make.invoice(maine, "100.00", TODAY + timedelta(days=20), issued=TODAY)
    make.invoice(maine, "200.00", ago(1), issued=date(2026, 2, 10))
    paid = make.invoice(maine, "200.00", ago(1), issued=date(2026, 2, 11))
    make.payment(maine, "200.00", TODAY, paid)
    (standing,) = standings(TODAY)
    assert standing.dso == Decimal("16.0")


def test_best_possible_dso_counts_only_what_is_not_due(maine: Customer) -> None:
    """100 not due, 500 invoiced in 90 days: 100 / 500 × 90."""
    make.invoice(maine, "100.00", TODAY, issued=ago(20))
    make.invoice(maine, "400.00", ago(1), issued=ago(89))
    make.invoice(maine, "999.00", ago(1), issued=ago(90))
    (standing,) = standings(TODAY)
    assert standing.best_dso == Decimal("18.00")


def test_dso_is_unknown_where_nothing_was_invoiced_for_a_year(maine: Customer) -> None:
    make.invoice(maine, "100.00", ago(500), issued=ago(530))
    (standing,) = standings(TODAY)
    assert (standing.dso, standing.days_lost) == (None, None)


# --- expected cash --------------------------------------------------------------------------


def weeks(currency: str = "USD") -> dict[date, tuple[Decimal, Decimal]]:
    found = expected_weeks(TODAY, currency)
    return {w.start: (w.promised, w.predicted) for w in found if w.promised or w.predicted}


def promise(customer: Customer, amount: int, due: date, *invoices: Invoice) -> Promise:
    row = Promise.objects.create(
        customer=customer, made_on=TODAY, due_on=due, currency="USD", amount=amount
    )
    for invoice in invoices:
        PromiseItem.objects.create(promise=row, invoice=invoice, open_then=amount)
    return row


def test_customers_pay_as_late_as_they_usually_do(maine: Customer) -> None:
    paid = make.invoice(maine, "100.00", ago(50))
    make.payment(maine, "100.00", ago(40), paid)
    make.invoice(maine, "70.00", TODAY + timedelta(days=7))
    assert usual_lateness(TODAY) == {maine.pk: 10}
    assert weeks() == {TODAY + timedelta(days=14): (Decimal(0), Decimal(70))}


def test_lateness_is_weighed_by_amount(maine: Customer) -> None:
    for amount, late in (("300.00", 0), ("100.00", 40)):
        paid = make.invoice(maine, amount, ago(60))
        make.payment(maine, amount, ago(60 - late), paid)
    assert usual_lateness(TODAY) == {maine.pk: 10}


def test_a_promised_invoice_is_expected_once_and_on_its_day(maine: Customer) -> None:
    bill = make.invoice(maine, "100.00", ago(3))
    promise(maine, 60, TODAY + timedelta(days=8), bill)
    assert weeks() == {TODAY + timedelta(days=7): (Decimal(60), Decimal(0))}


def test_what_is_in_query_is_not_expected(maine: Customer) -> None:
    make.invoice(maine, "100.00", TODAY, disputed="30.00")
    make.invoice(maine, "50.00", TODAY, disputed="50.00")
    assert weeks() == {TODAY: (Decimal(0), Decimal(70))}


def test_each_instalment_is_expected_on_its_own_date(maine: Customer) -> None:
    bill = make.invoice(maine, "100.00", TODAY)
    for number, days in ((1, 0), (2, 21)):
        due = TODAY + timedelta(days=days)
        Instalment.objects.create(
            invoice=bill, number=number, due_date=due, amount=50, open_amount=50
        )
    half = (Decimal(0), Decimal(50))
    assert weeks() == {TODAY: half, TODAY + timedelta(days=21): half}


def test_another_currency_is_not_mixed_in(maine: Customer) -> None:
    make.invoice(maine, "100.00", TODAY)
    assert weeks("EUR") == {}


def test_history_is_read_again_only_after_something_new(
    maine: Customer, django_assert_num_queries: Callable[..., AbstractContextManager[object]]
) -> None:
    """Three look for something new, one asks the cache."""
    bill = make.invoice(maine, "100.00", TODAY)
    assert weeks() == {TODAY: (Decimal(0), Decimal(100))}
    with django_assert_num_queries(5):
        weeks()
    make.payment(maine, "40.00", TODAY, bill)
    assert weeks() == {TODAY: (Decimal(0), Decimal(60))}


# --- since our last business day ------------------------------------------------------------


def changed(since: date) -> dict[str, tuple[int, dict[str, Decimal]]]:
    found = changes_since(since, TODAY, zone="UTC")
    return {change.key: (change.count, change.amounts) for change in found if change.count}


def test_a_monday_tells_of_the_weekend_too() -> None:
    """What fell due from Thursday on became overdue since Friday."""
    customer = make.customer()
    for days in (0, 1, 4, 5):
        make.invoice(customer, "10.00", ago(days))
    found = briefing.read(Company.load(), today=TODAY, now=NOON)
    assert found.since == date(2026, 2, 27)
    assert changed(found.since)["overdue"] == (2, {"USD": Decimal(20)})


def test_payments_count_by_the_day_they_were_booked(maine: Customer) -> None:
    make.invoice(maine, "900.00", ago(1))
    for booked, value_date in ((0, 10), (9, 9)):
        with clock.at(NOON - timedelta(days=booked)):
            make.payment(maine, "25.00", ago(value_date))
    assert changed(ago(3))["paid"] == (1, {"USD": Decimal(25)})


def test_promises_and_disputes_are_told_with_their_amounts(maine: Customer) -> None:
    bill = make.invoice(maine, "100.00", ago(30))
    promise(maine, 40, TODAY, bill)
    broken = promise(maine, 60, TODAY)
    Promise.objects.filter(pk=broken.pk).update(
        status=PromiseStatus.BROKEN, made_on=ago(20), settled_on=TODAY
    )
    make.dispute(bill, "15.00", on=TODAY)
    found = changed(ago(3))
    assert found["promised"] == (1, {"USD": Decimal(40)})
    assert found["broken"] == (1, {"USD": Decimal(60)})
    assert found["disputed"] == (1, {"USD": Decimal(15)})


@pytest.mark.parametrize(
    ("channel", "fields", "key"),
    [
        ("email", {}, "sent-email"),
        ("letter", {}, "sent-letter"),
        ("email", {"customer_facing": False}, ""),
        ("email", {"sent_at": NOON - timedelta(days=4)}, ""),
    ],
)
def test_messages_to_customers_count_when_they_left(
    maine: Customer, channel: str, fields: dict[str, object], key: str
) -> None:
    contact(maine, channel, "sent", **({"sent_at": NOON, "message_id": "<a@b.c>"} | fields))
    assert [name for name in changed(ago(3)) if name.startswith("sent")] == ([key] if key else [])


def contact(customer: Customer, channel: str, state: str, **fields: object) -> ContactAttempt:
    values: dict[str, object] = {
        "customer": customer,
        "channel": Channel(channel),
        "state": state,
        "tone": Tone.FIRM,
        "planned_on": TODAY,
        "local_date": TODAY,
        "dedupe_key": f"key {ContactAttempt.objects.count()}",
    }
    if state == "sent":
        values["done_on"] = TODAY
    return ContactAttempt.objects.create(**values | fields)


# --- the largest ----------------------------------------------------------------------------


def test_the_ten_largest_are_set_against_all_that_is_overdue() -> None:
    for amount in range(1, 13):
        make.invoice(make.customer(), f"{amount}0.00", ago(amount))
    found = largest("USD", TODAY, Decimal(780))
    assert [row.overdue for row in found.rows] == [Decimal(n * 10) for n in range(12, 2, -1)]
    assert (found.overdue, found.share) == (Decimal(750), Decimal(96))
    assert found.rows[0].days == 12


def test_an_instalment_that_is_not_due_is_not_overdue(maine: Customer) -> None:
    bill = make.invoice(maine, "100.00", ago(5))
    for number, days in ((1, -5), (2, 0)):
        due = TODAY + timedelta(days=days)
        Instalment.objects.create(
            invoice=bill, number=number, due_date=due, amount=50, open_amount=50
        )
    assert largest("USD", TODAY, Decimal(50)).overdue == Decimal(50)


def test_nothing_overdue_has_no_largest(maine: Customer) -> None:
    make.invoice(maine, "100.00", TODAY)
    assert largest("USD", TODAY, Decimal(0)).rows == []


# --- calls and team -------------------------------------------------------------------------


def called(customer: Customer, who: User, at: datetime, direction: str = "out") -> None:
    CallRecord.objects.create(
        attempt=contact(customer, "call", "sent"), at=at, by=who, direction=direction,
        level=ContactLevel.NONE, outcome=CallOutcome.NO_ANSWER,
    )  # fmt: skip


def test_calls_due_stand_against_the_pace_of_thirty_days(maine: Customer) -> None:
    """20 business days lie in the thirty before today: 40 calls are two a day."""
    mia = member("collector")
    update_customer(maine.pk, {"owner": mia}, actor=SYSTEM)
    for number in range(40):
        called(maine, mia, NOON - timedelta(days=1 + number % 30))
    called(maine, mia, NOON - timedelta(days=31))
    called(maine, mia, NOON - timedelta(days=2), direction="in")
    for _ in range(3):
        contact(maine, "call", "planned")
    (row,) = team(TODAY, zone="UTC", calendar=Calendar("XX"))
    assert Calendar("XX").between(ago(31), ago(1)) == 20
    assert (row.due, row.pace, row.load) == (3, Decimal("2.0"), Decimal("1.5"))


def test_where_no_call_was_made_nobody_knows_how_long_it_takes(maine: Customer) -> None:
    update_customer(maine.pk, {"owner": member("collector")}, actor=SYSTEM)
    contact(maine, "call", "planned")
    (row,) = team(TODAY, zone="UTC", calendar=Calendar("XX"))
    assert (row.due, row.load) == (1, None)


def test_calls_of_customers_without_an_owner_are_nobodys(maine: Customer) -> None:
    contact(maine, "call", "planned")
    assert calls_due(TODAY, "UTC")[None] == 1
    assert [row.name for row in team(TODAY, zone="UTC", calendar=Calendar("XX"))] == [NOBODY]


def test_what_each_recorded_in_seven_days(maine: Customer) -> None:
    mia = member("collector")
    make.invoice(maine, "900.00", ago(1))
    for days in (1, 8):
        called(maine, mia, NOON - timedelta(days=days))
        Promise.objects.create(
            customer=maine, made_on=ago(days), due_on=TODAY, currency="USD", amount=5,
            recorded_by=mia,
        )  # fmt: skip
        with clock.at(NOON - timedelta(days=days)):
            record_payment(
                maine.pk, actor=Actor(mia.pk, "Mia"), received_on=ago(days), currency="USD",
                amount=Decimal(5),
            )  # fmt: skip
    (row,) = team(TODAY, zone="UTC", calendar=Calendar("XX"))
    assert (row.calls, row.promises, row.payments) == (1, 1, 1)


# --- what leaves next, what keeps it back ---------------------------------------------------


def test_the_next_slot_is_the_earliest_and_counts_all_that_wait(maine: Customer) -> None:
    assert next_slot() is None
    for hours in (5, 3):
        contact(make.customer(), "email", "planned", due_at=NOON + timedelta(hours=hours))
    contact(maine, "call", "planned", due_at=NOON)
    slot = next_slot()
    assert slot is not None
    assert (slot.at, slot.waiting) == (NOON + timedelta(hours=3), 2)


def test_every_stop_light_is_a_sentence(maine: Customer) -> None:
    assert stops(Company.load(), NOON) == []
    switches.pause(actor=SYSTEM, reason="stocktaking")
    contact(maine, "email", "held", held_for=HeldFor.STALE)
    assert stops(Company.load(), NOON) == [
        "Sending is paused: stocktaking.",
        "1 message is held: payment data is too old to chase on.",
    ]


# --- the page -------------------------------------------------------------------------------


def test_a_tab_puts_another_currency_in_front(client: Client) -> None:
    today = clock.today()
    make.invoice(make.customer(), "400.00", today - timedelta(days=1))
    make.invoice(make.customer(currency="EUR"), "30.00", today - timedelta(days=1))
    client.force_login(member("read_only"))
    usd, euro = (client.get(path).content.decode() for path in ("/", "/?currency=EUR"))
    assert "Ageing, USD" in usd
    assert "Expected cash, 13 weeks, EUR" in euro
    assert "Overdue, USD" in client.get("/?currency=nonsense").content.decode()


def test_all_that_is_looked_after_is_said_in_words(client: Client) -> None:
    make.invoice(make.customer(), "400.00", clock.today() + timedelta(days=1))
    client.force_login(member("read_only"))
    text = client.get("/").content.decode()
    assert "all has owner and next action" in text
    assert "state=neglected" not in text


def test_the_dashboard_is_usable_in_every_currency(
    look_at: Callable[..., None], page_as: Callable[..., object]
) -> None:
    today = clock.today()
    make.invoice(make.customer(), "400.00", today - timedelta(days=1))
    make.invoice(make.customer(currency="EUR"), "1234567.89", today - timedelta(days=100))
    look_at("/?currency=EUR")
