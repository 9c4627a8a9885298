"""Promises and money: every cent once, a record kept in one place, a tick that looks at little."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from customers.services import touch
from dunning.models import CustomerFollowUp, Promise, PromiseStatus
from dunning.outcomes import (
    PromiseInput,
    PromiseRecord,
    Settled,
    add_promise,
    cancel_promise,
    promise_record,
    promise_records,
    settle_promises,
)
from dunning.outcomes.settling import promises_to_look_at
from dunning.policy import ItemKey
from tests import make
from tests.dunning.calling import MONDAY, Line, ring

pytestmark = pytest.mark.django_db
FRIDAY = MONDAY + timedelta(days=4)
AFTER_GRACE = MONDAY + timedelta(days=9)


def promise(line: Line, *, due: date = FRIDAY, today: date = MONDAY, **given: Any) -> Promise:
    wanted = PromiseInput(due_on=due, **given)
    return add_promise(line.customer.pk, wanted, actor=line.actor, today=today)


def status(row: Promise) -> tuple[str, Decimal]:
    row.refresh_from_db()
    return row.status, row.kept_amount


def test_one_payment_does_not_keep_two_promises() -> None:
    line = ring()
    first = promise(line, amount=Decimal(500))
    second = promise(line, amount=Decimal(500), due=FRIDAY + timedelta(days=7))
    make.payment(line.customer, "500.00", MONDAY + timedelta(days=1))
    assert settle_promises(MONDAY + timedelta(days=1)) == Settled(kept=1)
    assert status(first) == (PromiseStatus.KEPT, Decimal(500))
    assert status(second) == (PromiseStatus.OPEN, Decimal(0))


def test_money_that_kept_an_earlier_promise_is_not_counted_for_a_later_one() -> None:
    line = ring()
    promise(line, amount=Decimal(400))
    make.payment(line.customer, "400.00", MONDAY)
    settle_promises(MONDAY)
    second = promise(line, amount=Decimal(600), due=FRIDAY)
    assert settle_promises(AFTER_GRACE) == Settled(broken=1)
    assert status(second) == (PromiseStatus.BROKEN, Decimal(0))


def test_an_open_promise_shows_what_came_so_far() -> None:
    line = ring()
    given = promise(line)
    make.payment(line.customer, "300.00", MONDAY)
    settle_promises(MONDAY)
    assert status(given) == (PromiseStatus.OPEN, Decimal(300))


def test_the_words_of_a_part_kept_promise_name_the_part() -> None:
    line = ring()
    given = promise(line)
    make.payment(line.customer, "600.00", FRIDAY)
    settle_promises(AFTER_GRACE)
    given.refresh_from_db()
    assert given.words == "Kept part of the promise of 6 Mar 2026: USD 600.00 of 1,000.00 came in"


def test_the_words_of_a_broken_promise_say_that_nothing_came() -> None:
    line = ring()
    given = promise(line)
    settle_promises(AFTER_GRACE)
    given.refresh_from_db()
    assert given.words == "Broke the promise of 6 Mar 2026: nothing of USD 1,000.00 came in"


def test_a_tick_looks_at_a_promise_only_when_the_ledger_moved_or_its_time_is_over() -> None:
    line = ring()
    promise(line)
    assert promises_to_look_at(MONDAY, 2).count() == 1
    settle_promises(MONDAY)
    assert promises_to_look_at(MONDAY, 2).count() == 0
    make.payment(line.customer, "10.00", MONDAY)
    assert promises_to_look_at(MONDAY, 2).count() == 1
    settle_promises(MONDAY)
    assert promises_to_look_at(FRIDAY + timedelta(days=2), 2).count() == 0
    assert promises_to_look_at(AFTER_GRACE, 2).count() == 1


def test_what_is_paid_between_two_looks_is_seen_by_the_next() -> None:
    """The sequence is read with the promise: news that came after the look raises it again."""
    line = ring()
    given = promise(line)
    settle_promises(MONDAY)
    touch(line.customer.pk)
    assert list(promises_to_look_at(MONDAY, 2)) == [given]


def test_the_queries_of_an_idle_tick_do_not_grow_with_open_promises(
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(3):
        promise(ring())
    settle_promises(MONDAY)
    with django_assert_max_num_queries(2):
        settle_promises(MONDAY)


def test_the_record_counts_a_part_with_its_part() -> None:
    line = ring()
    make.invoice(line.customer, "1000.00", MONDAY - timedelta(days=5))
    for number, came in enumerate(("400.00", "300.00", "")):
        day = MONDAY + timedelta(days=14 * number)
        promise(line, amount=Decimal(400), due=day, today=day, items=_keys(line))
        if came:
            make.payment(line.customer, came, day)
        settle_promises(day + timedelta(days=7))
    record = promise_record(line.customer.pk)
    assert record == PromiseRecord(kept=1, part_kept=1, broken=1, reliability=58)
    assert record.words == "kept 1 of 3 promises, 1 in part"


def _keys(line: Line) -> tuple[ItemKey, ...]:
    found = line.customer.invoices.filter(open_amount__gt=0).values_list("pk", flat=True)
    return tuple(ItemKey(pk) for pk in found)


def test_the_record_stands_where_lists_read_it() -> None:
    line = ring()
    promise(line)
    settle_promises(AFTER_GRACE)
    kept = CustomerFollowUp.objects.get(customer=line.customer)
    assert (kept.promises_settled, kept.promises_broken, kept.promise_reliability) == (1, 1, 0)


def test_a_promise_that_was_taken_back_is_no_part_of_the_record() -> None:
    line = ring()
    cancel_promise(promise(line).pk, on=MONDAY, reason="noted twice", actor=line.actor)
    assert promise_record(line.customer.pk) == PromiseRecord()
    assert PromiseRecord().words == "no promise settled yet"


def test_the_records_of_many_customers_take_one_query(
    django_assert_num_queries: Any,
) -> None:
    lines = [ring() for _ in range(3)]
    promise(lines[0])
    settle_promises(AFTER_GRACE)
    ids = [line.customer.pk for line in lines]
    with django_assert_num_queries(1):
        found = promise_records(ids)
    assert [found[pk].broken for pk in ids] == [1, 0, 0]
