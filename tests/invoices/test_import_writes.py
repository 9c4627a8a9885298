"""What an import writes: the ledger, its events, the batch; and nothing twice."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Max, Sum
from django.test.utils import CaptureQueriesContext

from arfollow.shared.events import actor_of
from arfollow.shared.models import Event
from customers.models import Address, Contact, Customer, PaymentTerms
from invoices.imports.apply import Request as ImportRequest
from invoices.imports.apply import RowsRejected, preview
from invoices.models import (
    Allocation,
    CatalogueItem,
    CreditNote,
    Dispute,
    ImportBatch,
    ImportRow,
    Invoice,
    InvoiceLine,
    LedgerSource,
    Payment,
)
from tests import make
from tests.invoices.importing import AS_OF, FULL, everything, run, sound
from tests.rules.lists import csv_text, numbered, own

pytestmark = pytest.mark.django_db


# --- New ----------------------------------------------------------------------------------------


def test_an_invoice_is_written_with_its_customer() -> None:
    result = run(own(FULL))
    invoice = Invoice.objects.get()
    customer = invoice.customer
    assert (result.created, result.customers_created) == (1, 1)
    assert (customer.number, customer.source, customer.external_id) == ("0017", "arfollow", "0017")
    assert (customer.country, customer.language, customer.currency) == ("CA", "fr", "USD")
    assert (invoice.number, invoice.source, invoice.external_id) == ("00042", "arfollow", "00042")
    assert (invoice.open_amount, invoice.next_due_date) == (100, date(2026, 2, 4))
    assert (invoice.terms_text, invoice.po_number) == ("Net 30", "PO-7")
    assert sound()


def test_contact_and_address_are_written_with_the_customer() -> None:
    run(own(FULL | {"email": "ap@bluedoor.example; boss@bluedoor.example"}))
    contacts = Contact.objects.order_by("id").values_list("email", "phone", "primary")
    assert list(contacts) == [
        ("ap@bluedoor.example", "+1 207 555 0199", True),
        ("boss@bluedoor.example", "", False),
    ]
    address = Address.objects.get()
    assert (address.line1, address.city, address.country) == ("500 Mill Road", "Bangor", "CA")


def test_a_customer_without_details_has_no_empty_contact_or_address() -> None:
    run(own())
    assert not Contact.objects.exists()
    assert not Address.objects.exists()
    assert Customer.objects.get().country == "US"


def test_terms_that_we_sell_on_are_linked() -> None:
    terms = PaymentTerms.objects.create(code="N30", name="Net 30", kind="net", days=30)
    run(own(FULL))
    assert Invoice.objects.get().terms == terms


def test_a_paid_invoice_gets_its_payment_and_allocation() -> None:
    run(own({"paid_date": "2026-01-20"}))
    payment, allocation = Payment.objects.get(), Allocation.objects.get()
    assert (payment.received_on, payment.amount, payment.unapplied_amount) == (
        date(2026, 1, 20),
        100,
        0,
    )
    assert (allocation.effective_on, allocation.amount) == (date(2026, 1, 20), 100)
    invoice = Invoice.objects.get()
    assert (invoice.open_amount, invoice.closed_on) == (0, date(2026, 1, 20))
    assert sound()


def test_what_exceeds_the_invoice_is_unapplied_cash() -> None:
    run(own({"paid_amount": "130.00", "paid_date": "2026-01-20"}))
    assert Payment.objects.get().unapplied_amount == 30
    assert sound()


def test_a_payment_before_the_invoice_counts_from_its_issue() -> None:
    run(own({"paid_date": "2026-01-02"}))
    assert Payment.objects.get().received_on == date(2026, 1, 2)
    assert Allocation.objects.get().effective_on == date(2026, 1, 5)


def test_a_disputed_invoice_gets_its_dispute() -> None:
    run(own({"disputed": "30.00"}))
    dispute = Dispute.objects.get()
    assert (dispute.amount, dispute.status, dispute.raised_on) == (30, "open", date(2026, 1, 5))
    assert Invoice.objects.get().disputed_amount == 30
    assert sound()


def test_settled_and_disputed_is_written_as_a_closed_dispute() -> None:
    run(own({"disputed": "yes", "paid_date": "2026-02-10"}))
    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.resolved_on) == ("rejected", date(2026, 2, 10))
    assert Invoice.objects.get().disputed_amount == 0


def test_a_negative_row_is_written_as_a_credit_note() -> None:
    result = run(own({}, {"invoice_number": "CN-1", "amount": "-25.00"}))
    note = CreditNote.objects.get()
    assert (note.number, note.amount, note.unapplied_amount) == ("CN-1", 25, 25)
    assert (result.created, result.credit_notes_created) == (1, 1)
    assert sound()


def test_an_invoice_over_nothing_is_closed_from_the_start() -> None:
    run(own({"amount": "0.00", "disputed": "yes"}))
    assert Invoice.objects.get().closed_on == date(2026, 1, 5)
    assert sound()


def test_lines_name_the_items_of_the_catalogue() -> None:
    CatalogueItem.objects.create(code="FLOUR", name="Wheat flour")
    headings = ["customer_number", "invoice_number", "issue_date", "due_date", "line_code",
                "line_description", "line_quantity", "line_unit_price"]  # fmt: skip
    common = {
        "customer_number": "0017",
        "invoice_number": "1",
        "issue_date": "2026-01-05",
        "due_date": "2026-02-04",
    }
    rows = [
        common | {"line_code": "FLOUR", "line_description": "Flour, fine", "line_quantity": "3",
                  "line_unit_price": "1.255"},
        common | {"line_code": "SALT", "line_quantity": "2", "line_unit_price": "0.50"},
    ]  # fmt: skip
    run(csv_text(rows, headings).encode())
    lines = InvoiceLine.objects.order_by("position")
    assert [
        (line.position, line.item.name if line.item else "", line.amount) for line in lines
    ] == [
        (1, "Wheat flour", Decimal("3.77")),
        (2, "SALT", Decimal("1.00")),
    ]
    assert lines[0].unit_price == Decimal("1.2550")
    assert Invoice.objects.get().amount == Decimal("4.77")


def test_where_an_item_starts_is_kept_on_the_invoice() -> None:
    run(own({"reminded": "2", "reminded_on": "2026-03-01"}, extra=["reminded", "reminded_on"]))
    invoice = Invoice.objects.get()
    assert (invoice.chased_to, invoice.chased_on) == ("firm", date(2026, 3, 1))


# --- Told ---------------------------------------------------------------------------------------


def test_every_created_object_leaves_an_event_by_whoever_imported() -> None:
    mia = make.user(first_name="Mia", last_name="Okafor")
    run(
        own(
            FULL | {"paid_amount": "10.00", "disputed": "5.00"},
            {"invoice_number": "C", "amount": "-1"},
        ),
        actor=actor_of(mia),
    )
    verbs = sorted(Event.objects.values_list("verb", flat=True))
    assert verbs == [
        "credit_note.added",
        "customer.created",
        "dispute.opened",
        "import.applied",
        "invoice.added",
        "payment.recorded",
    ]
    assert set(Event.objects.values_list("actor_label", flat=True)) == {"Mia Okafor"}
    assert ImportBatch.objects.get().imported_by == mia


def test_the_next_run_looks_at_every_customer_that_changed() -> None:
    run(own())
    before = Customer.objects.get().ledger_seq
    assert before > 0
    run(own({"paid_date": "2026-03-01"}))
    assert Customer.objects.get().ledger_seq > before


def test_the_batch_keeps_each_row_that_changed_or_failed_as_it_was_written() -> None:
    first, second = numbered(2)
    run(own(first | {"amount": "10.1255"}, second | {"amount": "?"}), file_name="march.csv")
    batch = ImportBatch.objects.get()
    assert (batch.file_name, batch.file_format, batch.as_of) == ("march.csv", "arfollow", AS_OF)
    rows = {(row.line, row.state): row for row in ImportRow.objects.all()}
    assert rows[2, "created"].raw["amount"] == "10.1255"
    assert rows[3, "rejected"].message == "“?” is not an amount"
    assert rows[3, "rejected"].raw["amount"] == "?"
    assert rows[2, "warning"].column == "amount"


def test_the_source_remembers_how_far_it_is_known() -> None:
    run(own(), source="erp")
    assert LedgerSource.objects.get().as_of == AS_OF
    assert LedgerSource.objects.get().name == "erp"


# --- All or nothing -----------------------------------------------------------------------------


def test_a_strict_import_takes_all_rows_or_none() -> None:
    first, second = numbered(2)
    with pytest.raises(RowsRejected) as caught:
        run(own(first, second | {"amount": "?"}), strict=True)
    assert caught.value.result.rejected == 1
    assert not Invoice.objects.exists()
    assert not LedgerSource.objects.exists()
    assert run(own(first), strict=True).created == 1


def test_a_preview_writes_nothing_and_says_the_same() -> None:
    rows = [row | FULL for row in numbered(3)]
    rows[0] |= {"paid_date": "2026-02-01"}
    rows[1] |= {"amount": "?"}
    request = ImportRequest(file_name="x.csv", data=own(*rows), as_of=AS_OF)
    before = everything()
    foreseen = preview(request)
    assert everything() == before
    assert run(request.data) == foreseen
    assert preview(request) == run(request.data)


def test_f56_a_name_that_begins_a_formula_is_stored_as_it_is() -> None:
    run(own({"customer_name": "=1+1", "customer_number": "-5"}))
    assert Customer.objects.get().name == "=1+1"
    assert Customer.objects.get().number == "-5"


@pytest.mark.parametrize("again", [False, True])
def test_the_number_of_queries_does_not_grow_with_the_rows(*, again: bool) -> None:
    def queries(count: int, source: str) -> int:
        data = own(*numbered(count, paid_amount="10.00", email="a@b.example"))
        if again:
            run(data, source=source)
            data = data.replace(b"10.00", b"20.00")
        with CaptureQueriesContext(
            connection,
        ) as context:
            run(data, source=source)
        return len(context)

    assert queries(200, "large") <= queries(20, "small") + 3


# --- Round trip ---------------------------------------------------------------------------------


def as_template(invoice: Invoice) -> dict[str, str]:
    """An invoice of the ledger as a row of our own template."""
    customer = invoice.customer
    contact = Contact.objects.filter(customer=customer).first()
    address = Address.objects.filter(customer=customer).first()
    paid = invoice.allocations.aggregate(sum=Sum("amount"), last=Max("effective_on"))
    return {
        "customer_number": customer.number,
        "customer_name": customer.name,
        "email": contact.email if contact else "",
        "phone": contact.phone if contact else "",
        "address_line1": address.line1 if address else "",
        "city": address.city if address else "",
        "country": customer.country,
        "language": customer.language,
        "invoice_number": invoice.number,
        "issue_date": f"{invoice.issue_date}",
        "due_date": f"{invoice.due_date}",
        "terms": invoice.terms_text,
        "currency": invoice.currency,
        "amount": f"{invoice.amount}",
        "paid_amount": f"{paid['sum'] or ''}",
        "paid_date": f"{paid['last'] or ''}",
        "po_number": invoice.po_number,
        "disputed": f"{invoice.disputed_amount or ''}",
    }


def test_the_ledger_written_as_our_template_comes_back_as_it_was() -> None:
    rows = [row | FULL for row in numbered(6)]
    rows[1] |= {"paid_amount": "40.00", "paid_date": "2026-02-01"}
    rows[2] |= {"paid_date": "2026-02-03"}
    rows[3] |= {"disputed": "25.00"}
    rows[4] |= {"currency": "EUR", "customer_number": "0018", "country": "DE", "language": "de"}
    run(own(*rows))
    written = [as_template(invoice) for invoice in Invoice.objects.order_by("number")]
    again = run(own(*written), as_of=date(2026, 4, 1))
    assert (again.unchanged, again.created, again.updated, again.rejected) == (6, 0, 0, 0)
    run(own(*written), source="copy", as_of=date(2026, 4, 1))
    copies = Invoice.objects.filter(source="copy").order_by("number")
    told = [as_template(one) | {"customer_number": one.customer.external_id} for one in copies]
    assert told == written
