"""The demo's ledger as it is written: through the services, or just as they would have."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from arfollow.shared import clock
from arfollow.shared.models import Event, EventData
from arfollow.staff.models import Company, Role, User
from customers.models import Address, Contact, Customer, PaymentTerms, TermsAgreement
from dunning.demo import archive, company
from dunning.demo.book import Book, bank_line, moment, numbered
from dunning.demo.goods import CATALOGUE
from dunning.demo.papers import Bill, Contest, Happening, Receipt, Settlement
from dunning.demo.script import TERMS, Script, write
from invoices.models import (
    Allocation,
    CatalogueItem,
    CreditNote,
    Dispute,
    Instalment,
    Invoice,
    InvoiceLine,
    LedgerSource,
    Payment,
)

# The demo runs on SQLite.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

TODAY = date(2026, 11, 21)
LEDGER: tuple[Any, ...] = (
    Invoice, InvoiceLine, Instalment, Payment, Allocation, CreditNote
)  # fmt: skip
IDS = {"id", "invoice_id", "payment_id", "credit_note_id", "content_hash"}


def open_book(script: Script) -> Book:
    book = Book(company.set_up("pass word"))
    with clock.at(moment(script.first_day, 8)):
        book.open_accounts(script)
    return book


def post(book: Book, happenings: list[Happening]) -> None:
    for each in happenings:
        with clock.at(moment(each.on, 9)):
            book.post([each])


def picture() -> dict[str, Any]:
    """Everything in the ledger but the keys that the database chose."""
    rows: dict[str, Any] = {
        model.__name__: [
            {name: value for name, value in row.items() if name not in IDS}
            for row in model.objects.order_by("id").values()
        ]
        for model in LEDGER
    }
    rows["paid"] = sorted(
        Allocation.objects.values_list("invoice__number", "payment__external_id", "amount")
        .exclude(payment=None)
    )  # fmt: skip
    events = Event.objects.filter(object_type__in=["invoice", "payment", "creditnote"])
    rows["events"] = sorted(events.values_list("at", "verb", "customer_id", "actor_label"))
    said = EventData.objects.filter(event__in=events)
    rows["said"] = sorted(said.values_list("event__at", "summary"))
    rows["seen"] = list(Customer.objects.order_by("id").values_list("number", "ledger_seq"))
    return rows


def sorted_rows(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(row) for row in rows)


@pytest.mark.sqlite  # PostgreSQL does not give the numbers of a rolled-back row again
def test_the_archive_says_what_the_services_would_have_said() -> None:
    script = write(2, 66, 7, TODAY)
    usual = [each for each in script.happenings]
    with transaction.atomic():
        archive.store(open_book(script), usual)
        at_once = picture()
        transaction.set_rollback(True)
    post(open_book(script), usual)
    one_by_one = picture()
    for model in LEDGER:
        name = model.__name__
        assert sorted_rows(at_once[name]) == sorted_rows(one_by_one[name]), name
    assert len(one_by_one["events"]) == len(usual)
    for part in ("paid", "events", "said", "seen"):
        assert at_once[part] == one_by_one[part], part


def test_only_customers_with_nothing_unusual_go_to_the_archive() -> None:
    script = write(60, 600, 7, TODAY)
    cut = TODAY - timedelta(days=60)
    chosen = archive.older(script, {firm.number: cut for firm in script.firms})
    disputing = {each.firm for each in script.happenings if isinstance(each, Contest)}
    assert chosen
    assert all(each.on < cut for each in chosen)
    assert not disputing & {each.firm for each in chosen}


def test_a_bill_keeps_its_number_whoever_writes_it() -> None:
    script = write(60, 600, 7, TODAY)
    numbers = numbered(script.happenings)
    bills = [each for each in script.happenings if isinstance(each, Bill)]
    assert [numbers[bill] for bill in bills] == sorted(numbers[bill] for bill in bills)
    assert len(set(numbers.values())) == len(numbers)


def test_no_two_payments_are_taken_for_the_same() -> None:
    lines = [bank_line(e) for e in write(60, 600, 7, TODAY).happenings if isinstance(e, Receipt)]
    assert len(set(lines)) == len(lines)


def test_what_is_left_of_each_invoice_is_what_the_script_says() -> None:
    script = write(6, 117, 7, TODAY)
    book = open_book(script)
    post(book, list(script.happenings))
    for bill in (each for each in script.happenings if isinstance(each, Bill)):
        invoice = Invoice.objects.get(pk=book.invoices[bill.key])
        assert (invoice.amount, invoice.due_date) == (bill.amount, bill.due)
        assert sum(invoice.lines.values_list("amount", flat=True)) == bill.amount
    contest = [each for each in script.happenings if isinstance(each, Contest)][-1]
    assert Invoice.objects.get(pk=book.invoices[contest.bill]).disputed_amount == contest.amount


def test_a_dispute_that_ended_is_closed_on_its_day() -> None:
    script = write(4, 93, 7, TODAY)
    post(open_book(script), list(script.happenings))
    ending = next(each for each in script.happenings if isinstance(each, Settlement))
    closed = Dispute.objects.get(status="credited")
    assert (closed.resolved_on, closed.resolution) == (ending.on, ending.resolution)


def test_events_are_dated_with_the_day_they_tell_of() -> None:
    script = write(1, 26, 7, TODAY)
    post(open_book(script), list(script.happenings))
    invoice = Invoice.objects.order_by("issue_date").first()
    assert invoice is not None
    event = Event.objects.get(object_type="invoice", object_id=invoice.pk)
    assert event.at == moment(invoice.issue_date, 9)


def test_every_customer_has_a_contact_an_address_and_agreed_terms() -> None:
    script = write(34, 480, 7, TODAY)
    open_book(script)
    assert Customer.objects.count() == 34
    for model in (Contact, Address, TermsAgreement):
        assert model.objects.values("customer").distinct().count() == 34
    assert not TermsAgreement.objects.filter(agreed_on__gt=script.first_day).exists()


def test_the_child_account_points_to_its_parent() -> None:
    open_book(write(12, 300, 7, TODAY))
    child = Customer.objects.exclude(parent=None).get()
    assert child.parent is not None
    assert child.parent.name.startswith("Brightwater Group")


# --- the firm itself -------------------------------------------------------------------------


def test_four_people_work_there_and_each_can_log_in() -> None:
    staff = company.set_up("pass word")
    roles = {name: user.role for name, user in staff.items()}
    assert roles == {
        "mia": Role.COLLECTOR, "tom": Role.COLLECTOR, "ruth": Role.MANAGER, "sam": Role.ADMIN,
    }  # fmt: skip
    assert all(user.check_password("pass word") for user in staff.values())


def test_the_password_that_is_printed_is_the_one_that_works() -> None:
    company.set_up("old")
    company.set_password("new one")
    assert all(user.check_password("new one") for user in User.objects.all())


def test_the_firm_can_write_letters_and_be_paid() -> None:
    company.set_up("x")
    row = Company.load()
    assert (row.window_format, row.country, row.currency) == ("us_10", "US", "USD")
    assert all([row.address_line1, row.bank_account, row.ways_to_pay, row.letter_signatory])
    assert str(row.sender_email).endswith(".example")


def test_terms_and_goods_are_there_to_be_sold_on() -> None:
    company.set_up("x")
    assert set(PaymentTerms.objects.values_list("code", flat=True)) == set(TERMS)
    assert CatalogueItem.objects.count() == len(CATALOGUE)
    assert CatalogueItem.objects.filter(unit_price__lte=Decimal(0)).count() == 0


def test_a_demo_sends_at_any_hour_of_any_day_half_a_minute_after_planning() -> None:
    company.set_up("x")
    assert not Company.load().send_every_day
    company.send_as_a_demo()
    row = Company.objects.get(pk=1)
    assert (row.send_window_start, row.send_window_end, row.undo_seconds) == (0, 24, 30)
    assert row.send_every_day
    assert row.continuous_slots


def test_payment_data_are_as_fresh_as_the_last_start() -> None:
    company.payments_known_to(TODAY - timedelta(days=9))
    company.payments_known_to(TODAY)
    assert LedgerSource.objects.get().as_of == TODAY


def test_a_clock_that_was_set_goes_on_where_it_was() -> None:
    before = clock.now()
    with clock.at(moment(date(2020, 1, 2), 12)):
        assert clock.today("America/New_York") == date(2020, 1, 2)
        with clock.at(moment(date(2021, 1, 2), 12)):
            assert clock.now().year == 2021
        assert clock.now().year == 2020
    assert clock.now() >= before
