"""How pressing a customer is: amount × age × risk × promises, and the words for it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dunning.policy.priority import (
    Standing,
    age_factor,
    amount_factor,
    promise_factor,
    risk_factor,
    score,
    words,
)

PLAIN = Standing("USD", Decimal("1000.00"), Decimal("1000.00"), days=30, usual_late=0)


def known(**fields: object) -> Standing:
    return replace(PLAIN, **fields)  # type: ignore[arg-type]  # fields by name


def test_the_score_is_the_product_of_the_four_factors() -> None:
    found = known(overdue=Decimal(3000), days=60, usual_late=40, broken=2)
    assert amount_factor(found) == 3
    assert age_factor(found) == 3
    assert risk_factor(found) == Decimal("1.25")
    assert promise_factor(found) == Decimal("1.5")
    assert score(found) == 16875


def test_nothing_overdue_counts_nothing_whatever_else_is_known() -> None:
    assert score(known(overdue=Decimal(0), days=90, broken=4, cannot_pay=True)) == 0


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"overdue": Decimal(1001)}, {}),
        ({"days": 31}, {}),
        ({"usual_late": 20}, {"usual_late": 4}),
        ({"broken": 1}, {}),
        ({"broken": 2}, {"broken": 1}),
        ({"cannot_pay": True}, {}),
        ({"usual_late": None}, {}),
        ({"broken": 1, "reliability": 20}, {"broken": 1, "reliability": 80}),
        ({"reliability": 50}, {"reliability": 95}),
    ],
)
def test_each_of_them_makes_it_more_pressing(
    more: dict[str, object], less: dict[str, object]
) -> None:
    assert score(known(**more)) > score(known(**less))


def test_amounts_of_two_currencies_compare_by_what_is_usual_in_each() -> None:
    yen = known(currency="JPY", overdue=Decimal(200_000), typical=Decimal(200_000))
    assert score(yen) == score(PLAIN)


def test_where_nothing_is_usual_yet_the_amount_counts_once() -> None:
    assert amount_factor(known(typical=Decimal(0))) == 1


def test_age_counts_one_more_for_each_thirty_days_and_stops_at_half_a_year() -> None:
    assert [age_factor(known(days=n)) for n in (0, 30, 90, 180, 900)] == [1, 2, 4, 7, 7]


@pytest.mark.parametrize(
    ("usual", "factor"),
    [(-4, "1"), (5, "1"), (6, "1.1"), (30, "1.1"), (31, "1.25"), (60, "1.25"), (61, "1.5")],
)
def test_the_habit_of_a_year_is_the_risk(usual: int, factor: str) -> None:
    assert risk_factor(known(usual_late=usual, days=usual)) == Decimal(factor)


def test_later_than_the_habit_counts_more_than_late_as_ever() -> None:
    prompt, slow = known(usual_late=2, days=40), known(usual_late=40, days=40)
    assert risk_factor(prompt) == Decimal("1.25")
    assert risk_factor(slow) == Decimal("1.25")
    assert risk_factor(known(usual_late=12, days=43)) > risk_factor(known(usual_late=12, days=42))


def test_who_cannot_pay_counts_at_least_half_as_much_again() -> None:
    assert risk_factor(known(cannot_pay=True)) == Decimal("1.5")
    assert risk_factor(known(cannot_pay=True, usual_late=70, days=120)) == Decimal("1.875")


def test_broken_promises_count_up_to_four() -> None:
    assert [promise_factor(known(broken=n)) for n in (0, 1, 4, 9)] == [
        1, Decimal("1.25"), 2, 2,
    ]  # fmt: skip


def test_who_keeps_promises_waits_a_little() -> None:
    assert promise_factor(known(reliability=90)) == Decimal("0.9")
    assert promise_factor(known(reliability=89)) == 1
    assert promise_factor(known(reliability=95, broken=1)) == Decimal("1.25")


def test_the_words_say_what_counted_in_that_order() -> None:
    found = known(overdue=Decimal("10286.80"), days=63, usual_late=41, broken=2)
    assert words(found) == "USD 10,286.80, 63 days late, usually 41 days late, broke 2 promises"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"days": 1, "usual_late": 0}, "USD 1,000.00, 1 day late"),
        ({"broken": 1}, "USD 1,000.00, 30 days late, broke 1 promise"),
        ({"usual_late": None}, "USD 1,000.00, 30 days late, never paid yet"),
        ({"days": 33}, "USD 1,000.00, 33 days late, usually on time"),
        ({"days": 60, "usual_late": 9}, "USD 1,000.00, 60 days late, usually 9 days late"),
        ({"cannot_pay": True}, "USD 1,000.00, 30 days late, cannot pay"),
        ({"reliability": 100}, "USD 1,000.00, 30 days late, keeps promises"),
        ({"overdue": Decimal(0)}, "nothing overdue"),
    ],
)
def test_every_reason_has_its_words(fields: dict[str, object], said: str) -> None:
    assert words(known(**fields)).replace("\u00a0", " ") == said


def test_what_moves_the_score_stands_in_the_words() -> None:
    """Nothing counts that the row does not say (the priority is explainable)."""
    for fields in ({"broken": 1}, {"cannot_pay": True}, {"usual_late": None}, {"reliability": 95}):
        changed = known(**fields)
        assert score(changed) != score(PLAIN)
        assert words(changed) != words(PLAIN)
