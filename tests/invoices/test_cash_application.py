"""Cash application: what is open follows from what was allocated, to the cent."""

from datetime import date
from decimal import Decimal

import pytest

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM
from arfollow.shared.models import Event
from customers.models import Customer
from invoices import services
from invoices.models import Allocation, Invoice
from tests import make
from tests.make import TODAY

pytestmark = pytest.mark.django_db

D = Decimal


def fresh(row: Invoice) -> Invoice:
    row.refresh_from_db()
    return row


def test_a_payment_settles_the_oldest_due_first() -> None:
    customer = make.customer()
    newer = make.invoice(customer, "100", due=date(2026, 2, 20))
    older = make.invoice(customer, "100", due=date(2026, 1, 20))
    make.payment(customer, "130")
    assert fresh(older).open_amount == 0
    assert fresh(newer).open_amount == D("70.00")


def test_a_payment_can_name_its_invoices() -> None:
    customer = make.customer()
    older = make.invoice(customer, "100", due=date(2026, 1, 20))
    newer = make.invoice(customer, "100", due=date(2026, 2, 20))
    make.payment(customer, "100", TODAY, newer)
    assert (fresh(older).open_amount, fresh(newer).open_amount) == (D("100.00"), 0)


def test_what_is_left_over_is_unapplied_cash() -> None:
    customer = make.customer()
    make.invoice(customer, "100")
    payment = make.payment(customer, "150")
    assert payment.unapplied_amount == D("50.00")


def test_a_paid_invoice_is_closed_on_the_day_the_money_came() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100", due=date(2026, 2, 1))
    make.payment(customer, "40", date(2026, 2, 10))
    assert fresh(invoice).closed_on is None
    make.payment(customer, "60", date(2026, 2, 20))
    assert fresh(invoice).closed_on == date(2026, 2, 20)


def test_l09_a_part_payment_leaves_the_residual_everywhere() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100.00")
    make.payment(customer, "33.33")
    assert fresh(invoice).open_amount == D("66.67")
    assert fresh(invoice).collectible == D("66.67")


def test_money_in_another_currency_settles_nothing() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100", currency="EUR")
    payment = make.payment(customer, "100", currency="USD")
    assert fresh(invoice).open_amount == D("100.00")
    assert payment.unapplied_amount == D("100.00")


def test_a_payment_cannot_be_allocated_to_another_currency() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100", currency="EUR")
    with pytest.raises(ServiceError, match="is in EUR"):
        make.payment(customer, "100", TODAY, invoice, currency="USD")


def test_a_payment_cannot_be_allocated_to_another_customer() -> None:
    theirs = make.invoice(make.customer(), "100")
    with pytest.raises(ServiceError, match="another customer"):
        make.payment(make.customer(), "100", TODAY, theirs)


def test_no_more_can_be_allocated_than_is_open() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100")
    payment = make.payment(customer, "500", TODAY, currency="USD")
    assert payment.unapplied_amount == D("400.00")
    with pytest.raises(ServiceError, match="Only USD 0.00"):
        services.allocate(
            actor=SYSTEM, invoice_id=invoice.pk, amount=D(1), on=TODAY, payment_id=payment.pk
        )


def test_no_more_can_be_allocated_than_came_in() -> None:
    customer = make.customer()
    one, two = make.invoice(customer, "100"), make.invoice(customer, "100")
    with pytest.raises(ServiceError, match="More is allocated"):
        services.record_payment(
            customer.pk,
            actor=SYSTEM,
            received_on=TODAY,
            currency="USD",
            amount=D(150),
            allocate=[(one.pk, D(100)), (two.pk, D(100))],
        )
    assert not Allocation.objects.exists()


@pytest.mark.parametrize("amount", ["0", "-1", "1.005"])
def test_only_a_positive_amount_with_two_decimals_is_money(amount: str) -> None:
    with pytest.raises(ServiceError, match="positive"):
        make.payment(make.customer(), amount)


