"""The demo's ledger before it is written: invented, the same for the same seed, and sound."""

import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random

import pytest

from customers.models import LegalType
from dunning.demo import habits
from dunning.demo.firms import CAST, Firm, firms
from dunning.demo.goods import CATALOGUE, RATES, order, price, total
from dunning.demo.papers import (
    Bill,
    Contest,
    Credit,
    Receipt,
    Return,
    Said,
    Settlement,
    WrittenOff,
    Wrote,
)
from dunning.demo.script import HISTORY_DAYS, TERMS, Script, write
from dunning.demo.stories import STORIES

SATURDAY = date(2026, 11, 21)
DAYS = [SATURDAY, date(2026, 3, 2), date(2024, 2, 29), date(2027, 1, 1), date(2025, 12, 25)]
SIZES = [(60, 600), (60, 450), (90, 900), (33, 500)]
# The ranges that regulators keep for fiction: nobody is ever called by mistake.
FICTION = re.compile(
    r"\+1 \d{3} 555 01\d\d"
    r"|\+44 (117|151|141) 496 0\d{3}|\+44 29 2018 0\d{3}|\+44 20 7946 0\d{3}|\+44 191 498 0\d{3}"
    r"|\+49 (40 66969|30 23125|221 4710|69 90009) \d{3}"
    r"|\+33 (2 61 91|4 65 71|5 36 49|1 99 00) \d\d \d\d"
)


@cache
def script(
    today: date = SATURDAY, customers: int = 60, invoices: int = 600, seed: int = 7
) -> Script:
    return write(customers, invoices, seed, today)


def open_amounts(made: Script) -> dict[str, Decimal]:
    """What is left of each bill once everything has happened."""
    left = {each.key: each.amount for each in made.happenings if isinstance(each, Bill)}
    for each in made.happenings:
        if isinstance(each, Receipt | Return):
            receipt, sign = (each.receipt, 1) if isinstance(each, Return) else (each, -1)
            for key, part in receipt.shares:
                left[key] += sign * part
        elif isinstance(each, Credit | WrittenOff) and each.bill:
            left[each.bill] -= each.amount
    return left


def firm_of(story: str, made: Script) -> Firm:
    return next(firm for firm in made.firms if firm.story == story)


def bills_of(story: str, made: Script) -> list[Bill]:
    number = firm_of(story, made).number
    return [each for each in made.happenings if isinstance(each, Bill) and each.firm == number]


def overdue_of(story: str, made: Script) -> list[tuple[Bill, Decimal]]:
    left = open_amounts(made)
    late = [bill for bill in bills_of(story, made) if bill.due < made.today and left[bill.key]]
    return [(bill, left[bill.key]) for bill in late]


def said_by(story: str, made: Script) -> list[Said]:
    number = firm_of(story, made).number
    return [each for each in made.happenings if isinstance(each, Said) and each.firm == number]


def test_the_same_seed_tells_the_same_two_years() -> None:
    assert write(60, 600, 7, SATURDAY) == write(60, 600, 7, SATURDAY)


def test_another_seed_tells_others() -> None:
    assert write(60, 600, 7, SATURDAY) != write(60, 600, 8, SATURDAY)


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize(("customers", "invoices"), SIZES)
def test_there_are_as_many_customers_and_invoices_as_asked_for(
    today: date, customers: int, invoices: int
) -> None:
    made = script(today, customers, invoices)
    assert len(made.firms) == customers
    assert sum(isinstance(each, Bill) for each in made.happenings) == invoices


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize("seed", [7, 8, 9])
def test_no_bill_is_paid_beyond_its_amount(today: date, seed: int) -> None:
    assert min(open_amounts(script(today, seed=seed)).values()) >= 0


@pytest.mark.parametrize("today", DAYS)
def test_everything_happens_within_two_years_and_not_after_today(today: date) -> None:
    days = [each.on for each in script(today).happenings]
    assert today - timedelta(days=HISTORY_DAYS) <= min(days)
    assert max(days) <= today


def test_a_bill_comes_before_its_payment_dispute_or_credit() -> None:
    made, seen = script(), set()
    for each in made.happenings:
        match each:
            case Bill():
                seen.add(each.key)
            case Receipt():
                assert seen.issuperset(key for key, _ in each.shares)
            case Contest():
                assert each.bill in seen
            case Credit() | WrittenOff():
                assert not each.bill or each.bill in seen


@pytest.mark.parametrize("today", DAYS)
def test_banks_work_on_weekdays(today: date) -> None:
    receipts = [each.on for each in script(today).happenings if isinstance(each, Receipt)]
    assert [day for day in receipts if day.weekday() > 4 and day != today] == []


