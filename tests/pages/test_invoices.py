"""Invoices: the list, the page that says why, adding one by hand, its original PDF."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from playwright.sync_api import Page

from arfollow.shared import clock
from customers.models import Customer, PaymentTerms, TermsKind
from dunning.runs import run
from invoices.models import Invoice
from invoices.services import NewInstalment, NewLine
from tests import make
from tests.pages.conftest import member

TODAY = clock.today()
PDF = b"%PDF-1.7\n%made for a test\n"


@pytest.fixture
def collector(client: Client, db: None) -> Client:
    client.force_login(member("collector"))
    return client


def listed(client: Client, query: str = "") -> list[str]:
    return [row.number for row in client.get(f"/invoices/{query}").context["list"].rows]


def page(client: Client, invoice: Invoice) -> str:
    return client.get(f"/invoices/{invoice.pk}/").content.decode()


@pytest.fixture
def ledger(collector: Client) -> Customer:
    customer = make.customer("C-1", "Ashdown Joinery Ltd")
    make.invoice(customer, due=TODAY - timedelta(days=40), number="LATE")
    make.invoice(customer, due=TODAY + timedelta(days=5), number="COMING")
    make.invoice(customer, due=TODAY, number="QUERY", disputed="30.00")
    paid = make.invoice(customer, due=TODAY - timedelta(days=80), number="PAID")
    make.payment(customer, "100.00", TODAY, paid)
    return customer


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", ["LATE", "QUERY", "COMING"]),
        ("?state=overdue", ["LATE"]),
        ("?state=disputed", ["QUERY"]),
        ("?state=closed", ["PAID"]),
        ("?state=all", ["PAID", "LATE", "QUERY", "COMING"]),
        ("?q=com", ["COMING"]),
        ("?q=ashdown", ["LATE", "QUERY", "COMING"]),
        ("?currency=eur", []),
        ("?sort=-next_due_date", ["COMING", "QUERY", "LATE"]),
    ],
)
def test_invoices_are_listed_by_state_and_word(
    collector: Client, ledger: Customer, query: str, numbers: list[str]
) -> None:
    assert listed(collector, query) == numbers


def test_the_list_shows_days_late_and_the_next_step(collector: Client, ledger: Customer) -> None:
    run(TODAY)
    rows = {row.number: row for row in collector.get("/invoices/").context["list"].rows}
    assert rows["LATE"].days == 40
    assert rows["COMING"].place.next_step == "Courtesy e-mail, 3 days before"


def test_the_page_says_what_the_last_run_decided_and_what_comes_next(collector: Client) -> None:
    invoice = make.invoice(make.customer(), due=TODAY + timedelta(days=20))
    run(TODAY)
    text = page(collector, invoice)
    assert "Its next step is not due yet." in text
    assert "Next step: Courtesy e-mail, 3 days before" in text
    assert "Due-date ladder" in text


def test_a_change_since_the_last_run_is_explained_at_once(collector: Client) -> None:
    customer = make.customer()
    invoice = make.invoice(customer, due=TODAY - timedelta(days=20))
    run(TODAY)
    make.dispute(invoice, on=TODAY)
    text = page(collector, invoice)
    assert "Changed since the last run" in text
    assert "It is in dispute." in text


def test_a_settled_invoice_says_that_nothing_comes_next(collector: Client) -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100.00")
    make.payment(customer, "100.00", TODAY, invoice)
    text = page(collector, invoice)
    assert "nothing comes next" in text
    assert "Settled" in text


def test_lines_instalments_payments_and_disputes_are_shown(collector: Client) -> None:
    customer = make.customer()
    invoice = make.invoice(
        customer,
        "300.00",
        due=TODAY,
        lines=[NewLine("Oak boards, planed", Decimal(300), quantity=Decimal("2.50"))],
        instalments=[
            NewInstalment(TODAY, Decimal(100)),
            NewInstalment(TODAY + timedelta(days=30), Decimal(200)),
        ],
    )
    make.payment(customer, "60.00", TODAY, invoice)
    make.dispute(invoice, "20.00", on=TODAY)
    text = page(collector, invoice)
    for words in ("Oak boards, planed", "2.5<", "Instalments", "60.00", "Damaged or quality"):
        assert words in text, words
    assert "USD 240.00" in text, "open"
    assert "USD 220.00" in text, "to collect"


def filled(customer: Customer, **changes: object) -> dict[str, object]:
    blank = {
        f"lines-{n}-{name}": "" for n in range(5) for name in ("description", "quantity", "amount")
    }
    return (
        {
            "customer_number": customer.number,
            "number": "INV-500",
            "issue_date": "2026-11-02",
            "due_date": "2026-12-02",
            "currency": "usd",
            "amount": "120.00",
            "lines-TOTAL_FORMS": "5",
            "lines-INITIAL_FORMS": "0",
        }
        | blank
        | changes
    )


def test_an_invoice_is_added_by_hand_with_its_lines_and_pdf(collector: Client) -> None:
    data = filled(
        make.customer(),
        **{
            "lines-0-description": "Cedar posts",
            "lines-0-amount": "120.00",
            "original": SimpleUploadedFile("inv.pdf", PDF, "application/pdf"),
        },
    )
    answer = collector.post("/invoices/add/", data)
    invoice = Invoice.objects.get(number="INV-500")
    assert answer.headers["Location"] == f"/invoices/{invoice.pk}/"
    assert (invoice.open_amount, invoice.currency) == (Decimal(120), "USD")
    assert [line.description for line in invoice.lines.all()] == ["Cedar posts"]
    assert invoice.original


def test_the_terms_decide_the_due_date_that_is_left_out(collector: Client) -> None:
    terms = PaymentTerms.objects.create(code="t45", name="45 days", kind=TermsKind.NET, days=45)
    collector.post("/invoices/add/", filled(make.customer(), due_date="", terms=terms.pk))
    assert str(Invoice.objects.get(number="INV-500").due_date) == "2026-12-17"


def test_instalment_terms_cut_the_invoice_into_its_parts(collector: Client) -> None:
    terms = PaymentTerms.objects.create(
        code="half",
        name="Half and half",
        kind=TermsKind.INSTALMENTS,
        instalments=[["50", 0], ["50", 30]],
    )
    collector.post("/invoices/add/", filled(make.customer(), due_date="", terms=terms.pk))
    parts = Invoice.objects.get(number="INV-500").instalments.all()
    assert [(str(part.due_date), part.amount) for part in parts] == [
        ("2026-11-02", Decimal(60)),
        ("2026-12-02", Decimal(60)),
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"customer_number": "C-nobody"}, "There is no customer C-nobody."),
        ({"due_date": ""}, "Enter a due date, or choose terms."),
        ({"due_date": "2026-10-01"}, "The due date lies before the issue date."),
        ({"amount": "0"}, "Enter an amount above nothing"),
        ({"currency": "XYZ"}, "not a currency code"),
        ({"lines-0-amount": "5"}, "A line needs a description and an amount."),
        ({"original": SimpleUploadedFile("x.pdf", b"GIF89a")}, "Choose a PDF file."),
    ],
)
def test_an_invoice_that_cannot_be_booked_is_sent_back_with_the_reason(
    collector: Client, changes: dict[str, object], says: str
) -> None:
    answer = collector.post("/invoices/add/", filled(make.customer(), **changes))
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Invoice.objects.exists()


def test_the_same_number_is_not_booked_twice(collector: Client) -> None:
    customer = make.customer()
    collector.post("/invoices/add/", filled(customer))
    answer = collector.post("/invoices/add/", filled(customer))
    assert "INV-500 is in the ledger already." in answer.content.decode()
    assert Invoice.objects.count() == 1


def test_the_form_knows_the_customer_it_was_opened_from(collector: Client) -> None:
    customer = make.customer(currency="EUR")
    form = collector.get(f"/invoices/add/?customer={customer.pk}").context["form"]
    assert form.initial["customer_number"] == customer.number
    assert form.initial["currency"] == "EUR"


def test_an_original_is_kept_and_given_out_as_a_download(collector: Client) -> None:
    invoice = make.invoice(make.customer(), number="A/77")
    upload = SimpleUploadedFile("inv.pdf", PDF, "application/pdf")
    collector.post(f"/invoices/{invoice.pk}/original/add/", {"original": upload})
    answer = collector.get(f"/invoices/{invoice.pk}/original/")
    assert b"".join(answer.streaming_content) == PDF
    assert answer["Content-Disposition"] == 'attachment; filename="A-77.pdf"'
    assert answer["Content-Type"] == "application/pdf"


def test_a_file_that_is_no_pdf_is_refused_and_nothing_is_kept(collector: Client) -> None:
    invoice = make.invoice(make.customer())
    upload = SimpleUploadedFile("inv.pdf", BytesIO(b"<html>").read(), "application/pdf")
    answer = collector.post(
        f"/invoices/{invoice.pk}/original/add/", {"original": upload}, follow=True
    )
    assert "Choose a PDF file." in answer.content.decode()
    invoice.refresh_from_db()
    assert not invoice.original
    assert collector.get(f"/invoices/{invoice.pk}/original/").status_code == 404


def test_a_reader_adds_neither_invoice_nor_original(client: Client, db: None) -> None:
    invoice = make.invoice(make.customer())
    client.force_login(member("read_only"))
    assert client.get("/invoices/add/").status_code == 403
    assert client.post("/invoices/add/", {}).status_code == 403
    assert client.post(f"/invoices/{invoice.pk}/original/add/", {}).status_code == 403
    assert "Upload the PDF" not in page(client, invoice)


def test_an_invoice_is_added_without_javascript(page_as: Callable[..., Page]) -> None:
    customer = make.customer("C-9")
    browser = page_as("collector", script=False)
    browser.goto(f"/invoices/add/?customer={customer.pk}")
    browser.get_by_label("Invoice number").fill("INV-31")
    browser.get_by_label("Due on").fill("2027-01-31")
    browser.get_by_label("Amount with tax").fill("80.00")
    browser.get_by_role("button", name="Add the invoice").click()
    assert browser.get_by_role("heading", name="Invoice INV-31").is_visible()


def test_the_invoice_pages_have_no_accessibility_violation(look_at: Callable[..., None]) -> None:
    customer = make.customer()
    invoice = make.invoice(
        customer, due=TODAY - timedelta(days=40), lines=[NewLine("Cedar", Decimal(100))]
    )
    make.payment(customer, "20.00", TODAY, invoice)
    make.dispute(invoice, "10.00", on=TODAY)
    for path in ("/invoices/", f"/invoices/{invoice.pk}/", "/invoices/add/"):
        look_at(path)
