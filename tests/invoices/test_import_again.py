"""The same ledger again, later and by other hands: only the difference is written."""

from datetime import date
from decimal import Decimal

import pytest

from arfollow.shared.events import actor_of
from arfollow.shared.models import Event
from customers.models import Address, Contact, Customer
from customers.services import set_email_state
from invoices.models import (
    Dispute,
    ImportBatch,
    ImportRow,
    Invoice,
    LedgerSource,
    Payment,
)
from invoices.services import add_credit_note, allocate, record_payment, reverse_payment
from tests import make
from tests.invoices.importing import AS_OF, FULL, everything, run, sound
from tests.rules.lists import csv_text, numbered, own

pytestmark = pytest.mark.django_db


# --- Again --------------------------------------------------------------------------------------


def test_the_same_file_twice_changes_nothing() -> None:
    rows = [row | FULL for row in numbered(5)]
    rows[0] |= {"paid_amount": "40.00", "paid_date": "2026-02-01"}
    rows[1] |= {"disputed": "yes"}
    rows[2] |= {"amount": "-20.00"}
    rows[3] |= {"amount": "?"}
    rows[4] |= {"paid_amount": "500.00", "disputed": "yes"}
    data = own(*rows)
    run(data)
    before = everything()
    again = run(data)
    assert everything() == before
    assert (again.created, again.updated, again.unchanged, again.rejected) == (0, 0, 4, 1)
    assert "imported before" in again.warnings[0].message


def test_another_file_that_says_the_same_is_fresh_data_and_changes_no_amount() -> None:
    run(own())
    run(own() + b"\r\n", as_of=date(2026, 4, 1))
    assert Invoice.objects.count() == 1
    assert LedgerSource.objects.get().as_of == date(2026, 4, 1)
    assert ImportBatch.objects.count() == 2


def test_a_later_file_posts_the_difference_only() -> None:
    run(own({"paid_amount": "40.00", "paid_date": "2026-02-01"}))
    result = run(own({"paid_amount": "70.00", "paid_date": "2026-03-01"}))
    assert (result.payments_created, result.updated) == (1, 1)
    payments = Payment.objects.order_by("id").values_list("amount", "received_on", "external_id")
    assert list(payments) == [
        (40, date(2026, 2, 1), "00042#1"),
        (30, date(2026, 3, 1), "00042#2"),
    ]
    assert Invoice.objects.get().open_amount == 30
    assert sound()


def test_a_payment_posted_from_the_bank_is_not_posted_again() -> None:
    run(own())
    invoice = Invoice.objects.get()
    record_payment(
        invoice.customer_id,
        actor=actor_of(None),
        received_on=date(2026, 2, 1),
        currency="USD",
        amount=Decimal(60),
        allocate=[(invoice.pk, Decimal(60))],
        source="bank",
    )
    result = run(own({"paid_date": "2026-02-01"}))
    assert [payment.amount for payment in Payment.objects.order_by("id")] == [60, 40]
    assert result.payments_created == 1
    assert sound()


def test_an_overpayment_that_staff_used_elsewhere_is_not_posted_again() -> None:
    first, second = numbered(2)
    data = own(first | {"paid_amount": "150.00"}, second)
    run(data)
    spare = Payment.objects.get()
    other = Invoice.objects.get(number=second["invoice_number"])
    allocate(
        actor=actor_of(None), invoice_id=other.pk, amount=Decimal(50), on=AS_OF, payment_id=spare.pk
    )
    run(data + b"\r\n")
    assert Payment.objects.count() == 1
    assert sound()


def test_a_bounced_payment_is_not_posted_again_by_a_source_that_has_not_heard() -> None:
    data = own({"paid_date": "2026-02-01"})
    run(data)
    reverse_payment(
        Payment.objects.get().pk, on=date(2026, 3, 1), reason="NSF", actor=actor_of(None)
    )
    run(data + b"\r\n")
    assert Payment.objects.count() == 1
    assert Invoice.objects.get().open_amount == 100


def test_a_credit_note_set_against_an_invoice_is_not_paid_as_well() -> None:
    run(own())
    invoice = Invoice.objects.get()
    add_credit_note(
        invoice.customer_id,
        "CN-9",
        actor=actor_of(None),
        issue_date=date(2026, 2, 1),
        currency="USD",
        amount=Decimal(20),
        invoice_id=invoice.pk,
    )
    run(own({"paid_date": "2026-02-10"}))
    assert Payment.objects.get().amount == 80
    assert Invoice.objects.get().open_amount == 0