def test_the_lines_of_a_bill_add_up_to_its_amount() -> None:
    for each in script().happenings:
        if isinstance(each, Bill):
            assert sum(line.amount for line in each.lines) == each.amount > 0
            assert all(line.quantity * line.unit_price == line.amount for line in each.lines)
            assert sum((part for _, part in each.parts), Decimal(0)) in (0, each.amount)


def test_no_telephone_number_and_no_mailbox_belongs_to_anybody() -> None:
    for firm in script(customers=90, invoices=900).firms:
        for person in firm.people:
            assert FICTION.fullmatch(person.phone), person.phone
            assert not person.email or re.search(r"(\.example|@example\.com)$", person.email)


def test_numbers_and_names_are_each_used_once() -> None:
    made = firms(120, Random(1))
    assert len({firm.number for firm in made}) == len({firm.name for firm in made}) == 120


def test_customers_sit_in_four_countries_and_pay_in_three_currencies() -> None:
    made = script()
    assert {firm.country.code for firm in made.firms} == {"US", "GB", "DE", "FR"}
    bills = [each for each in made.happenings if isinstance(each, Bill)]
    assert {bill.currency for bill in bills} == {"USD", "GBP", "EUR"}


def test_every_legal_type_and_all_usual_terms_are_there() -> None:
    made = script()
    assert {firm.legal_type for firm in made.firms} == set(LegalType.values)
    assert {firm.terms for firm in made.firms} >= set(TERMS) - {"cia"}


def test_about_a_third_of_the_customers_owe_something_overdue() -> None:
    made = script()
    left = open_amounts(made)
    late = {
        each.firm for each in made.happenings
        if isinstance(each, Bill) and each.due < SATURDAY and left[each.key] > 0
    }  # fmt: skip
    assert 25 <= len(late) <= 50


# --- the cast --------------------------------------------------------------------------------


def test_every_story_belongs_to_somebody_in_the_cast() -> None:
    assert set(STORIES) <= {part.story for part in CAST}


def test_the_weekly_customer_pays_on_fridays_five_to_seven_weeks_late() -> None:
    made = script()
    due = {bill.key: bill.due for bill in bills_of("weekly", made)}
    paid = [
        (each.on, key) for each in made.happenings if isinstance(each, Receipt)
        for key, _ in each.shares if key in due
    ]  # fmt: skip
    assert len(paid) > 20
    assert all(on.weekday() == 4 for on, _ in paid)
    assert all(35 <= (on - due[key]).days <= 50 for on, key in paid)


@pytest.mark.parametrize("today", DAYS)
def test_one_customer_has_more_than_thirty_open_invoices(today: date) -> None:
    made = script(today)
    left = open_amounts(made)
    assert sum(left[bill.key] > 0 for bill in bills_of("many", made)) > 30


@pytest.mark.parametrize("today", DAYS)
def test_one_customer_has_a_credit_larger_than_what_is_overdue(today: date) -> None:
    made = script(today)
    number = firm_of("credit", made).number
    credits = [
        each.amount for each in made.happenings
        if isinstance(each, Credit) and each.firm == number and not each.bill
    ]  # fmt: skip
    overdue = sum(amount for _, amount in overdue_of("credit", made))
    assert 0 < overdue < sum(credits)


@pytest.mark.parametrize("today", DAYS)
def test_one_customer_left_an_older_bill_out_and_paid_a_newer_one(today: date) -> None:
    made = script(today)
    oldest = overdue_of("skips", made)[0][0]
    left = open_amounts(made)
    newer = [bill for bill in bills_of("skips", made) if bill.due > oldest.due]
    assert any(left[bill.key] == 0 for bill in newer)


@pytest.mark.parametrize("today", DAYS)
def test_one_dispute_is_open_and_one_was_settled_with_a_credit(today: date) -> None:
    made = script(today)
    number = firm_of("disputes", made).number
    kinds = Counter(type(each) for each in made.happenings if each.firm == number)
    assert (kinds[Contest], kinds[Settlement], kinds[Credit]) == (2, 1, 1)
    contested = [each for each in made.happenings if isinstance(each, Contest)][-1]
    left = open_amounts(made)
    assert 0 < contested.amount < left[contested.bill]


@pytest.mark.parametrize("today", DAYS)
def test_one_promise_falls_due_today_and_one_has_passed(today: date) -> None:
    made = script(today)
    assert said_by("promise_today", made)[-1].until == today
    broken = said_by("breaks_promise", made)[-1].until
    assert broken is not None
    assert today - timedelta(days=10) < broken < today - timedelta(days=4)
    assert overdue_of("breaks_promise", made)


