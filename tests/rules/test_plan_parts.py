"""Plan money: parts add up to the cent, the last takes the rest, payments fill them in order."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arfollow.shared.errors import ServiceError
from arfollow.shared.money import smallest_unit
from dunning.facts.promised import Money, Pledge, fill
from dunning.outcomes.plan_money import spread
from dunning.outcomes.plans import MOST_PARTS, PlanTerms, lay_out

FIRST = date(2026, 1, 31)
CENT = Decimal("0.01")
QUICK = settings(max_examples=200, deadline=None, database=None)
cents = st.integers(1, 10_000_000).map(lambda number: Decimal(number) * CENT)
counts = st.integers(1, MOST_PARTS)
days = st.integers(0, 60).map(lambda number: FIRST + timedelta(days=number))


def parts_of(total: Decimal, **terms: object) -> list[Decimal] | None:
    """The amounts, or None where the terms are refused."""
    try:
        laid_out = lay_out(total, PlanTerms(FIRST, **terms))  # type: ignore[arg-type]  # by name
    except ServiceError:
        return None
    return [part.amount for part in laid_out]


@QUICK
@given(cents, counts)
def test_equal_parts_make_the_total_to_the_cent_and_only_the_last_differs(
    total: Decimal, count: int
) -> None:
    amounts = parts_of(total, count=count)
    if amounts is None:
        assert total < CENT * count
        return
    assert sum(amounts) == total
    assert len(amounts) == count
    assert len(set(amounts[:-1])) <= 1
    assert all(amount > 0 and amount == round(amount, 2) for amount in amounts)
    assert amounts[0] <= amounts[-1] < amounts[0] + CENT * count


@QUICK
@given(cents, cents)
def test_fixed_parts_make_the_total_and_the_last_takes_the_rest(
    total: Decimal, each: Decimal
) -> None:
    amounts = parts_of(total, each=each)
    if amounts is None:
        assert total / each > MOST_PARTS
        return
    assert sum(amounts) == total
    assert set(amounts[:-1]) <= {each}
    assert 0 < amounts[-1] <= each


@QUICK
@given(counts, st.sampled_from([0, 7, 14, 28]))
def test_parts_come_in_order_and_the_first_on_its_day(count: int, every: int) -> None:
    laid_out = lay_out(Decimal(6000), PlanTerms(FIRST, count=count, every=every))
    assert laid_out[0].due_on == FIRST
    assert all(one.due_on < two.due_on for one, two in pairwise(laid_out))
    if every:
        assert {(two.due_on - one.due_on).days for one, two in pairwise(laid_out)} <= {every}


def test_a_monthly_plan_keeps_its_day_and_takes_the_last_of_a_shorter_month() -> None:
    laid_out = lay_out(Decimal(500), PlanTerms(FIRST, count=5))
    assert [f"{part.due_on:%d %b}" for part in laid_out] == [
        "31 Jan", "28 Feb", "31 Mar", "30 Apr", "31 May",
    ]  # fmt: skip


def test_a_plan_in_yen_has_no_decimals() -> None:
    laid_out = lay_out(Decimal(1000), PlanTerms(FIRST, count=3), step=smallest_unit("JPY"))
    assert [part.amount for part in laid_out] == [333, 333, 334]


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({}, "how many payments"),
        ({"count": MOST_PARTS + 1}, f"{MOST_PARTS} payments at most"),
        ({"each": Decimal("0.50")}, "larger amount"),
        ({"each": Decimal(0)}, "above nothing"),
    ],
)
def test_terms_that_make_no_plan_are_refused_with_words(
    terms: dict[str, object], words: str
) -> None:
    with pytest.raises(ServiceError, match=words):
        lay_out(Decimal(1000), PlanTerms(FIRST, **terms))  # type: ignore[arg-type]  # by name


@QUICK
@given(cents, st.lists(cents, min_size=1, max_size=8))
def test_payments_fill_instalments_in_order_and_nothing_is_lost(
    received: Decimal, amounts: list[Decimal]
) -> None:
    paid = spread(received, amounts)
    assert sum(paid) == min(received, sum(amounts))
    assert all(0 <= part <= amount for part, amount in zip(paid, amounts, strict=True))
    for number, part in enumerate(paid):
        if part < amounts[number]:
            assert not any(paid[number + 1 :])
            break


pledges = st.lists(
    st.builds(
        Pledge,
        key=st.integers(1, 10**6),
        first=days,
        last=st.just(FIRST + timedelta(days=90)),
        due_on=days,
        currency=st.sampled_from(["USD", "EUR"]),
        amount=cents,
        invoices=st.frozensets(st.integers(1, 4)),
    ),
    max_size=5,
    unique_by=lambda pledge: pledge.key,
)
monies = st.lists(
    st.builds(
        Money,
        on=days,
        amount=cents,
        currency=st.sampled_from(["USD", "EUR"]),
        invoice_id=st.none() | st.integers(1, 4),
    ),
    max_size=8,
)


@QUICK
@given(pledges, monies)
def test_every_cent_counts_for_one_promise_and_none_gets_more_than_was_promised(
    promised: list[Pledge], came: list[Money]
) -> None:
    received = fill(promised, came)
    assert set(received) == {pledge.key for pledge in promised}
    for pledge in promised:
        fits = sum((money.amount for money in came if pledge.takes(money)), Decimal(0))
        assert 0 <= received[pledge.key] <= min(pledge.amount, fits)
    for currency in ("USD", "EUR"):
        mine = sum(received[p.key] for p in promised if p.currency == currency)
        assert mine <= sum(money.amount for money in came if money.currency == currency)


def test_one_payment_keeps_the_earlier_of_two_promises_over_the_same_invoice() -> None:
    def pledge(key: int, due: int) -> Pledge:
        last, due_on = FIRST + timedelta(days=60), FIRST + timedelta(days=due)
        return Pledge(key, FIRST, last, due_on, "USD", Decimal(500), frozenset({1}))

    came = [Money(FIRST, Decimal(500), "USD", 1)]
    assert fill([pledge(1, 20), pledge(2, 10)], came) == {2: Decimal(500), 1: Decimal(0)}
