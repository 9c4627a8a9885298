"""Payment terms: every kind of FACTS section 5, and the awkward days of the calendar."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arfollow.shared.workdays import Calendar
from customers.models import TermsKind
from customers.terms import (
    PREPAID,
    Kind,
    Part,
    Terms,
    TermsError,
    cautions,
    describe,
    discount_amount,
    discount_deadline,
    due_date,
    due_dates,
    end_of_month,
    from_values,
    instalments,
    is_prepaid,
    longest_days,
    parse_terms,
)

JAN31 = date(2025, 1, 31)
LEAP = date(2024, 2, 29)
DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
COUNTS = st.integers(0, 365)


def net(days: int) -> Terms:
    return Terms(Kind.NET, days=days)


def prox(day: int, months: int = 1) -> Terms:
    return Terms(Kind.PROX, day_of_month=day, months=months)


def thirds() -> Terms:
    third = Decimal("33.33")
    parts = (Part(third, 0), Part(third, 30), Part(Decimal("33.34"), 60))
    return Terms(Kind.INSTALMENTS, parts=parts)


SINGLE = st.one_of(
    st.builds(net, COUNTS),
    st.builds(prox, st.integers(1, 31), st.integers(1, 6)),
    *(
        st.builds(Terms, st.just(kind), COUNTS)
        for kind in Kind
        if kind not in {Kind.PROX, Kind.INSTALMENTS}
    ),
)


@pytest.mark.parametrize(
    ("terms", "issued", "due"),
    [
        (Terms(Kind.ON_RECEIPT), JAN31, JAN31),
        (net(30), JAN31, date(2025, 3, 2)),
        (net(0), JAN31, JAN31),
        (net(366), LEAP, date(2025, 3, 1)),
        (Terms(Kind.END_OF_MONTH), JAN31, JAN31),
        (Terms(Kind.END_OF_MONTH), date(2024, 2, 1), LEAP),
        (Terms(Kind.END_OF_MONTH), date(2025, 2, 1), date(2025, 2, 28)),
        (Terms(Kind.END_OF_MONTH_PLUS, days=15), JAN31, date(2025, 2, 15)),
        (Terms(Kind.END_OF_MONTH_THEN_NET, days=30), date(2025, 1, 5), date(2025, 3, 2)),
        (Terms(Kind.NET_THEN_END_OF_MONTH, days=30), date(2025, 1, 5), date(2025, 2, 28)),
        (Terms(Kind.NET_THEN_END_OF_MONTH, days=30), JAN31, date(2025, 3, 31)),
        (prox(10), JAN31, date(2025, 2, 10)),
        (prox(31), JAN31, date(2025, 2, 28)),
        (prox(30), date(2024, 1, 3), LEAP),
        (prox(15), date(2025, 12, 9), date(2026, 1, 15)),
        (prox(15, months=2), date(2025, 11, 30), date(2026, 1, 15)),
        (Terms(Kind.CASH_ON_DELIVERY), JAN31, JAN31),
        (Terms(Kind.CASH_NEXT_DELIVERY), JAN31, JAN31),
        (Terms(Kind.CASH_WITH_ORDER), JAN31, JAN31),
    ],
)
def test_each_kind_has_its_due_date(terms: Terms, issued: date, due: date) -> None:
    assert due_dates(terms, issued) == (due,)
    assert due_date(terms, issued) == due


def test_net_then_end_of_month_is_not_end_of_month_then_net() -> None:
    issued = date(2025, 1, 5)
    one = Terms(Kind.NET_THEN_END_OF_MONTH, days=30)
    other = Terms(Kind.END_OF_MONTH_THEN_NET, days=30)
    assert due_date(one, issued) != due_date(other, issued)


@given(SINGLE, DAYS)
def test_nothing_is_due_before_it_is_issued(terms: Terms, issued: date) -> None:
    assert due_date(terms, issued) >= issued


@given(SINGLE, DAYS)
def test_due_dates_keep_the_order_of_issue_dates(terms: Terms, issued: date) -> None:
    assert due_date(terms, issued) <= due_date(terms, issued + timedelta(days=1))


@given(SINGLE, DAYS)
def test_no_due_date_is_further_away_than_the_longest(terms: Terms, issued: date) -> None:
    assert (due_date(terms, issued) - issued).days <= longest_days(terms)


@given(st.integers(1, 31), DAYS)
def test_the_nth_of_the_following_month_is_in_that_month(day: int, issued: date) -> None:
    due = due_date(prox(day), issued)
    following = end_of_month(issued) + timedelta(days=1)
    assert (due.year, due.month) == (following.year, following.month)
    assert due.day == min(day, end_of_month(following).day)


@given(DAYS)
def test_the_end_of_a_month_is_followed_by_the_first(day: date) -> None:
    last = end_of_month(day)
    assert last >= day
    assert (last + timedelta(days=1)).day == 1


def test_prepaid_kinds_are_due_before_supply() -> None:
    assert {kind for kind in Kind if kind not in {Kind.PROX, Kind.INSTALMENTS}} >= PREPAID
    assert all(is_prepaid(Terms(kind)) for kind in PREPAID)
    assert not is_prepaid(Terms(Kind.CASH_ON_DELIVERY))


def test_every_kind_that_is_stored_has_a_rule() -> None:
    assert {kind.value for kind in TermsKind} == {kind.value for kind in Kind}


# --- Discounts ----------------------------------------------------------------------------------

TWO_TEN = Terms(Kind.NET, days=30, discount_percent=Decimal(2), discount_days=10)


def test_a_discount_may_be_taken_until_its_day() -> None:
    assert discount_deadline(TWO_TEN, date(2025, 3, 3)) == date(2025, 3, 13)


def test_a_discount_day_on_a_weekend_moves_to_monday() -> None:
    saturday = date(2025, 3, 15)
    assert discount_deadline(TWO_TEN, date(2025, 3, 5)) == saturday
    assert discount_deadline(TWO_TEN, date(2025, 3, 5), Calendar("US")) == date(2025, 3, 17)


def test_without_a_discount_there_is_no_deadline() -> None:
    assert discount_deadline(net(30), JAN31) is None


def test_a_discount_is_rounded_half_up_to_cents() -> None:
    assert discount_amount(TWO_TEN, Decimal("100.25")) == Decimal("2.01")
    assert discount_amount(net(30), Decimal("100.25")) == Decimal("0.00")


# --- Instalments --------------------------------------------------------------------------------


def test_instalments_fall_due_one_after_the_other() -> None:
    parts = instalments(thirds(), JAN31, Decimal("100.00"))
    assert [part.due_date for part in parts] == [JAN31, date(2025, 3, 2), date(2025, 4, 1)]
    assert [part.number for part in parts] == [1, 2, 3]
    assert [str(part.amount) for part in parts] == ["33.33", "33.33", "33.34"]


def test_instalments_with_fixed_dates_are_put_in_order() -> None:
    half = Decimal(50)
    late, early = date(2025, 9, 1), date(2025, 6, 1)
    terms = Terms(Kind.INSTALMENTS, parts=(Part(half, on=late), Part(half, on=early)))
    assert due_dates(terms, JAN31) == (early, late)
    assert due_date(terms, JAN31) == late


def test_other_kinds_have_no_instalments() -> None:
    assert instalments(net(30), JAN31, Decimal(100)) == ()


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=9),
    st.decimals(min_value=0, max_value=10**9, places=2),
    DAYS,
)
def test_instalments_add_up_to_the_cent(weights: list[int], amount: Decimal, issued: date) -> None:
    shares = [Decimal(100 * weight) / sum(weights) for weight in weights]
    shares = [share.quantize(Decimal("0.01")) for share in shares]
    shares[-1] += 100 - sum(shares)
    parts = tuple(Part(share, 30 * n) for n, share in enumerate(shares))
    cut = instalments(Terms(Kind.INSTALMENTS, parts=parts), issued, amount)
    assert sum(part.amount for part in cut) == amount
    assert all(part.amount >= 0 for part in cut)
    assert [part.due_date for part in cut] == sorted(part.due_date for part in cut)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (Part(Decimal(60)), Part(Decimal(50))),
        (Part(Decimal(100)), Part(Decimal(0))),
        (Part(Decimal(50), -1), Part(Decimal(50), 3)),
        (Part(Decimal(50), on=JAN31), Part(Decimal(50), 30)),
    ],
)
def test_instalments_that_make_no_whole_are_refused(parts: tuple[Part, ...]) -> None:
    with pytest.raises(TermsError):
        Terms(Kind.INSTALMENTS, parts=parts)


@pytest.mark.parametrize(
    "values",
    [
        {"kind": Kind.NET, "days": -1},
        {"kind": Kind.NET, "days": 4000},
        {"kind": Kind.PROX},
        {"kind": Kind.PROX, "day_of_month": 32},
        {"kind": Kind.NET, "discount_percent": Decimal(100)},
        {"kind": Kind.NET, "parts": (Part(Decimal(100)),)},
    ],
)
def test_terms_without_sense_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(TermsError):
        Terms(**values)  # type: ignore[arg-type]


# --- Words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Net 30", net(30)),
        ("net30", net(30)),
        ("NET 30 days", net(30)),
        ("n/45", net(45)),
        ("60 days", net(60)),
        ("Due on receipt", Terms(Kind.ON_RECEIPT)),
        ("2/10 Net 30", TWO_TEN),
        ("2/10, net 30", TWO_TEN),
        ("2% / 10 net 30", TWO_TEN),
        ("EOM", Terms(Kind.END_OF_MONTH)),
        ("EOM + 15", Terms(Kind.END_OF_MONTH_PLUS, days=15)),
        ("EOM then 30", Terms(Kind.END_OF_MONTH_THEN_NET, days=30)),
        ("Net 30 then EOM", Terms(Kind.NET_THEN_END_OF_MONTH, days=30)),
        ("10 MFI", prox(10)),
        ("15th of following month", prox(15)),
        ("COD", Terms(Kind.CASH_ON_DELIVERY)),
        ("CIA", Terms(Kind.CASH_IN_ADVANCE)),
        ("Payment in advance", Terms(Kind.PAYMENT_IN_ADVANCE)),
    ],
)
def test_terms_are_read_from_their_usual_names(text: str, terms: Terms) -> None:
    assert parse_terms(text) == terms


@pytest.mark.parametrize("text", ["NAA8", "CA10", "Net 30 EOM", "", "soon", "32 MFI", "net 99999"])
def test_terms_without_a_sure_meaning_are_not_guessed(text: str) -> None:
    assert parse_terms(text) is None


@given(st.one_of(st.builds(net, COUNTS), st.builds(prox, st.integers(1, 31))))
def test_the_name_of_terms_leads_back_to_them(terms: Terms) -> None:
    assert parse_terms(describe(terms)) == terms


def test_names_are_the_usual_ones() -> None:
    assert describe(TWO_TEN) == "2/10 Net 30"
    assert describe(prox(3)) == "3rd of the following month"
    assert describe(prox(11)) == "11th of the following month"
    assert describe(thirds()) == "3 instalments"


def test_terms_are_made_from_the_columns_they_are_stored_in() -> None:
    stored = from_values("instalments", instalments=[["40", 0], ["60", 30]])
    assert stored.parts == (Part(Decimal(40), 0), Part(Decimal(60), 30))
    assert from_values("net", days=30, discount_percent=Decimal(2), discount_days=10) == TWO_TEN


# --- Cautions -----------------------------------------------------------------------------------


def test_more_than_sixty_days_in_the_eu_needs_a_word() -> None:
    assert cautions(net(61), country="DE")
    assert not cautions(net(60), country="DE")
    assert not cautions(net(90), country="US")


def test_more_than_thirty_days_for_a_uk_public_body_needs_a_word() -> None:
    assert cautions(net(31), country="GB", public_body=True)
    assert not cautions(net(31), country="GB")
    assert not cautions(net(30), country="GB", public_body=True)
