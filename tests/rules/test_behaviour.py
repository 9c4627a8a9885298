"""How a customer pays: lateness weighted by amount, its trend, invoices paid out of turn."""

from datetime import date, timedelta
from decimal import Decimal

from invoices.behaviour import Item, average_late, behaviour, say_late

TODAY = date(2026, 11, 22)


def paid(days_ago: int, late: int, amount: str = "100.00", number: str = "") -> Item:
    """An invoice paid so long ago, so many days after it was due."""
    closed = TODAY - timedelta(days=days_ago)
    due = closed - timedelta(days=late)
    return Item(number or f"P{days_ago}-{late}", due, Decimal(amount), closed)


def left(due_days_ago: int, *, disputed: bool = False, number: str = "OPEN") -> Item:
    return Item(number, TODAY - timedelta(days=due_days_ago), Decimal("100.00"), disputed=disputed)


def test_days_late_are_weighted_by_amount_and_early_ones_count_below_zero() -> None:
    assert average_late([paid(5, 10, "300.00"), paid(5, -10, "100.00")]) == 5
    assert average_late([]) is None


def test_only_what_was_paid_in_the_last_year_makes_the_average() -> None:
    found = behaviour([paid(10, 4), paid(500, 90), left(40)], TODAY)
    assert (found.paid, found.average_late) == (1, 4)


def test_what_was_credited_away_tells_nothing_of_paying() -> None:
    credited = Item("CN", TODAY - timedelta(days=90), Decimal(100), TODAY, by_payment=False)
    assert behaviour([credited], TODAY).average_late is None


def test_the_last_six_months_are_told_against_the_time_before() -> None:
    before = [paid(200 + n, 5) for n in range(3)]
    lately = [paid(20 + n, 25) for n in range(3)]
    found = behaviour(before + lately, TODAY)
    assert found.trend == (
        "Pays 20 days later than before: 25 days late in the last six months, 5 days late before."
    )
    assert found.is_worse
    turned = behaviour(
        [paid(200 + n, 25) for n in range(3)] + [paid(n, 0) for n in range(3)], TODAY
    )
    assert turned.trend.startswith("Pays 25 days earlier than before: on time")
    assert not turned.is_worse


def test_a_difference_of_two_days_is_no_trend() -> None:
    rows = [paid(200 + n, 5) for n in range(3)] + [paid(20 + n, 7) for n in range(3)]
    assert behaviour(rows, TODAY).trend.startswith("Unchanged: 7 days late")


def test_too_few_payments_tell_no_trend() -> None:
    assert (
        behaviour([paid(20, 5), paid(200, 5)], TODAY).trend == "Too few payments to tell a trend."
    )


def test_a_newer_invoice_paid_first_is_counted_and_the_skipped_one_named() -> None:
    found = behaviour([left(60, number="OLD"), paid(5, 3, number="NEW")], TODAY)
    assert (found.out_of_turn, found.skipped) == (1, ("OLD",))


def test_an_invoice_in_query_is_not_skipped() -> None:
    found = behaviour([left(60, disputed=True), paid(5, 3)], TODAY)
    assert (found.out_of_turn, found.skipped) == (0, ())


def test_paying_the_oldest_first_is_in_turn_and_so_are_two_of_one_day() -> None:
    same = TODAY - timedelta(days=30)
    rows = [
        Item("A", same, Decimal(10), TODAY - timedelta(days=9)),
        Item("B", same, Decimal(10), TODAY - timedelta(days=12)),
        paid(3, 5),
        left(1),
    ]
    found = behaviour(rows, TODAY)
    assert (found.out_of_turn, found.skipped) == (0, ())


def test_lateness_is_said_in_words() -> None:
    assert [say_late(n) for n in (0, 1, 12, -1, -3)] == [
        "on time", "1 day late", "12 days late", "1 day early", "3 days early",
    ]  # fmt: skip


def test_a_repeat_late_payer_is_one_who_pays_more_than_five_days_late() -> None:
    assert behaviour([paid(5, 6)], TODAY).repeat_late
    assert not behaviour([paid(5, 5)], TODAY).repeat_late
