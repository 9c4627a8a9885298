"""What accounting programs export arrives in the ledger as their users mean it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from customers.models import Contact, Customer
from invoices.imports.apply import Result
from invoices.imports.readers import UnreadableFile
from invoices.models import CatalogueItem, CreditNote, Invoice, InvoiceLine, Payment
from invoices.services.check import breaches
from tests.invoices.importing import run
from tests.rules.lists import csv_text, own

pytestmark = pytest.mark.django_db

_XERO = (
    "ContactName,EmailAddress,POAddressLine1,POCity,PORegion,POPostalCode,POCountry,InvoiceNumber,"
    "Reference,InvoiceDate,DueDate,Total,InvoiceAmountPaid,InvoiceAmountDue,InventoryItemCode,"
    "Description,Quantity,UnitAmount,LineAmount,Currency,Type,Status"
)
XERO = _XERO.split(",")
SALE = {
    "ContactName": "Blue Door Bakery",
    "EmailAddress": "ap@bluedoor.example",
    "POAddressLine1": "500 Mill Road",
    "POCity": "Bangor",
    "POCountry": "United States",
    "InvoiceNumber": "INV-1",
    "Reference": "PO 5",
    "InvoiceDate": "15 Jan 2026",
    "DueDate": "14 Feb 2026",
    "Total": "120.00",
    "InvoiceAmountPaid": "0.00",
    "InvoiceAmountDue": "120.00",
    "Currency": "USD",
    "Type": "Sales invoice",
    "Status": "Awaiting Payment",
}


def xero(*rows: Mapping[str, str], as_of: date = date(2026, 3, 31)) -> Result:
    return run(csv_text([SALE | row for row in rows], XERO).encode(), as_of)


def test_a_xero_invoice_of_several_lines_is_one_invoice() -> None:
    lines = [
        {"Description": "Flour", "InventoryItemCode": "F1", "LineAmount": "70.00"},
        {"Description": "Salt", "InventoryItemCode": "S1", "LineAmount": "30.00"},
    ]
    result = xero(*lines)
    invoice = Invoice.objects.get()
    assert (result.rows, result.created, invoice.amount) == (2, 1, 120)
    assert invoice.po_number == "PO 5"
    assert [line.description for line in InvoiceLine.objects.order_by("position")] == [
        "Flour",
        "Salt",
    ]
    assert CatalogueItem.objects.count() == 2
    assert Contact.objects.get().email == "ap@bluedoor.example"


def test_what_xero_says_was_paid_is_posted_once() -> None:
    xero({})
    part = {"InvoiceAmountPaid": "50.00", "InvoiceAmountDue": "70.00", "LineAmount": "120.00"}
    xero(part)
    again = xero(part, as_of=date(2026, 4, 1))
    assert again.payments_created == 0
    assert Payment.objects.get().amount == 50
    assert Invoice.objects.get().open_amount == 70


def test_a_xero_credit_note_is_a_credit_note_whatever_its_sign() -> None:
    xero(
        {"InvoiceNumber": "CN-1", "Type": "Sales credit note", "Total": "30.00",
         "InvoiceAmountPaid": "", "InvoiceAmountDue": "30.00"},
        {"InvoiceNumber": "CN-2", "Type": "Sales credit note", "Total": "-40.00",
         "InvoiceAmountPaid": "", "InvoiceAmountDue": "-40.00"},
    )  # fmt: skip
    assert sorted(CreditNote.objects.values_list("number", "amount")) == [
        ("CN-1", 30),
        ("CN-2", 40),
    ]
    assert not Invoice.objects.exists()


def test_voided_and_draft_invoices_of_xero() -> None:
    result = xero({"Status": "Voided"}, {"InvoiceNumber": "INV-2", "Status": "Draft"})
    assert [invoice.number for invoice in Invoice.objects.all()] == ["INV-2"]
    assert len(result.warnings) == 2


def test_an_invoice_that_xero_voids_later_is_for_a_person_to_credit() -> None:
    xero({})
    result = xero({"Status": "Voided"})
    assert "void in the source; credit it" in result.errors[0].message
    assert Invoice.objects.get().open_amount == 120


def test_customers_of_xero_are_known_by_their_exact_name() -> None:
    xero({}, {"InvoiceNumber": "INV-2", "ContactName": "BLUE DOOR  Bakery"})
    result = xero({"InvoiceNumber": "INV-3", "ContactName": "Blue Door Bakery Ltd"})
    assert Customer.objects.count() == 2
    assert Customer.objects.get(external_id="blue door bakery").invoices.count() == 2
    assert "may be one customer" in result.warnings[0].message


def test_a_quickbooks_list_arrives_with_its_lines() -> None:
    headings = ["*InvoiceNo", "*Customer", "*InvoiceDate", "*DueDate", "Terms",
                "Item(Product/Service)", "ItemDescription", "ItemQuantity", "ItemRate",
                "*ItemAmount"]  # fmt: skip
    rows = [
        ("1001", "Blue Door", "1/15/2026", "2/14/2026", "Net 30", "Flour", "", "2", "10", "20"),
        ("1001", "", "", "", "", "Salt", "Sea salt", "1", "5.50", "5.50"),
        ("1002", "Red Lion", "1/20/2026", "2/19/2026", "Net 30", "Flour", "", "1", "10", "10"),
    ]
    named = [dict(zip(headings, row, strict=True)) for row in rows]
    run(csv_text(named, headings).encode())
    found = Invoice.objects.order_by("number").values_list("number", "customer__name", "amount")
    assert list(found) == [
        ("1001", "Blue Door", Decimal("25.50")),
        ("1002", "Red Lion", Decimal("10.00")),
    ]
    assert Invoice.objects.get(number="1001").lines.count() == 2
    assert not list(breaches())


def test_a_highradius_item_that_was_cleared_is_paid_on_that_day() -> None:
    text = (
        ",business_code,cust_number,name_customer,clear_date,buisness_year,doc_id,posting_date,"
        "due_in_date,baseline_create_date,cust_payment_terms,converted_usd\n"
        "0,U001,0200,WAL-MAR,11-03-2020,2020,19301,26-01-2020,10-02-2020,26-01-2020,NAA8,10.0050\n"
    )
    run(text.encode(), date(2020, 8, 31), date_order="dmy")
    payment = Payment.objects.get()
    assert (payment.amount, payment.received_on) == (Decimal("10.01"), date(2020, 3, 11))
    assert Invoice.objects.get().terms_text == "NAA8"


def test_missing_details_of_known_customers_are_counted() -> None:
    run(own())
    result = run(own({"email": "ap@bluedoor.example", "phone": "555"}))
    assert (result.customers_updated, result.created) == (1, 0)
    assert Contact.objects.get().phone == "555"


def test_the_name_of_a_source_has_an_end() -> None:
    with pytest.raises(UnreadableFile, match="40 characters"):
        run(own(), source="x" * 41)
