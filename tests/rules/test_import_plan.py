"""What an import will change: only what the ledger does not say already, as of its day."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from customers.terms import Kind, Terms
from invoices.imports.plan import (
    Choices,
    Known,
    KnownCredit,
    KnownInvoice,
    Plan,
    make_plan,
)
from tests.rules.import_plans import AS_OF, CUSTOMER, INVOICE, ledger, messages, plan
from tests.rules.lists import csv_text, errors, numbered, own, read_rows

# --- New invoices -------------------------------------------------------------------------------


def test_an_unknown_invoice_is_booked_with_its_customer() -> None:
    found = plan({})
    assert [(one.number, one.amount) for one in found.invoices] == [("00042", Decimal(100))]
    assert [(one.key, one.fields.name) for one in found.customers] == [("0017", "Blue Door Bakery")]
    assert not found.payments


def test_l33_a_number_with_many_names_is_one_customer() -> None:
    rows = numbered(4)
    for row, name in zip(
        rows, ("WAL-MAR", "WAL-MAR corp", "WAL-MAR corp", "WAL MART"), strict=True
    ):
        row["customer_name"] = name
    found = plan(*rows)
    assert [one.fields.name for one in found.customers] == ["WAL-MAR corp"]
    assert messages(found) == ["1 customer numbers come with several names; the most usual is kept"]


def test_details_are_gathered_from_all_rows_of_a_customer() -> None:
    rows = numbered(2)
    rows[0] |= {"email": "a@example.test"}
    rows[1] |= {"email": "B@example.test", "phone": "555", "address_line1": "1 Road", "city": "X"}
    fields = plan(*rows).customers[0].fields
    assert fields.emails == ("a@example.test", "b@example.test")
    assert (fields.phone, fields.address_line1, fields.city) == ("555", "1 Road", "X")


def test_a_row_without_a_currency_is_in_the_companys() -> None:
    found = plan({"currency": ""}, known=Known(currency="GBP"))
    assert found.invoices[0].currency == "GBP"
    assert found.customers[0].currency == "GBP"


def test_a_missing_due_date_follows_from_the_terms() -> None:
    found = plan({"due_date": "", "terms": "2/10 Net 45"})
    assert found.invoices[0].due_date == date(2026, 2, 19)
    assert found.invoices[0].terms_text == "2/10 Net 45"


def test_a_missing_due_date_without_clear_terms_rejects_the_row() -> None:
    rows = numbered(2, due_date="")
    rows[1]["terms"] = "NAA8"
    found = plan(*rows)
    assert [one.message for one in found.rejected] == [
        "no due date",
        "no due date, and the terms “NAA8” do not give one",
    ]
    assert not found.customers


def test_a_list_without_due_dates_takes_the_customers_terms_or_the_usual_ones() -> None:
    headings = ["customer_number", "invoice_number", "issue_date", "amount"]
    row = {"customer_number": "0017", "invoice_number": "1", "issue_date": "2026-01-05",
           "amount": "5"}  # fmt: skip
    reading = read_rows(csv_text([row], headings))
    usual = make_plan(reading, Known(), Choices(AS_OF))
    assert usual.invoices[0].due_date == date(2026, 2, 4)
    assert messages(usual) == ["1 invoices have no due date; the terms “Net 30” were taken"]
    agreed = replace(CUSTOMER, terms=Terms(Kind.NET, days=10))
    own_terms = make_plan(reading, Known({"0017": agreed}), Choices(AS_OF))
    assert own_terms.invoices[0].due_date == date(2026, 1, 15)
    assert not messages(own_terms)


def test_a_number_that_comes_again_is_rejected() -> None:
    found = plan({}, {"amount": "7.00"})
    assert [(one.line, one.message) for one in found.rejected] == [
        (3, "invoice 00042 is on line 2 already")
    ]
    assert [one.amount for one in found.invoices] == [100]


def test_the_column_of_a_rejected_row_is_called_as_the_file_calls_it() -> None:
    text = "Invoice_ID,Customer_ID,Invoice_Date,Due_Date,Invoice_Amount\n1,A,2026-01-05,,5\n"
    found = make_plan(read_rows(text), Known(), Choices(AS_OF))
    assert [(one.line, one.column) for one in found.rejected] == [(2, "Due_Date")]


# --- Known invoices -----------------------------------------------------------------------------


def test_the_same_row_changes_nothing() -> None:
    found = plan({}, known=ledger())
    assert found.changes_nothing
    assert found.unchanged == 1


def test_other_figures_are_an_update_with_before_and_after() -> None:
    found = plan({"amount": "120.00", "due_date": "2026-02-10"}, known=ledger())
    assert found.updates[0].changes == (
        ("due_date", date(2026, 2, 4), date(2026, 2, 10)),
        ("amount", Decimal(100), Decimal(120)),
    )


def test_a_blank_cell_changes_nothing() -> None:
    known = ledger(replace(INVOICE, terms_text="Net 30", po_number="PO-7"))
    assert plan({"terms": "", "po_number": ""}, known=known).changes_nothing


@pytest.mark.parametrize(
    ("row", "invoice", "column"),
    [
        ({"customer_number": "0018"}, INVOICE, "customer_number"),
        ({"currency": "EUR"}, INVOICE, "currency"),
        ({"amount": "30.00"}, replace(INVOICE, open_amount=Decimal(60)), "amount"),
        ({"amount": "-100.00"}, INVOICE, "amount"),
        ({"amount": "90.00"}, replace(INVOICE, has_instalments=True), "amount"),
        ({"status": "Void"}, INVOICE, "status"),
    ],
)
def test_what_cannot_be_true_of_a_known_invoice_rejects_its_row(
    row: dict[str, str], invoice: KnownInvoice, column: str
) -> None:
    found = plan(row, known=ledger(invoice))
    assert [(one.line, one.column) for one in found.rejected] == [(2, column)]
    assert found.changes_nothing


def test_an_unknown_invoice_that_is_void_is_left_out() -> None:
    found = plan({"status": "voided"})
    assert found.changes_nothing
    assert messages(found) == ["1 rows are void in the source and were left out"]


# --- Credit notes -------------------------------------------------------------------------------


def test_a_negative_amount_is_a_credit_note() -> None:
    found = plan({"amount": "(25.00)"})
    assert [(one.number, one.amount) for one in found.credits] == [("00042", Decimal(25))]
    assert not found.invoices


def test_a_used_up_credit_note_is_left_out() -> None:
    found = plan({"amount": "-25.00", "paid_date": "2026-02-01"})
    assert found.changes_nothing
    assert messages(found) == ["1 credit notes are used up in the source and were left out"]


def test_a_known_credit_note_is_not_booked_again() -> None:
    known = Known({"0017": CUSTOMER}, credits={"00042": KnownCredit(1, "00042", Decimal(25))})
    assert plan({"amount": "-25.00"}, known=known).changes_nothing
    other = plan({"amount": "-30.00"}, known=known)
    assert other.changes_nothing
    assert messages(other) == ["credit note 00042 is 25.00 in the ledger; kept"]
    turned = plan({"amount": "25.00"}, known=known)
    assert [one.column for one in turned.rejected] == ["amount"]


# --- Lines --------------------------------------------------------------------------------------

LINES = ["customer_name", "invoice_number", "issue_date", "due_date", "amount", "line_amount",
         "line_description"]  # fmt: skip


def lines(*rows: tuple[str, str, str, str]) -> Plan:
    """Rows of (customer, invoice, total, line amount)."""
    filled = [
        dict(zip(LINES, (who, number, "2026-01-05", "2026-02-04", total, part, "x"), strict=True))
        for who, number, total, part in rows
    ]
    return make_plan(read_rows(csv_text(filled, LINES)), Known(), Choices(AS_OF))


def test_lines_of_an_invoice_are_added_up() -> None:
    found = lines(("A", "1", "", "10.00"), ("A", "1", "", "5.50"), ("B", "2", "", "1.00"))
    assert [(one.number, one.amount, len(one.items)) for one in found.invoices] == [
        ("1", Decimal("15.50"), 2),
        ("2", Decimal("1.00"), 1),
    ]


def test_a_total_repeated_on_each_line_is_not_summed_twice() -> None:
    found = lines(("A", "1", "20.00", "10.00"), ("A", "1", "20.00", "5.50"))
    assert [one.amount for one in found.invoices] == [20]


def test_lines_that_state_different_totals_are_all_rejected() -> None:
    found = lines(("A", "1", "20.00", "10.00"), ("A", "1", "21.00", "5.50"))
    assert [one.line for one in found.rejected] == [2, 3]
    assert found.changes_nothing


def test_a_line_that_cannot_be_read_rejects_its_whole_invoice() -> None:
    found = lines(("A", "1", "", "10.00"), ("A", "1", "", "?"), ("A", "2", "", "1.00"))
    assert [(one.line, one.message) for one in found.rejected] == [
        (2, "another line of this invoice cannot be read"),
        (3, "“?” is not an amount"),
    ]
    assert [one.number for one in found.invoices] == ["2"]


def test_one_invoice_number_with_two_customers_is_rejected() -> None:
    found = lines(("A", "1", "", "10.00"), ("B", "1", "", "5.50"))
    assert [one.line for one in found.rejected] == [2, 3]


# --- Customers without numbers ------------------------------------------------------------------


def test_without_numbers_the_exact_normalised_name_is_the_key() -> None:
    found = lines(("Blue  Door", "1", "", "1"), ("BLUE DOOR", "2", "", "1"), ("Red", "3", "", "1"))
    assert [one.key for one in found.customers] == ["blue door", "red"]


def test_near_names_stay_apart_and_are_told_to_a_person() -> None:
    found = lines(
        ("Blue Door Bakery Ltd", "1", "", "1"),
        ("Blue Door Bakery Limited", "2", "", "1"),
        ("Bakery Blue Dor", "3", "", "1"),
        ("Green Dragon", "4", "", "1"),
    )
    assert len(found.customers) == 4
    told = [one for one in messages(found) if "may be one customer" in one]
    assert any("Blue Door Bakery Ltd" in one and "Limited" in one for one in told)
    assert any("Bakery Blue Dor" in one for one in told)
    assert not any("Green Dragon" in one for one in told)


def test_near_names_of_known_customers_are_told_too() -> None:
    known = Known(names=("Blue Door",))
    filled = dict(zip(LINES, ("Blue Door Inc", "1", "2026-01-05", "2026-02-04", "", "1", "x"),
                      strict=True))  # fmt: skip
    found = make_plan(read_rows(csv_text([filled], LINES)), known, Choices(AS_OF))
    assert messages(found) == [
        "“Blue Door Inc” and “Blue Door” may be one customer; they are kept apart"
    ]


# --- Known customers ----------------------------------------------------------------------------


def test_gaps_of_a_known_customer_are_filled() -> None:
    row = {"email": "ap@example.test", "phone": "555", "address_line1": "1 Road"}
    found = plan(row, known=ledger())
    assert [(one.customer_id, one.fields.emails) for one in found.gaps] == [
        (3, ("ap@example.test",))
    ]


def test_details_of_a_known_customer_are_never_overwritten() -> None:
    customer = replace(
        CUSTOMER, emails=frozenset({"old@example.test"}), has_phone=True, has_address=True
    )
    row = {"email": "new@example.test", "phone": "555", "address_line1": "1 Road",
           "customer_name": "Blue Door"}  # fmt: skip
    found = plan(row, known=ledger(customer=customer))
    assert found.changes_nothing
    assert messages(found) == ["customer 0017: the file has new@example.test; the ledger's is kept"]


# --- Going live ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reminded", "start"),
    [
        ("", ""),
        ("0", ""),
        ("none", ""),
        ("1", "friendly"),
        ("2", "firm"),
        ("7", "firm"),
        ("Friendly", "friendly"),
        ("final", "firm"),
        ("urgent", "firm"),
        ("plus 17", "plus_17"),
    ],
)
def test_a_reminder_column_says_where_an_item_starts_never_above_firm(
    reminded: str, start: str
) -> None:
    row = {"reminded": reminded, "reminded_on": "2026-03-01"}
    invoice = plan(row).invoices[0]
    assert invoice.chased_to == start
    assert invoice.chased_on == (date(2026, 3, 1) if start else None)


def test_a_start_step_is_for_overdue_items_only() -> None:
    rows = numbered(2)
    rows[1]["due_date"] = "2026-03-31"
    found = plan(*rows, start_step="firm")
    assert [one.chased_to for one in found.invoices] == ["firm", ""]


def test_a_start_step_above_firm_is_taken_down_and_told() -> None:
    found = plan({}, start_step="final")
    assert found.invoices[0].chased_to == "firm"
    assert messages(found) == ["1 invoices were chased further than firm; they start at firm"]


def test_what_the_row_says_goes_before_the_start_step() -> None:
    assert plan({"reminded": "0"}, start_step="firm").invoices[0].chased_to == ""


def test_rejections_are_told_in_the_order_of_the_file() -> None:
    rows = numbered(5)
    rows[0]["due_date"] = ""
    rows[1]["amount"] = "?"
    rows[3]["due_date"] = ""
    rows[4]["customer_number"] = ""
    found = plan(*rows)
    assert [one.line for one in found.rejected] == [2, 3, 5, 6]
    assert len(errors(read_rows(own(*rows)))) == 2
