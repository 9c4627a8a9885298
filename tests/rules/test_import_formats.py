"""Each format is recognised by its headings, and its columns mean what FACTS section 8 says."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from invoices.imports.readers import FIELDS, OWN_TEMPLATE, Reading, UnreadableFile
from tests.rules.lists import csv_text, errors, own, read_rows

_XERO_EXPORT = (
    "ContactName,EmailAddress,POAddressLine1,POCity,PORegion,POPostalCode,POCountry,InvoiceNumber,"
    "Reference,InvoiceDate,DueDate,PlannedDate,Total,TaxTotal,InvoiceAmountPaid,InvoiceAmountDue,"
    "InventoryItemCode,Description,Quantity,UnitAmount,Discount,LineAmount,Currency,Type,Sent,Status"
)
XERO_EXPORT = _XERO_EXPORT.split(",")
_QUICKBOOKS = (
    "*InvoiceNo,*Customer,*InvoiceDate,*DueDate,Terms,Location,Memo,Item(Product/Service),"
    "ItemDescription,ItemQuantity,ItemRate,*ItemAmount,Service Date"
)
QUICKBOOKS = _QUICKBOOKS.split(",")


def shared(shared_data: Path, name: str, extra: str = "") -> Reading:
    return read_rows((shared_data / name).read_text("utf-8") + extra)


# --- Our own template ---------------------------------------------------------------------------


def test_the_template_is_the_one_that_was_agreed() -> None:
    assert OWN_TEMPLATE == (
        "customer_number,customer_name,email,phone,address_line1,address_line2,city,region,"
        "postal_code,country,language,invoice_number,issue_date,due_date,terms,currency,amount,"
        "paid_amount,paid_date,po_number,disputed"
    )


def test_every_column_of_the_template_arrives() -> None:
    row = {
        "customer_number": "0017",
        "customer_name": "Blue Door Bakery",
        "email": "ap@bluedoor.example, owner@bluedoor.example",
        "phone": "+1 207 555 0199",
        "address_line1": "500 Mill Road",
        "address_line2": "Unit 4",
        "city": "Bangor",
        "region": "ME",
        "postal_code": "04401",
        "country": "United States",
        "language": "English",
        "invoice_number": "00042",
        "issue_date": "2026-01-05",
        "due_date": "2026-02-04",
        "terms": "Net 30",
        "currency": "usd",
        "amount": "100.00",
        "paid_amount": "40.00",
        "paid_date": "2026-01-20",
        "po_number": "PO-7",
        "disputed": "yes",
    }
    reading = read_rows(own(row))
    found = reading.rows[0]
    assert reading.format_name == "arfollow"
    customer = found.customer
    assert (customer.number, customer.name) == ("0017", "Blue Door Bakery")
    assert customer.emails == ("ap@bluedoor.example", "owner@bluedoor.example")
    assert (customer.phone, customer.country, customer.language) == ("+1 207 555 0199", "US", "en")
    assert customer.address_line1 == "500 Mill Road"
    assert (customer.address_line2, customer.city, customer.region) == ("Unit 4", "Bangor", "ME")
    assert customer.postal_code == "04401"
    assert (found.invoice_number, found.terms, found.po_number) == ("00042", "Net 30", "PO-7")
    assert (found.issue_date, found.due_date) == (date(2026, 1, 5), date(2026, 2, 4))
    assert (found.currency, found.total, found.paid_amount) == ("USD", Decimal(100), Decimal(40))
    assert (found.paid_date, found.disputed) == (date(2026, 1, 20), True)
    assert reading.raw(2)["amount"] == "100.00"


def test_l33_leading_zeros_survive() -> None:
    found = read_rows(own({"customer_number": "000", "invoice_number": "0000000001"})).rows[0]
    assert (found.customer.number, found.invoice_number) == ("000", "0000000001")


def test_a_dispute_may_be_over_a_part() -> None:
    found = read_rows(own({"disputed": "25.00"})).rows[0]
    assert (found.disputed, found.disputed_amount) == (True, Decimal("25.00"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer_number", ""),
        ("customer_number", "9" * 61),
        ("invoice_number", ""),
        ("invoice_number", "9" * 81),
        ("issue_date", ""),
        ("issue_date", "yesterday"),
        ("due_date", "2026-02-30"),
        ("amount", ""),
        ("amount", "12.3.4"),
        ("paid_amount", "some"),
        ("paid_date", "later"),
        ("currency", "EURO"),
        ("disputed", "perhaps"),
    ],
)
def test_a_row_without_sound_money_dates_or_numbers_is_rejected(field: str, value: str) -> None:
    reading = read_rows(own({field: value}))
    assert not reading.rows
    assert [(line, column) for line, column, _ in errors(reading)] == [(2, field)]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("email", "not-an-address", ()),
        ("email", "a@b", ()),
        ("email", "good@example.test; bad@@example.test", ("good@example.test",)),
        ("country", "Narnia", ""),
        ("language", "Klingonese", ""),
        ("phone", "1" * 50, "1" * 40),
        ("city", "x" * 90, "x" * 80),
    ],
)
def test_a_detail_of_the_customer_never_costs_the_invoice(
    field: str, value: str, kept: object
) -> None:
    reading = read_rows(own({field: value}))
    name = "emails" if field == "email" else field
    assert getattr(reading.rows[0].customer, name) == kept
    assert [(w.line, w.column) for w in reading.warnings] == [(2, field)]


def test_all_faults_of_a_row_are_told_at_once() -> None:
    reading = read_rows(own({"issue_date": "", "amount": "x"}))
    assert errors(reading) == [
        (2, "issue_date", "no issue date; amount: “x” is not an amount"),
    ]


# --- Real ledgers -------------------------------------------------------------------------------


def test_the_ibm_ledger_is_recognised(shared_data: Path) -> None:
    reading = shared(shared_data, "ledgers/ibm_accounts_receivable.csv")
    assert (reading.format_name, reading.row_count) == ("ibm", 2466)
    assert len(reading.rows) == 2466
    assert sum(row.total or 0 for row in reading.rows) == Decimal("147703.18")
    assert sum(row.invoice_number.startswith("0") for row in reading.rows) == 266
    assert sum(row.disputed for row in reading.rows) == 561
    first = reading.rows[0]
    assert (first.issue_date, first.due_date) == (date(2013, 1, 2), date(2013, 2, 1))
    assert first.paid_date == date(2013, 1, 15)


def test_the_ibm_country_code_is_a_tag_and_no_country(shared_data: Path) -> None:
    reading = shared(shared_data, "ledgers/ibm_accounts_receivable.csv")
    assert reading.rows[0].customer.tag == "countryCode 391"
    assert not any(row.customer.country for row in reading.rows)


def test_the_highradius_ledger_is_recognised(shared_data: Path) -> None:
    reading = shared(shared_data, "ledgers/highradius_open_items.csv")
    assert (reading.format_name, len(reading.rows)) == ("highradius", 9681)
    assert {row.currency for row in reading.rows} == {"USD"}
    assert len({row.customer.number for row in reading.rows}) == 553
    assert [w.message[:31] for w in reading.warnings] == ["576 amounts have more than two d"[:31]]
    first = reading.rows[0]
    assert (first.issue_date, first.due_date) == (date(2020, 3, 30), date(2020, 4, 10))
    assert (first.terms, first.total) == ("CA10", Decimal("2309.79"))


# --- Accounting programs ------------------------------------------------------------------------


def test_the_xero_template_is_recognised_and_its_lines_add_up(shared_data: Path) -> None:
    blank = shared(shared_data, "accounting/xero_sales_invoice_template.csv")
    assert (blank.format_name, blank.row_count) == ("xero", 0)
    lines = (
        "\nBlue Door,ap@bluedoor.example,,,,,Bangor,ME,04401,United States,INV-1,PO 5,15/01/2026,"
        "14/02/2026,,,Flour,2,10.00,10,200,Tax,1.80,,,,,USD,\n"
        "Blue Door,,,,,,,,,,INV-1,,15/01/2026,14/02/2026,,,Salt,1,5.555,,200,Tax,,,,,,USD,\n"
    )
    reading = shared(shared_data, "accounting/xero_sales_invoice_template.csv", lines)
    assert [row.item.amount for row in reading.rows if row.item] == [
        Decimal("19.80"),
        Decimal("5.56"),
    ]
    assert reading.rows[0].customer.country == "US"
    assert reading.rows[0].po_number == "PO 5"
    assert not reading.has_customer_numbers


def test_a_xero_export_states_total_paid_and_due() -> None:
    row = {
        "ContactName": "Blue Door",
        "EmailAddress": "ap@bluedoor.example",
        "InvoiceNumber": "INV-1",
        "InvoiceDate": "2026-01-15",
        "DueDate": "2026-02-14",
        "Total": "120.00",
        "InvoiceAmountPaid": "20.00",
        "InvoiceAmountDue": "100.00",
        "LineAmount": "60.00",
        "Currency": "USD",
        "Type": "Sales invoice",
        "Status": "Awaiting Payment",
    }
    reading = read_rows(csv_text([row, row], XERO_EXPORT))
    found = reading.rows[0]
    assert (reading.format_name, reading.line_items) == ("xero", True)
    assert (found.total, found.paid_amount, found.balance) == (120, 20, 100)
    assert (found.status, found.kind) == ("awaiting payment", "sales invoice")


def test_quickbooks_names_customer_and_dates_on_the_first_line_only() -> None:
    lines = [
        {
            "*InvoiceNo": "1001",
            "*Customer": "Blue Door",
            "*InvoiceDate": "1/15/2026",
            "*DueDate": "2/14/2026",
            "Terms": "Net 30",
            "Item(Product/Service)": "Flour",
            "*ItemAmount": "20.00",
        },
        {"*InvoiceNo": "1001", "Item(Product/Service)": "Salt", "*ItemAmount": "5.00"},
        {
            "*InvoiceNo": "1002",
            "*Customer": "Red Lion",
            "*InvoiceDate": "1/16/2026",
            "*DueDate": "2/15/2026",
            "*ItemAmount": "7.00",
        },
    ]
    reading = read_rows(csv_text(lines, QUICKBOOKS))
    assert reading.format_name == "quickbooks"
    assert [row.customer.name for row in reading.rows] == ["Blue Door", "Blue Door", "Red Lion"]
    assert [row.item.code for row in reading.rows if row.item] == ["Flour", "Salt", ""]
    assert [row.due_date for row in reading.rows][:2] == [date(2026, 2, 14)] * 2
    assert reading.rows[1].terms == "Net 30"
    assert reading.rows[2].terms == ""


def test_freshbooks_has_line_totals_and_no_due_date(shared_data: Path) -> None:
    reading = shared(shared_data, "accounting/freshbooks_invoices.csv")
    assert (reading.format_name, reading.has_due_dates) == ("freshbooks", False)
    assert [row.item.amount for row in reading.rows if row.item] == [650, 490, 6750]
    assert {row.invoice_number for row in reading.rows} == {"0000001"}


def test_zoho_states_total_and_balance_on_each_line(shared_data: Path) -> None:
    reading = shared(shared_data, "accounting/zoho_invoices.csv")
    assert (reading.format_name, len(reading.rows)) == ("zoho", 13)
    totals = {row.invoice_number: (row.total, row.balance) for row in reading.rows}
    assert totals == {
        "INV-000001": (Decimal("489.75"), Decimal("489.75")),
        "INV-000002": (Decimal("460.00"), Decimal("460.00")),
        "INV-000003": (Decimal("390.00"), Decimal("390.00")),
    }
    assert reading.rows[0].terms == "Due on Receipt"


# --- Anything else ------------------------------------------------------------------------------


def test_an_ordinary_list_needs_no_map(shared_data: Path) -> None:
    reading = shared(shared_data, "ledgers/dirty/Invoices.csv")
    assert reading.format_name == "mapped"
    assert len(reading.rows) == 7999
    assert {message for _, _, message in errors(reading)} == {"no amount"}
    assert {column for _, column, _ in errors(reading)} == {"Invoice_Amount"}


def test_columns_of_any_name_can_be_mapped() -> None:
    text = "Konto;Beleg;Belegdatum;Brutto;Art\n0017;R-1;15.01.2026;1.234,50;RE\n"
    columns = {
        "customer_number": "Konto",
        "invoice_number": "Beleg",
        "issue_date": "Belegdatum",
        "amount": "Brutto",
    }
    reading = read_rows(text, columns=columns)
    assert reading.rows[0].customer.number == "0017"
    assert reading.rows[0].total == Decimal("1234.50")
    assert reading.rows[0].issue_date == date(2026, 1, 15)
    assert reading.raw(2)["Art"] == "RE"


def test_a_map_goes_before_what_we_know_of_the_format() -> None:
    data = own({"po_number": "777.00"})
    assert read_rows(data, columns={"amount": "po_number"}).rows[0].total == 777


def test_a_map_to_a_column_that_is_missing_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnreadableFile, match="no column “Brutto”. Columns: customer_number"):
        read_rows(own(), columns={"amount": "Brutto"})


def test_a_map_of_a_field_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnreadableFile, match="no field “sum”. Fields: customer_number"):
        read_rows(own(), columns={"sum": "amount"})
    assert "reminded" in FIELDS


def test_an_unknown_list_says_what_it_needs() -> None:
    with pytest.raises(UnreadableFile, match="--map FIELD=COLUMN"):
        read_rows("Apples,Pears\n1,2\n")


def test_a_reminder_column_is_mapped_like_any_other() -> None:
    data = csv_text(
        [{"Invoice": "1", "Customer": "A", "Date": "2026-01-05", "Total": "5", "Level": "2"}],
        ["Invoice", "Customer", "Date", "Total", "Level"],
    )
    assert read_rows(data, columns={"reminded": "Level"}).rows[0].reminded == "2"