def test_two_accounts_share_one_mailbox() -> None:
    made = script()
    one, two = firm_of("mailbox_one", made), firm_of("mailbox_two", made)
    assert one.people[0].email == two.people[0].email
    mailboxes = Counter(firm.people[0].email for firm in made.firms if firm.people[0].email)
    assert [count for count in mailboxes.values() if count > 1] == [2]


def test_one_customer_has_no_mailbox_at_all() -> None:
    assert [person.email for person in firm_of("no_email", script()).people] == [""]


def test_one_account_belongs_to_another() -> None:
    made = script()
    assert firm_of("child", made).parent == firm_of("parent", made).number


def test_one_customer_owes_in_two_currencies() -> None:
    made = script()
    assert {bill.currency for bill, _ in overdue_of("two_currencies", made)} == {"EUR", "USD"}


@pytest.mark.parametrize("today", DAYS)
def test_one_second_instalment_is_late_and_the_third_not_yet_due(today: date) -> None:
    made = script(today)
    left = open_amounts(made)
    open_bills = [bill for bill in bills_of("instalments", made) if left[bill.key] > 0]
    waiting = [bill for bill in open_bills if bill.parts[1][0] < today]
    assert any(left[bill.key] == bill.amount - bill.parts[0][1] for bill in waiting)


def test_one_cheque_came_back() -> None:
    made = script()
    number = firm_of("cheque", made).number
    assert [each.firm for each in made.happenings if isinstance(each, Return)] == [number]
    assert overdue_of("cheque", made)


def test_one_reply_lies_unread() -> None:
    made = script()
    replies = [each for each in made.happenings if isinstance(each, Wrote)]
    assert [each.firm for each in replies] == [firm_of("replied", made).number]


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize("story", ["final_one", "final_two", "final_three", "letter_to_print"])
def test_the_silent_ones_owe_for_more_than_ninety_days(today: date, story: str) -> None:
    ages = [(today - bill.due).days for bill, _ in overdue_of(story, script(today))]
    assert 95 <= max(ages) <= 110


@pytest.mark.parametrize("today", DAYS)
def test_some_bills_reach_a_step_of_their_policy_today(today: date) -> None:
    made = script(today)
    left = open_amounts(made)
    ages = Counter(
        (today - each.due).days for each in made.happenings
        if isinstance(each, Bill) and left[each.key] > 0
    )  # fmt: skip
    assert ages[4] + ages[5] + ages[6] >= 5
    assert ages[-1] + ages[-2] + ages[-3] >= 5


# --- habits and goods ------------------------------------------------------------------------


def test_who_has_stopped_paying_pays_nothing_that_fell_due_since() -> None:
    habit = habits.stops(60)
    rng = Random(1)
    before, after = SATURDAY - timedelta(days=100), SATURDAY - timedelta(days=59)
    assert habits.paid_on(habit, before, SATURDAY, rng) is not None
    assert habits.paid_on(habit, after, SATURDAY, rng) is None


def test_a_payment_of_tomorrow_has_not_happened() -> None:
    assert habits.paid_on(habits.SLOW_40, SATURDAY, SATURDAY, Random(1)) is None


@pytest.mark.parametrize("count", [1, 5, 40, 700])
def test_orders_are_as_many_as_asked_for_and_in_order(count: int) -> None:
    first = SATURDAY - timedelta(days=HISTORY_DAYS)
    days = habits.order_days(habits.SLOW_20, count, first, SATURDAY, Random(3))
    assert len(days) == count
    assert days == sorted(days)
    assert first <= days[0]
    assert days[-1] <= SATURDAY


@pytest.mark.parametrize("currency", list(RATES))
def test_an_order_costs_the_list_price(currency: str) -> None:
    prices = {good.code: price(good, currency) for good in CATALOGUE}
    lines = order(Random(5), currency, Decimal(1))
    assert total(lines) > 0
    assert all(line.unit_price == prices[line.code] for line in lines)


def test_no_item_is_in_the_catalogue_twice() -> None:
    assert len({good.code for good in CATALOGUE}) == len(CATALOGUE)


def test_days_of_happenings_can_be_looked_up() -> None:
    made = script()
    days = made.by_day()
    found: dict[date, int] = defaultdict(int)
    for each in made.happenings:
        found[each.on] += 1
    assert {day: len(each) for day, each in days.items()} == dict(found)
