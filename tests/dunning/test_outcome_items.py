"""Open items as a call deals with them: instalments, disputes, currencies, parts (L25)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from arfollow.shared.errors import ServiceError
from dunning.models import CallOutcome, Promise
from dunning.outcomes import collectible_by_currency, open_items
from dunning.outcomes.items import chosen
from dunning.policy import ItemKey
from invoices.services import NewInstalment, add_invoice
from tests import make
from tests.dunning.calling import MONDAY, Line, ring

pytestmark = pytest.mark.django_db


def in_parts(line: Line) -> int:
    """An invoice in two parts: 30 due twenty days ago, 70 due in ten days."""
    parts = (
        NewInstalment(MONDAY - timedelta(days=20), Decimal("30.00")),
        NewInstalment(MONDAY + timedelta(days=10), Decimal("70.00")),
    )
    made = add_invoice(
        line.customer.pk, "IN-PARTS", actor=line.actor, issue_date=MONDAY - timedelta(days=40),
        due_date=MONDAY + timedelta(days=10), currency="USD", amount=Decimal("100.00"),
        instalments=parts,
    )  # fmt: skip
    return made.pk


def test_the_oldest_item_comes_first() -> None:
    line = ring()
    assert [item.number for item in open_items(line.customer.pk)] == [
        line.older.number,
        line.newer.number,
    ]


def test_l25_each_instalment_is_an_item_of_its_own() -> None:
    line = ring()
    pk = in_parts(line)
    parts = [item for item in open_items(line.customer.pk) if item.key.invoice_id == pk]
    assert [(item.number, item.open) for item in parts] == [
        ("IN-PARTS/1", Decimal(30)),
        ("IN-PARTS/2", Decimal(70)),
    ]
    assert [item.days_late(MONDAY) for item in parts] == [20, -10]


def test_l25_only_the_late_instalment_is_promised_by_default() -> None:
    line = ring()
    pk = in_parts(line)
    line.call(CallOutcome.PROMISE, on=MONDAY + timedelta(days=3))
    promise = Promise.objects.get()
    assert promise.amount == Decimal(1030)
    covered = {(item.invoice_id, item.instalment_no) for item in promise.items.all()}
    assert (pk, 1) in covered
    assert (pk, 2) not in covered


def test_a_disputed_amount_cannot_be_asked_for() -> None:
    line = ring()
    make.dispute(line.older, "150.00", on=MONDAY)
    item = open_items(line.customer.pk)[0]
    assert (item.open, item.collectible) == (Decimal(400), Decimal(250))


@pytest.mark.parametrize(
    ("disputed", "late", "part"),
    [
        (None, 5, "please_pay"),
        ("10.00", 5, "please_pay"),
        ("100.00", 5, "in_query"),
        (None, 0, "not_yet_due"),
        (None, -5, "not_yet_due"),
    ],
)
def test_an_item_stands_in_the_part_of_the_message_it_belongs_to(
    disputed: str | None, late: int, part: str
) -> None:
    make.company()
    customer = make.customer()
    make.invoice(customer, "100.00", MONDAY - timedelta(days=late), disputed=disputed)
    assert open_items(customer.pk)[0].part(MONDAY) == part


def test_nothing_chosen_means_all_that_is_overdue() -> None:
    line = ring()
    make.invoice(line.customer, "5.00", MONDAY + timedelta(days=5))
    picked = chosen(line.customer.pk, (), today=MONDAY)
    assert [item.key.invoice_id for item in picked] == [line.older.pk, line.newer.pk]


def test_where_nothing_is_overdue_all_that_is_open_is_meant() -> None:
    make.company()
    customer = make.customer()
    early = make.invoice(customer, "5.00", MONDAY + timedelta(days=5))
    assert [item.key.invoice_id for item in chosen(customer.pk, (), today=MONDAY)] == [early.pk]


def test_an_item_of_another_customer_is_refused() -> None:
    line, other = ring(), ring()
    with pytest.raises(ServiceError, match="not open any more"):
        chosen(line.customer.pk, (ItemKey(other.older.pk),), today=MONDAY)


def test_totals_are_kept_apart_by_currency_the_largest_first() -> None:
    line = ring()
    make.invoice(line.customer, "5000.00", MONDAY, currency="EUR")
    totals = collectible_by_currency(open_items(line.customer.pk))
    assert totals == {"EUR": Decimal(5000), "USD": Decimal(1000)}
    assert list(totals) == ["EUR", "USD"]


def test_a_call_lists_what_was_spoken_of_and_completes_no_step() -> None:
    line = ring()
    call = line.call(CallOutcome.REFUSES, items=(ItemKey(line.newer.pk),))
    listed = call.items.get()
    assert (listed.invoice, listed.amount, listed.days_late) == (line.newer, Decimal(600), 10)
    assert not listed.completes
