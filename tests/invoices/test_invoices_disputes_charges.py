"""Invoices, disputes, write-offs and charges: what is refused, and what follows."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM
from invoices import services
from invoices.models import Charge, Dispute, Invoice
from tests import make
from tests.make import TODAY

pytestmark = pytest.mark.django_db

D = Decimal


def fresh(row: Invoice) -> Invoice:
    row.refresh_from_db()
    return row


def test_an_invoice_number_is_booked_once_per_source() -> None:
    customer = make.customer()
    make.invoice(customer, number="7")
    with pytest.raises(ServiceError, match="already"):
        make.invoice(customer, number="7")
    make.invoice(customer, number="7", source="xero")
    assert Invoice.objects.filter(number="7").count() == 2


def test_an_invoice_is_not_due_before_it_is_issued() -> None:
    with pytest.raises(ServiceError, match="before the issue date"):
        make.invoice(make.customer(), due=TODAY, issued=date(2026, 3, 3))


def test_instalments_add_up_to_the_invoice() -> None:
    parts = [services.NewInstalment(TODAY, D(40)), services.NewInstalment(TODAY, D(50))]
    with pytest.raises(ServiceError, match="do not add up"):
        make.invoice(make.customer(), "100", instalments=parts)


def test_lines_keep_their_order_and_amounts() -> None:
    lines = [services.NewLine("Rope", D("60.00")), services.NewLine("Tar", D("40.00"))]
    invoice = make.invoice(make.customer(), "100", lines=lines)
    kept = list(invoice.lines.values_list("position", "description", "amount"))
    assert kept == [(1, "Rope", D("60.00")), (2, "Tar", D("40.00"))]


def test_only_a_pdf_is_kept_as_the_original(settings: object, tmp_path: Path) -> None:
    invoice = make.invoice(make.customer())
    with pytest.raises(ServiceError, match="not a PDF"):
        services.attach_original(invoice.pk, "virus.pdf", b"MZ...", actor=SYSTEM)
    kept = services.attach_original(invoice.pk, "../../7.pdf", b"%PDF-1.7 x", actor=SYSTEM)
    assert ".." not in kept.original.name
    assert kept.original.read() == b"%PDF-1.7 x"
    assert len(kept.original_sha256) == 64


def test_an_original_over_ten_megabytes_is_refused() -> None:
    invoice = make.invoice(make.customer())
    with pytest.raises(ServiceError, match="10 MB"):
        services.attach_original(invoice.pk, "7.pdf", b"%PDF-" + b"0" * 10_500_000, actor=SYSTEM)


def test_a_disputed_part_is_not_collectible() -> None:
    invoice = make.invoice(make.customer(), "100", disputed="30")
    assert (invoice.open_amount, invoice.disputed_amount) == (D("100.00"), D("30.00"))
    assert invoice.collectible == D("70.00")


def test_no_more_can_be_disputed_than_is_open_and_free() -> None:
    invoice = make.invoice(make.customer(), "100", disputed="80")
    with pytest.raises(ServiceError, match=r"Only USD 20\.00"):
        make.dispute(invoice, "30")


def test_a_dispute_without_an_amount_takes_all_that_is_left() -> None:
    invoice = make.invoice(make.customer(), "100", disputed="30")
    assert make.dispute(invoice).amount == D("70.00")
    assert fresh(invoice).collectible == 0


def test_a_paid_invoice_cannot_be_disputed() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100")
    make.payment(customer, "100")
    with pytest.raises(ServiceError):
        make.dispute(invoice)


def test_a_payment_lowers_what_is_disputed_with_what_is_open() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100", disputed="80")
    make.payment(customer, "50")
    assert (fresh(invoice).open_amount, invoice.disputed_amount) == (D("50.00"), D("50.00"))


@pytest.mark.parametrize("status", ["accepted", "rejected", "credited"])
def test_a_resolved_dispute_frees_its_amount(status: str) -> None:
    invoice = make.invoice(make.customer(), "100", disputed="30")
    row = Dispute.objects.get()
    services.resolve_dispute(row.pk, status, on=TODAY, resolution="agreed", actor=SYSTEM)
    row.refresh_from_db()
    assert (row.status, row.resolved_on) == (status, TODAY)
    assert fresh(invoice).disputed_amount == 0


def test_a_dispute_is_resolved_once() -> None:
    row = make.dispute(make.invoice(make.customer(), "100"), on=TODAY)
    services.resolve_dispute(row.pk, "rejected", on=TODAY, resolution="ok", actor=SYSTEM)
    with pytest.raises(ServiceError, match="already"):
        services.resolve_dispute(row.pk, "accepted", on=TODAY, resolution="ok", actor=SYSTEM)


def test_a_write_off_needs_a_reason_and_stays_within_the_open_amount() -> None:
    invoice = make.invoice(make.customer(), "100")
    with pytest.raises(ServiceError, match="reason"):
        services.write_off(invoice.pk, D(10), on=TODAY, reason=" ", actor=SYSTEM)
    with pytest.raises(ServiceError, match="than is open"):
        services.write_off(invoice.pk, D(101), on=TODAY, reason="gone", actor=SYSTEM)
    services.write_off(invoice.pk, D(100), on=TODAY, reason="gone", actor=SYSTEM)
    assert (fresh(invoice).open_amount, invoice.closed_on) == (0, TODAY)


def test_l11_a_fee_is_charged_once_a_day_and_principal_paid_leaves_it_open() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100")
    charge = {"on": TODAY, "basis": "1.5 % a month", "actor": SYSTEM}
    services.add_charge(invoice.pk, "interest", D("1.50"), **charge)  # type: ignore[arg-type]
    with pytest.raises(ServiceError, match="already"):
        services.add_charge(invoice.pk, "interest", D("1.50"), **charge)  # type: ignore[arg-type]
    make.payment(customer, "100")
    assert fresh(invoice).open_amount == 0
    assert Charge.objects.get().open_amount == D("1.50")


def test_l11_a_charge_can_be_waived_once() -> None:
    invoice = make.invoice(make.customer(), "100")
    row = services.add_charge(
        invoice.pk, "fee", D(40), on=TODAY, basis="late payment law", actor=SYSTEM
    )
    services.waive_charge(row.pk, on=TODAY, actor=SYSTEM)
    with pytest.raises(ServiceError):
        services.waive_charge(row.pk, on=TODAY, actor=SYSTEM)


@pytest.mark.parametrize(
    "change",
    [
        {"open_amount": D(-1)},
        {"open_amount": D(101)},
        {"disputed_amount": D(101)},
        {"open_amount": D(0)},
        {"closed_on": TODAY},
    ],
)
def test_the_database_refuses_amounts_that_cannot_be(change: dict[str, object]) -> None:
    invoice = make.invoice(make.customer(), "100")
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(**change)
