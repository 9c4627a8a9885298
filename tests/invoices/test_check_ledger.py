"""check_ledger finds every kept amount that its rows do not give."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Model

from arfollow.shared.events import SYSTEM
from invoices.models import Allocation, Charge, CreditNote, Dispute, Instalment, Invoice, Payment
from invoices.services import NewInstalment, add_charge, reverse_payment, write_off
from invoices.services.check import breaches
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def lively() -> None:
    """A ledger with everything in it, all through the services."""
    customer = make.customer()
    paid, part, split, charged = (
        make.invoice(customer, "100.00"),
        make.invoice(customer, "100.00", disputed="30.00"),
        make.invoice(
            customer,
            "90.00",
            date(2026, 4, 5),
            issued=date(2026, 1, 5),
            instalments=[NewInstalment(date(2026, n, 5), Decimal(30)) for n in (2, 3, 4)],
        ),
        make.invoice(customer, "100.00"),
    )
    make.payment(customer, "170.00", make.TODAY, paid, part)
    make.payment(customer, "40.00", make.TODAY, split)
    make.credit_note(customer, "20.00", make.TODAY, invoice=charged)
    make.credit_note(customer, "9.00")
    write_off(charged.pk, Decimal(5), on=make.TODAY, reason="small", actor=SYSTEM)
    add_charge(charged.pk, "fee", Decimal(4), on=make.TODAY, basis="late fee", actor=SYSTEM)
    bounced = make.payment(customer, "11.00", make.TODAY, charged)
    reverse_payment(bounced.pk, on=make.TODAY, reason="NSF", actor=SYSTEM)


def found() -> set[tuple[str, str]]:
    return {(one.kind, one.column) for one in breaches()}


@pytest.mark.usefixtures("lively")
def test_a_ledger_written_by_the_services_is_sound() -> None:
    assert found() == set()


@pytest.mark.usefixtures("lively")
@pytest.mark.parametrize(
    ("model", "where", "change", "breach"),
    [
        (Invoice, {"open_amount__gt": 50}, {"open_amount": "50.00"}, ("invoice", "open_amount")),
        (
            Invoice,
            {"disputed_amount": 30},
            {"disputed_amount": "1"},
            ("invoice", "disputed_amount"),
        ),
        (Invoice, {}, {"next_due_date": "2020-01-01"}, ("invoice", "next_due_date")),
        (Invoice, {"open_amount": 0}, {"closed_on": "2020-01-01"}, ("invoice", "closed_on")),
        (Invoice, {"amount": 90}, {"amount": "91.00"}, ("invoice", "instalments")),
        (Instalment, {"open_amount": 20}, {"open_amount": "7"}, ("instalment", "open_amount")),
        (
            Payment,
            {"unapplied_amount": 0},
            {"unapplied_amount": 1},
            ("payment", "unapplied_amount"),
        ),
        (CreditNote, {"amount": 9}, {"unapplied_amount": 8}, ("creditnote", "unapplied_amount")),
        (Charge, {}, {"open_amount": 3}, ("charge", "open_amount")),
        (Dispute, {}, {"amount": "12.00"}, ("invoice", "disputed_amount")),
        (Allocation, {"amount": 40}, {"amount": "41.00"}, ("invoice", "open_amount")),
        (Allocation, {"amount": 100}, {"amount": "101.00"}, ("invoice", "amount")),
        (Payment, {"reversed_on": None}, {"reversed_on": make.TODAY}, ("payment", "reversed_on")),
    ],
)
def test_every_kept_amount_that_was_meddled_with_is_found(
    model: type[Model], where: dict[str, Any], change: dict[str, Any], breach: tuple[str, str]
) -> None:
    assert model._default_manager.filter(**where).update(**change)
    assert breach in found()


@pytest.mark.usefixtures("lively")
def test_money_of_another_customer_is_found() -> None:
    other = make.customer()
    Payment.objects.filter(amount=40).update(customer=other)
    assert found() == {("allocation", "payment")}


@pytest.mark.usefixtures("lively")
def test_money_of_another_currency_is_found() -> None:
    CreditNote.objects.filter(amount=20).update(currency="EUR")
    assert found() == {("allocation", "credit_note")}
