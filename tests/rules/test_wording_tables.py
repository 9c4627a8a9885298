"""The invoice table: three parts per currency that tie to the cent (rule 3, L7, L35)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.wording import compose, plain_text, preset
from dunning.wording.fields import values
from dunning.wording.notice import Line, Notice, Purpose
from dunning.wording.tables import FULL_ROWS, OLDEST_ROWS, PartView, table_views
from tests.notices import credit, line, notice, table

CENTS = st.decimals(min_value=-9999, max_value=9999, places=2).filter(bool)


def decimal(shown: str) -> Decimal:
    return Decimal(shown.replace(",", "").replace("\u2212", "-"))


def adds_up(part: PartView) -> bool:
    listed = sum((decimal(row.open) for row in part.rows), Decimal(0))
    return listed + decimal(part.more_amount or "0") == decimal(part.total)


def mixed() -> Notice:
    """Thirty invoices, two currencies, a dispute, credits and something not yet due."""
    dollars = [line(f"US-{number:02}", "100.10", days_late=number + 1) for number in range(20)]
    euros = [line(f"EU-{number:02}", "20.05", days_late=number + 40) for number in range(10)]
    return notice(
        table(
            *dollars,
            credit("CN-1", "-50.25"),
            in_query=[line("US-99", "80.00", note="2 boxes short")],
            not_yet_due=[line("US-50", "900.00", days_late=-4)],
        ),
        table(*euros, currency="EUR"),
    )


def test_l07_thirty_invoices_in_two_currencies_tie_to_the_cent() -> None:
    views = table_views(mixed())
    assert [view.currency for view in views] == ["USD", "EUR"]
    assert all(adds_up(part) for view in views for part in view.parts)
    assert values(mixed())["amount_due"] == "USD 1,951.75 and EUR 200.50"


def test_l07_the_text_part_shows_the_same_figures() -> None:
    words = plain_text(compose(preset(Purpose.REMINDER, "email", "firm"), mixed()), mixed())
    assert "USD 1,951.75 and EUR 200.50" in " ".join(words.split())
    assert words.count("Total to pay, USD") == words.count("Total to pay, EUR") == 1
    assert all(f"US-{number:02}" in words for number in range(20))


def test_credits_are_negative_lines_of_please_pay() -> None:
    (part, *_) = table_views(mixed())[0].parts
    (row,) = [row for row in part.rows if row.is_credit]
    assert (row.number, row.open, row.days_late) == ("CN-1", "\u221250.25", "")
    assert "Credit note" in row.details


def test_only_please_pay_is_asked_for() -> None:
    usd = table_views(mixed())[0]
    assert [(part.name, part.total) for part in usd.parts] == [
        ("please_pay", "1,951.75"),
        ("in_query", "80.00"),
        ("not_yet_due", "900.00"),
    ]
    assert [part.total_label for part in usd.parts].count("Total to pay") == 1


def test_a_currency_in_credit_is_not_asked_for() -> None:
    shown = notice(
        table(line("A-1", "10.00"), credit("CN-9", "-40.00")),
        table(line("B-1", "5.00"), currency="EUR"),
    )
    assert values(shown)["amount_due"] == "EUR 5.00"


def test_a_part_without_items_is_left_out() -> None:
    (view,) = table_views(notice(table(line("A-1", "10.00"))))
    assert [part.name for part in view.parts] == ["please_pay"]


@given(st.lists(CENTS, min_size=1, max_size=120))
def test_whatever_is_listed_or_summed_up_equals_the_total(amounts: list[Decimal]) -> None:
    lines = [
        line(f"N-{number}", str(amount), days_late=number % 150 + 1)
        for number, amount in enumerate(amounts)
    ]
    for limit in (FULL_ROWS, None):
        (view,) = table_views(notice(table(*lines)), limit=limit)
        (part,) = view.parts
        assert adds_up(part)
        assert decimal(part.total) == sum(amounts, Decimal(0))
        if part.ages:
            assert sum(decimal(age.amount) for age in part.ages) == decimal(part.total)
            assert sum(int(age.count) for age in part.ages) == len(amounts)


def many(count: int) -> Notice:
    lines = (line(f"N-{number:04}", "10.01", days_late=number % 200 + 1) for number in range(count))
    return notice(table(*lines))


def test_l35_2602_invoices_make_a_readable_summary() -> None:
    (view,) = table_views(many(2602))
    (part,) = view.parts
    assert len(part.rows) == OLDEST_ROWS
    assert part.more == "and 2,592 more items"
    assert part.total == "26,046.02"
    assert [age.label for age in part.ages][-1] == "over 120 days"
    assert view.is_short


def test_l35_the_message_about_them_stays_short() -> None:
    words = plain_text(compose(preset(Purpose.REMINDER, "email", "firm"), many(2602)), many(2602))
    assert len(words.splitlines()) < 100
    assert "2,602 invoices" in " ".join(words.split())


def test_the_items_shown_first_are_the_oldest() -> None:
    (part,) = table_views(many(100))[0].parts
    assert [row.days_late for row in part.rows] == [str(days) for days in range(100, 90, -1)]


@pytest.mark.parametrize(("count", "short"), [(FULL_ROWS, False), (FULL_ROWS + 1, True)])
def test_a_table_is_shortened_beyond_forty_items(count: int, short: bool) -> None:
    assert table_views(many(count))[0].is_short is short


def test_terms_stand_beside_items_only_where_they_differ() -> None:
    same = notice(table(line("A-1", "1.00"), line("A-2", "1.00")))
    other = notice(table(line("A-1", "1.00"), line("A-2", "1.00", terms="due on receipt")))
    assert [row.details for row in table_views(same)[0].parts[0].rows] == ["", ""]
    assert table_views(other)[0].parts[0].rows[1].details == "due on receipt"


def test_a_row_carries_every_key_fact() -> None:
    """R47: number, dates, amount, paid, open, days late, order number."""
    item = line("A-1", "60.00", original=Decimal("100.00"), paid=Decimal("40.00"), po_number="77")
    (row,) = table_views(notice(table(item)))[0].parts[0].rows
    assert (row.number, row.issued, row.due, row.days_late) == (
        "A-1",
        "2 Sep 2026",
        "2 Oct 2026",
        "49",
    )
    assert (row.original, row.paid, row.open) == ("100.00", "40.00", "60.00")
    assert row.details == "PO 77"


def test_an_instalment_is_named() -> None:
    item = line("A-1", "60.00", instalment_no=2)
    assert table_views(notice(table(item)))[0].parts[0].rows[0].number == "A-1 / 2"


def test_yen_have_no_decimals() -> None:
    yen = notice(table(line("J-1", "12000"), currency="JPY"))
    assert table_views(yen)[0].parts[0].total == "12,000"
    assert values(yen)["amount_due"] == "JPY 12,000"


def test_an_unmatched_payment_says_what_it_is() -> None:
    paid = Line(number="Payment of 1 Nov", open=Decimal("-5.00"), kind="unapplied")
    row = table_views(notice(table(line("A-1", "9.00"), paid)))[0].parts[0].rows[1]
    assert row.details == "Payment not yet matched"


@pytest.mark.parametrize(
    ("number", "shown"), [("77", "PO 77"), ("PO-77", "PO-77"), ("po 77", "po 77")]
)
def test_an_order_number_is_marked_once(number: str, shown: str) -> None:
    (row,) = table_views(notice(table(line("A-1", "1.00", po_number=number))))[0].parts[0].rows
    assert row.details == shown


def test_a_credit_without_a_date_is_told_without_stray_marks() -> None:
    (_, row) = (
        table_views(notice(table(line("A-1", "9.00"), credit("CN-1", "-2.00"))))[0].parts[0].rows
    )
    assert row.about == "amount \u22122.00 · Credit note"