def test_a_currency_the_ledger_cannot_hold_is_refused() -> None:
    with pytest.raises(ServiceError):
        make.payment(make.customer(), "1", currency="KWD")


def test_the_same_bank_line_is_posted_once() -> None:
    customer = make.customer()
    line = {"received_on": TODAY, "currency": "USD", "amount": D(5), "source": "bank"}
    services.record_payment(customer.pk, actor=SYSTEM, external_id="TX1", **line)  # type: ignore[arg-type]
    with pytest.raises(ServiceError, match="already"):
        services.record_payment(customer.pk, actor=SYSTEM, external_id="TX1", **line)  # type: ignore[arg-type]


def test_l13_a_bounced_payment_opens_its_invoices_again() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100")
    payment = make.payment(customer, "100")
    services.reverse_payment(payment.pk, on=TODAY, reason="cheque bounced", actor=SYSTEM)
    assert fresh(invoice).open_amount == D("100.00")
    assert fresh(invoice).closed_on is None
    payment.refresh_from_db()
    assert (payment.unapplied_amount, payment.reversed_on) == (0, TODAY)


def test_a_payment_is_reversed_once() -> None:
    payment = make.payment(make.customer(), "100")
    services.reverse_payment(payment.pk, on=TODAY, reason="bounced", actor=SYSTEM)
    with pytest.raises(ServiceError, match="already"):
        services.reverse_payment(payment.pk, on=TODAY, reason="bounced", actor=SYSTEM)


def test_a_payment_is_not_reversed_before_it_was_received() -> None:
    payment = make.payment(make.customer(), "100")
    with pytest.raises(ServiceError, match="before it was received"):
        services.reverse_payment(payment.pk, on=date(2026, 1, 1), reason="x", actor=SYSTEM)


def test_unapplied_cash_can_be_allocated_later() -> None:
    customer = make.customer()
    payment = make.payment(customer, "100")
    invoice = make.invoice(customer, "80")
    services.allocate(
        actor=SYSTEM, invoice_id=invoice.pk, amount=D(80), on=TODAY, payment_id=payment.pk
    )
    payment.refresh_from_db()
    assert (fresh(invoice).open_amount, payment.unapplied_amount) == (0, D("20.00"))


def test_l06_a_credit_note_lowers_the_invoice_it_is_for() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100")
    credit = make.credit_note(customer, "30", invoice=invoice)
    assert (fresh(invoice).open_amount, credit.unapplied_amount) == (D("70.00"), 0)


def test_what_a_credit_note_has_over_stays_the_customers() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100")
    credit = make.credit_note(customer, "130", invoice=invoice)
    assert (fresh(invoice).open_amount, credit.unapplied_amount) == (0, D("30.00"))


def test_l25_a_payment_fills_the_oldest_instalment_first() -> None:
    customer = make.customer()
    parts = [
        services.NewInstalment(date(2026, 2, 1), D(40)),
        services.NewInstalment(date(2026, 3, 1), D(60)),
    ]
    invoice = make.invoice(customer, "100", due=date(2026, 3, 1), instalments=parts)
    assert invoice.next_due_date == date(2026, 2, 1)
    make.payment(customer, "50")
    opens = list(invoice.instalments.values_list("open_amount", flat=True))
    assert (opens, fresh(invoice).next_due_date) == ([0, D("50.00")], date(2026, 3, 1))


def test_every_posting_leaves_an_event_and_wakes_the_run() -> None:
    customer = make.customer()
    before = Customer.objects.get(pk=customer.pk).ledger_seq
    payment = make.payment(customer, "10")
    services.reverse_payment(payment.pk, on=TODAY, reason="bounced", actor=SYSTEM)
    verbs = list(
        Event.objects.filter(object_type="payment").order_by("id").values_list("verb", flat=True)
    )
    assert verbs == ["payment.recorded", "payment.reversed"]
    assert Customer.objects.get(pk=customer.pk).ledger_seq == before + 2
