"""Ageing: days past due, the bucket each belongs to, and totals that tie (FACTS section 4)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.aging import BUCKETS, OpenItem, Spare, age, bucket_of, days_past_due

AS_OF = date(2026, 3, 2)


def item(days: int, amount: str = "10.00", customer: int = 1, invoice: int = 1) -> OpenItem:
    """An item that many days past due."""
    return OpenItem(customer, "USD", AS_OF - timedelta(days=days), Decimal(amount), invoice)


ITEMS = st.lists(
    st.builds(
        OpenItem,
        st.integers(1, 5),
        st.sampled_from(["USD", "EUR"]),
        st.dates(date(2025, 1, 1), date(2026, 12, 31)),
        st.decimals(min_value=0, max_value=10**6, places=2),
        st.integers(1, 40),
    )
)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-30, "not_due"),
        (0, "not_due"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91-120"),
        (120, "91-120"),
        (121, "120+"),
        (5000, "120+"),
    ],
)
def test_each_day_past_due_has_its_bucket(days: int, bucket: str) -> None:
    assert bucket_of(days) == bucket


def test_l04_an_invoice_is_not_late_on_its_due_date() -> None:
    assert days_past_due(AS_OF, AS_OF) == 0
    assert days_past_due(AS_OF - timedelta(days=1), AS_OF) == 1
    assert days_past_due(AS_OF + timedelta(days=1), AS_OF) == -1
    assert age([item(0)], AS_OF)["USD"].overdue == 0


def test_each_currency_is_aged_by_itself_in_order() -> None:
    euro = OpenItem(1, "EUR", AS_OF - timedelta(days=5), Decimal("7.00"), 2)
    found = age([item(5), euro], AS_OF)
    assert list(found) == ["EUR", "USD"]
    assert found["EUR"].open == Decimal("7.00")
    assert found["USD"].open == Decimal("10.00")


def test_a_customer_with_several_late_invoices_counts_once() -> None:
    found = age([item(5, invoice=1), item(50, invoice=2), item(5, customer=2, invoice=3)], AS_OF)
    assert found["USD"].overdue_customers == 2
    assert found["USD"].overdue_invoices == 3


def test_two_instalments_of_an_invoice_age_apart_but_count_once_in_the_totals() -> None:
    found = age([item(40), item(-5)], AS_OF)["USD"]
    assert (found.buckets["31-60"].count, found.buckets["not_due"].count) == (1, 1)
    assert (found.open_invoices, found.overdue_invoices) == (1, 1)


def test_an_item_without_anything_open_is_left_out() -> None:
    assert age([item(5, "0.00")], AS_OF) == {}


def test_credits_and_unapplied_cash_stand_beside_the_buckets() -> None:
    found = age(
        [item(5)],
        AS_OF,
        credits=[Spare(1, "USD", Decimal("3.00"))],
        unapplied=[Spare(1, "USD", Decimal("4.00")), Spare(2, "GBP", Decimal("1.00"))],
    )
    assert (found["USD"].open, found["USD"].credits, found["USD"].unapplied) == (10, 3, 4)
    assert (found["GBP"].open, found["GBP"].unapplied) == (0, 1)


@given(ITEMS)
def test_l26_buckets_and_not_due_add_up_to_the_ledger(items: list[OpenItem]) -> None:
    found = age(items, AS_OF)
    for currency, one in found.items():
        of_currency = [i for i in items if i.currency == currency and i.amount]
        assert one.open == sum(i.amount for i in of_currency)
        late = [i for i in of_currency if i.due_date < AS_OF]
        assert one.overdue == sum(i.amount for i in late)
        assert sum(bucket.count for bucket in one.buckets.values()) == len(of_currency)
        assert one.overdue_customers == len({i.customer_id for i in late})
        assert tuple(one.buckets) == BUCKETS
