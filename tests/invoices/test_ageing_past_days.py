"""L26: the ageing of a past day is what it was, whatever happened since."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arfollow.shared.events import SYSTEM
from invoices.aging import Ageing
from invoices.queries import ageing, current_ageing
from invoices.services import (
    NewInstalment,
    allocate,
    record_payment,
    reverse_payment,
    write_off,
)
from tests import make
from tests.invoices.importing import undone

pytestmark = pytest.mark.django_db

ISSUED, DUE = date(2026, 1, 5), date(2026, 2, 4)


def usd(as_of: date) -> Ageing:
    return ageing(as_of).get("USD", Ageing())


def open_on(*days: date) -> list[Decimal]:
    return [usd(day).open for day in days]


def test_l26_a_later_payment_leaves_earlier_days_alone() -> None:
    invoice = make.invoice(make.customer(), "100.00", DUE, issued=ISSUED)
    before = usd(date(2026, 3, 1))
    make.payment(invoice.customer, "60.00", date(2026, 3, 2), invoice)
    assert usd(date(2026, 3, 1)) == before
    assert open_on(date(2026, 3, 1), date(2026, 3, 2)) == [100, 40]


def test_an_invoice_is_open_from_the_day_it_is_issued() -> None:
    make.invoice(make.customer(), "100.00", DUE, issued=ISSUED)
    assert open_on(ISSUED - timedelta(days=1), ISSUED) == [0, 100]


def test_a_settled_invoice_was_open_before() -> None:
    invoice = make.invoice(make.customer(), "100.00", DUE, issued=ISSUED)
    make.payment(invoice.customer, "100.00", date(2026, 3, 2), invoice)
    assert open_on(date(2026, 3, 1), date(2026, 3, 2)) == [100, 0]
    assert usd(date(2026, 3, 1)).overdue_customers == 1
    assert ageing(date(2026, 3, 2)) == {}


def test_a_bounced_payment_counted_until_it_bounced() -> None:
    invoice = make.invoice(make.customer(), "100.00", DUE, issued=ISSUED)
    payment = make.payment(invoice.customer, "100.00", date(2026, 2, 10), invoice)
    reverse_payment(payment.pk, on=date(2026, 2, 20), reason="NSF", actor=SYSTEM)
    days = (date(2026, 2, 9), date(2026, 2, 10), date(2026, 2, 19), date(2026, 2, 20))
    assert open_on(*days) == [100, 0, 0, 100]
    assert [usd(day).unapplied for day in days] == [0, 0, 0, 0]


def test_a_write_off_counts_from_its_day() -> None:
    invoice = make.invoice(make.customer(), "100.00", DUE, issued=ISSUED)
    write_off(invoice.pk, Decimal(30), on=date(2026, 3, 2), reason="small", actor=SYSTEM)
    assert open_on(date(2026, 3, 1), date(2026, 3, 2)) == [100, 70]


def test_cash_was_unapplied_until_it_was_allocated() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100.00", DUE, issued=ISSUED)
    payment = record_payment(
        customer.pk,
        actor=SYSTEM,
        received_on=date(2026, 2, 10),
        currency="USD",
        amount=Decimal(80),
        allocate=[],
    )
    on = date(2026, 2, 20)
    allocate(actor=SYSTEM, invoice_id=invoice.pk, amount=Decimal(80), on=on, payment_id=payment.pk)
    days = (date(2026, 2, 9), date(2026, 2, 10), date(2026, 2, 19), date(2026, 2, 20))
    assert [usd(day).unapplied for day in days] == [0, 80, 80, 0]
    assert open_on(*days) == [100, 100, 100, 20]


def test_a_credit_note_stands_beside_until_it_is_used() -> None:
    customer = make.customer()
    invoice = make.invoice(customer, "100.00", DUE, issued=ISSUED)
    note = make.credit_note(customer, "30.00", date(2026, 2, 10))
    on = date(2026, 2, 20)
    allocate(actor=SYSTEM, invoice_id=invoice.pk, amount=Decimal(30), on=on, credit_note_id=note.pk)
    days = (date(2026, 2, 9), date(2026, 2, 10), date(2026, 2, 20))
    assert [usd(day).credits for day in days] == [0, 30, 0]
    assert open_on(*days) == [100, 100, 70]


def test_only_the_late_instalment_is_late() -> None:
    invoice = make.invoice(
        make.customer(),
        "90.00",
        date(2026, 4, 5),
        issued=ISSUED,
        instalments=[NewInstalment(date(2026, n, 5), Decimal(30)) for n in (2, 3, 4)],
    )
    make.payment(invoice.customer, "40.00", date(2026, 2, 20), invoice)
    found = usd(date(2026, 3, 10))
    assert (found.buckets["1-30"].amount, found.buckets["not_due"].amount) == (20, 30)
    assert (found.open_invoices, found.overdue_invoices) == (1, 1)
    before = usd(date(2026, 2, 19))
    assert (before.buckets["1-30"].amount, before.buckets["not_due"].amount) == (30, 60)


def test_a_disputed_invoice_is_open_all_the_same() -> None:
    make.invoice(make.customer(), "100.00", DUE, issued=ISSUED, disputed="100.00")
    assert usd(date(2026, 3, 1)).overdue == 100


def test_the_ageing_of_today_from_kept_columns_is_the_same() -> None:
    customer = make.customer()
    for number in range(6):
        due = make.TODAY - timedelta(days=40 * number - 20)
        make.invoice(customer, "10.00", due, currency="EUR" if number % 2 else "USD")
    parts = [NewInstalment(make.TODAY + timedelta(days=n), Decimal(5)) for n in (-9, 9)]
    make.invoice(
        make.customer(), "10.00", parts[1].due_date, issued=date(2026, 1, 1), instalments=parts
    )
    make.payment(customer, "25.00", make.TODAY)
    make.payment(customer, "900.00", make.TODAY, currency="EUR")
    make.credit_note(customer, "3.00", make.TODAY)
    assert current_ageing(make.TODAY) == ageing(make.TODAY)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "pay", "credit", "reverse", "write off"]),
        st.integers(0, 40),
        st.integers(1, 90),
    ),
    max_size=7,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_l26_no_later_step_of_any_kind_changes_an_earlier_day(
    steps: list[tuple[str, int, int]],
) -> None:
    with undone():
        assert_the_past_stays(steps)


def assert_the_past_stays(steps: list[tuple[str, int, int]]) -> None:
    customer = make.customer()
    day = date(2026, 1, 1)
    seen: dict[date, dict[str, Ageing]] = {}
    payments = []
    for what, days, amount in steps:
        seen[day] = ageing(day)
        day += timedelta(days=days + 1)
        invoice = customer.invoices.filter(open_amount__gte=1).order_by("?").first()
        if what == "invoice":
            make.invoice(customer, f"{amount}.00", day + timedelta(days=30), issued=day)
        elif what == "pay":
            payments.append(make.payment(customer, f"{amount}.00", day))
        elif what == "credit":
            make.credit_note(customer, f"{amount}.00", day, invoice=invoice)
        elif what == "reverse" and payments:
            reverse_payment(payments.pop().pk, on=day, reason="NSF", actor=SYSTEM)
        elif what == "write off" and invoice:
            write_off(invoice.pk, Decimal(1), on=day, reason="small", actor=SYSTEM)
    assert {one: ageing(one) for one in seen} == seen
