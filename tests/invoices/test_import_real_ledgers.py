"""The real ledgers come in with the figures that FACTS section 8 gives for them."""

import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from arfollow.shared.models import Event
from customers.models import Customer, Tag
from invoices.imports.apply import Request, Result, preview
from invoices.imports.plan import Choices, Known, make_plan
from invoices.imports.readers import read
from invoices.models import Dispute, Invoice, InvoiceLine, Payment
from invoices.queries import ageing, current_ageing
from invoices.services.check import breaches
from tests.invoices.importing import run

pytestmark = pytest.mark.django_db

JUNE = date(2013, 6, 30)
AUGUST = date(2020, 8, 31)


def load(shared_data: Path, name: str, as_of: date, extra: bytes = b"") -> Result:
    return run((shared_data / name).read_bytes() + extra, as_of)


def ibm(shared_data: Path, as_of: date = JUNE) -> Result:
    return load(shared_data, "ledgers/ibm_accounts_receivable.csv", as_of)


def june_figures() -> None:
    """84 open; 72 of them not due; 12 at 1 to 30 days, of 12 customers."""
    found = ageing(JUNE)["USD"]
    assert (found.open_invoices, found.open) == (84, Decimal("5119.85"))
    buckets = {name: (one.count, one.amount) for name, one in found.buckets.items() if one.count}
    assert buckets == {
        "not_due": (72, Decimal("4284.29")),
        "1-30": (12, Decimal("835.56")),
    }
    assert (found.overdue_invoices, found.overdue) == (12, Decimal("835.56"))
    assert found.overdue_customers == 12
    assert (found.credits, found.unapplied) == (0, 0)


def test_the_ibm_ledger_as_of_june_again_and_then_september(shared_data: Path) -> None:
    result = ibm(shared_data)
    assert (result.rows, result.created, result.rejected) == (2466, 1930, 0)
    assert (result.payments_created, result.customers_created) == (1846, 100)
    june_figures()
    late = Invoice.objects.filter(open_amount__gt=0, due_date__lt=JUNE)
    assert late.filter(disputes__status="open").count() == 8
    assert Dispute.objects.count() == result.disputes_created
    assert Tag.objects.get(name="countryCode 391").customers.exists()

    events = Event.objects.count()
    again = ibm(shared_data)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 1930)
    assert (Event.objects.count(), Payment.objects.count()) == (events, 1846)

    later = ibm(shared_data, date(2013, 9, 30))
    assert (later.created, later.payments_created) == (328, 324)
    june_figures()  # L26
    assert not list(breaches())


def test_the_world_in_two_steps_is_the_world_in_one(shared_data: Path) -> None:
    whole = (shared_data / "ledgers/ibm_accounts_receivable.csv").read_bytes()
    data = b"".join(whole.splitlines(keepends=True)[:401])
    last = date(2014, 12, 31)
    run(data, JUNE)
    run(data, last)
    run(data, last, source="at-once")

    def state(source: str) -> list[tuple[object, ...]]:
        rows = Invoice.objects.filter(source=source).order_by("external_id")
        return list(rows.values_list("external_id", "open_amount", "disputed_amount", "closed_on"))

    assert state("ibm") == state("at-once")
    assert Payment.objects.filter(source="ibm").count() == 400


def test_l33_leading_zeros_of_266_numbers_survive(shared_data: Path) -> None:
    data = (shared_data / "ledgers/ibm_accounts_receivable.csv").read_bytes()
    plan = make_plan(read(data), Known(), Choices(date(2014, 12, 31)))
    assert sum(one.number.startswith("0") for one in plan.invoices) == 266


def test_the_highradius_ledger_comes_in_whole_and_fast(shared_data: Path) -> None:
    started = time.process_time()  # others may share the machine
    result = load(shared_data, "ledgers/highradius_open_items.csv", AUGUST)
    assert time.process_time() - started < 30
    assert (result.created, result.rejected, result.customers_created) == (9681, 0, 553)
    found = ageing(AUGUST)["USD"]
    assert {name: one.count for name, one in found.buckets.items()} == {
        "not_due": 0,
        "1-30": 0,
        "31-60": 6,
        "61-90": 89,
        "91-120": 2571,
        "120+": 7015,
    }
    assert current_ageing(AUGUST)["USD"] == found
    assert Customer.objects.filter(name__startswith="WAL-MAR").count() == 1
    assert Invoice.objects.filter(customer__number="200769623").count() == 2602
    assert not list(breaches())


def test_the_dirty_ledger_comes_in_but_for_its_bad_rows(shared_data: Path) -> None:
    data = (shared_data / "ledgers/dirty/Invoices.csv").read_bytes()
    as_of = date(2025, 12, 31)
    result = preview(Request(file_name="Invoices.csv", data=data, as_of=as_of))
    kinds = sorted({one.message.split("INV")[0].strip() for one in result.errors})
    assert kinds == ["invoice", "no amount", "no due date"]
    assert {one.column for one in result.errors} == {"Invoice_Amount", "Due_Date", "Invoice_ID"}
    assert result.rejected == 6 + 15 + 5
    assert result.rows == 8005
    told = {one.message for one in result.warnings}
    assert "3 credit notes are used up in the source and were left out" in told
    assert "817 invoices are part paid, but the file does not say how much" in told


def test_freshbooks_lines_make_one_invoice(shared_data: Path) -> None:
    load(shared_data, "accounting/freshbooks_invoices.csv", date(2021, 6, 30))
    invoice = Invoice.objects.get()
    assert (invoice.amount, invoice.customer.name) == (Decimal("7890.00"), "X-Men")
    assert (invoice.due_date, invoice.terms_text) == (date(2021, 2, 27), "Net 30")
    assert invoice.lines.count() == 3


def test_zoho_totals_are_not_summed_over_their_lines(shared_data: Path) -> None:
    result = load(shared_data, "accounting/zoho_invoices.csv", date(2021, 6, 30))
    amounts = Invoice.objects.order_by("number").values_list("amount", flat=True)
    assert list(amounts) == [Decimal("489.75"), Decimal("460.00"), Decimal("390.00")]
    assert (InvoiceLine.objects.count(), result.rows) == (13, 13)
    assert "3 invoices are drafts in the source" in result.warnings[0].message


def test_the_xero_template_filled_in_makes_invoices(shared_data: Path) -> None:
    line = b"\nBlue Door,,,,,,,,,,INV-1,,2026-01-15,2026-02-14,,,Flour,2,10,,200,T,,,,,,NZD,"
    result = load(
        shared_data, "accounting/xero_sales_invoice_template.csv", AUGUST.replace(year=2026), line
    )
    assert (result.source, result.created) == ("xero", 1)
    invoice = Invoice.objects.get()
    assert (invoice.currency, invoice.amount) == ("NZD", 20)
    assert invoice.customer.external_id == "blue door"
