"""What an import posts of payments and disputes, as of its day."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.imports.plan import (
    EarlierDay,
    Known,
)
from tests.rules.import_plans import AS_OF, INVOICE, ledger, messages, plan

# --- As of a day --------------------------------------------------------------------------------


def test_an_invoice_issued_after_the_day_does_not_exist_yet() -> None:
    found = plan({"issue_date": "2026-04-01", "due_date": "2026-05-01"})
    assert (found.not_yet, found.invoices, found.customers) == (1, [], [])


def test_an_invoice_issued_on_the_day_exists() -> None:
    assert plan({"issue_date": "2026-03-31", "due_date": "2026-04-30"}).invoices


def test_a_payment_after_the_day_does_not_exist_yet() -> None:
    assert not plan({"paid_date": "2026-04-01"}).payments
    assert plan({"paid_date": "2026-03-31"}).payments


def test_a_later_day_posts_what_happened_since() -> None:
    row = {"paid_date": "2026-03-10"}
    before = plan(row, as_of=date(2026, 3, 9))
    assert (len(before.invoices), before.payments) == (1, [])
    after = plan(row, known=replace(ledger(), as_of=date(2026, 3, 9)))
    assert [(one.received_on, one.amount) for one in after.payments] == [
        (date(2026, 3, 10), Decimal(100))
    ]
    assert (after.invoices, len(after.updates)) == ([], 1)


def test_an_earlier_day_is_refused() -> None:
    with pytest.raises(EarlierDay, match="2026-04-01"):
        plan({}, known=Known(as_of=date(2026, 4, 1)))


# --- Payments -----------------------------------------------------------------------------------


def test_a_paid_date_without_an_amount_is_payment_in_full() -> None:
    assert plan({"paid_date": "2026-01-20"}).payments[0].amount == 100


def test_a_stated_amount_is_posted_on_its_date() -> None:
    payment = plan({"paid_amount": "40.00", "paid_date": "2026-01-20"}).payments[0]
    assert (payment.amount, payment.received_on) == (40, date(2026, 1, 20))


def test_a_stated_amount_without_a_date_counts_from_the_day_of_the_import() -> None:
    assert plan({"paid_amount": "40.00"}).payments[0].received_on == AS_OF


def test_an_overpayment_is_posted_whole() -> None:
    assert plan({"paid_amount": "130.00"}).payments[0].amount == 130


def test_of_a_stated_total_only_the_excess_is_posted() -> None:
    known = ledger(replace(INVOICE, open_amount=Decimal(60), paid=Decimal(40)))
    found = plan({"paid_amount": "70.00"}, known=known)
    assert [(one.amount, one.stated) for one in found.payments] == [(30, 70)]


def test_the_same_stated_total_posts_nothing() -> None:
    known = ledger(replace(INVOICE, open_amount=Decimal(60), paid=Decimal(40)))
    found = plan({"paid_amount": "40.00"}, known=known)
    assert found.changes_nothing
    assert found.unchanged == 1


def test_a_smaller_stated_total_is_told_and_never_reversed() -> None:
    known = ledger(replace(INVOICE, open_amount=Decimal(60), paid=Decimal(40)))
    found = plan({"paid_amount": "10.00"}, known=known)
    assert found.changes_nothing
    assert "the file says 10.00 paid, the ledger has 40.00" in messages(found)[0]


def test_what_a_credit_note_settled_is_not_paid_again() -> None:
    known = ledger(replace(INVOICE, open_amount=Decimal(80), credited=Decimal(20)))
    assert plan({"paid_date": "2026-02-01"}, known=known).payments[0].amount == 80


def test_a_list_that_says_paid_without_a_date_is_believed() -> None:
    found = plan({"status": "Paid"})
    assert [(one.amount, one.received_on) for one in found.payments] == [(100, AS_OF)]


def test_a_list_that_says_part_paid_without_an_amount_is_told() -> None:
    found = plan({"status": "Partially Paid"})
    assert not found.payments
    assert messages(found) == ["1 invoices are part paid, but the file does not say how much"]


@given(
    st.lists(st.decimals(min_value=0, max_value=500, places=2), min_size=1, max_size=6),
)
def test_stated_totals_in_any_order_post_the_largest_once(totals: list[Decimal]) -> None:
    posted = Decimal(0)
    for total in totals:
        open_amount = max(Decimal(100) - posted, Decimal(0))
        known = ledger(replace(INVOICE, open_amount=open_amount, paid=posted))
        found = plan({"paid_amount": str(total)}, known=known)
        posted += sum(one.amount for one in found.payments)
    assert posted == max(totals)


# --- Disputes -----------------------------------------------------------------------------------


def test_a_flag_is_an_open_dispute_over_what_is_open() -> None:
    found = plan({"disputed": "yes", "paid_amount": "40.00"})
    assert [(one.amount, one.raised_on, one.resolved_on) for one in found.disputes] == [
        (60, date(2026, 1, 5), None)
    ]


def test_a_dispute_over_a_part_is_over_that_part() -> None:
    assert plan({"disputed": "25.00"}).disputes[0].amount == 25


def test_settled_and_disputed_is_a_closed_dispute() -> None:
    found = plan({"disputed": "yes", "paid_date": "2026-02-10"})
    assert [(one.amount, one.resolved_on) for one in found.disputes] == [(100, date(2026, 2, 10))]


def test_a_known_dispute_is_not_opened_again() -> None:
    known = ledger(replace(INVOICE, has_dispute=True, open_disputes=(5,)))
    assert plan({"disputed": "yes"}, known=known).changes_nothing


def test_a_known_dispute_ends_when_the_invoice_is_settled() -> None:
    known = ledger(replace(INVOICE, has_dispute=True, open_disputes=(5,)))
    found = plan({"disputed": "yes", "paid_date": "2026-03-02"}, known=known)
    assert [(one.dispute_id, one.resolved_on, one.paid) for one in found.ended] == [
        (5, date(2026, 3, 2), True)
    ]


def test_a_known_dispute_ends_when_the_flag_is_gone() -> None:
    known = ledger(replace(INVOICE, has_dispute=True, open_disputes=(5,)))
    found = plan({}, known=known)
    assert [(one.dispute_id, one.resolved_on, one.paid) for one in found.ended] == [
        (5, AS_OF, False)
    ]


def test_a_dispute_that_staff_settled_stays_settled() -> None:
    known = ledger(replace(INVOICE, has_dispute=True))
    assert plan({"disputed": "yes"}, known=known).changes_nothing


def test_a_flag_on_a_known_invoice_is_raised_on_the_day_of_the_import() -> None:
    assert plan({"disputed": "yes"}, known=ledger()).disputes[0].raised_on == AS_OF