def test_changed_figures_are_updated_and_told_as_a_diff() -> None:
    run(own({"paid_amount": "40.00", "disputed": "yes"}))
    run(
        own(
            {"amount": "50.00", "due_date": "2026-02-20", "paid_amount": "40.00", "disputed": "yes"}
        )
    )
    invoice = Invoice.objects.get()
    assert (invoice.amount, invoice.open_amount, invoice.disputed_amount) == (50, 10, 10)
    assert invoice.next_due_date == date(2026, 2, 20)
    event = Event.objects.get(verb="invoice.changed")
    assert event.data.values["amount"] == ["100.00", "50.00"]
    row = ImportRow.objects.get(state="updated")
    assert row.message == "due_date: 2026-02-04 → 2026-02-20; amount: 100.00 → 50.00"
    assert sound()


def test_an_amount_may_fall_to_what_is_settled_and_rise_again() -> None:
    run(own({"paid_amount": "40.00"}))
    run(own({"amount": "40.00", "paid_amount": "40.00"}))
    assert Invoice.objects.get().open_amount == 0
    assert Invoice.objects.get().closed_on is not None
    run(own({"amount": "90.00", "paid_amount": "40.00"}))
    assert Invoice.objects.get().open_amount == 50
    assert Invoice.objects.get().closed_on is None
    assert sound()


def test_a_dispute_ends_when_the_source_no_longer_flags_it() -> None:
    run(own({"disputed": "yes"}))
    run(own())
    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.resolved_on) == ("rejected", AS_OF)
    assert Invoice.objects.get().disputed_amount == 0
    assert Event.objects.filter(verb="dispute.resolved").count() == 1


def test_a_dispute_that_staff_opened_is_left_to_staff() -> None:
    run(own())
    make.dispute(Invoice.objects.get(), "30.00")
    run(own() + b"\r\n")
    assert Dispute.objects.get().status == "open"


# --- Customers ----------------------------------------------------------------------------------


def test_a_customer_opened_by_hand_is_known_by_its_number() -> None:
    customer = make.customer("0017", "Blue Door")
    result = run(own())
    assert result.customers_created == 0
    assert Invoice.objects.get().customer_id == customer.pk


def test_an_invoice_added_by_hand_is_known_by_customer_and_number() -> None:
    customer = make.customer("0017")
    make.invoice(customer, "100.00", date(2026, 2, 4), issued=date(2026, 1, 5), number="00042")
    result = run(own({"paid_date": "2026-02-01"}))
    assert (result.created, result.updated, Invoice.objects.count()) == (0, 1, 1)
    assert Invoice.objects.get().open_amount == 0
    assert sound()


def test_equal_numbers_of_two_sources_are_two_customers_and_two_invoices() -> None:
    run(own(), source="north")
    run(own({"customer_name": "Another"}), source="south")
    assert sorted(Customer.objects.values_list("number", flat=True)) == ["0017", "0017@south"]
    assert Invoice.objects.count() == 2


def test_names_that_begin_alike_get_numbers_of_their_own() -> None:
    headings = ["customer_name", "invoice_number", "issue_date", "due_date", "amount"]
    rows = [
        {"customer_name": "A" * 70 + ending, "invoice_number": ending, "issue_date": "2026-01-05",
         "due_date": "2026-02-04", "amount": "1.00"}
        for ending in ("x", "y", "z")
    ]  # fmt: skip
    run(csv_text(rows, headings).encode())
    numbers = sorted(Customer.objects.values_list("number", flat=True))
    assert len(set(numbers)) == 3
    assert all(len(number) <= 60 for number in numbers)
    assert run(csv_text(rows, headings).encode()).customers_created == 0


def test_a_dead_address_is_not_written_again_by_the_file() -> None:
    run(own(FULL))
    contact = Contact.objects.get()
    set_email_state(contact.pk, "bounced", actor=actor_of(None), why="unknown user")
    run(own(FULL) + b"\r\n")
    assert Contact.objects.get().email_state == "bounced"


def test_gaps_are_filled_in_the_contact_there_is() -> None:
    run(own({"phone": "555"}))
    run(own(FULL | {"phone": "777"}))
    contact = Contact.objects.get()
    assert (contact.email, contact.phone) == ("ap@bluedoor.example", "555")
    assert Address.objects.get().line1 == "500 Mill Road"
