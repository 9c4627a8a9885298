"""L34: the order of day and month is decided by a whole column, or asked, never guessed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.imports.readers import UnreadableFile
from invoices.imports.readers.dates import DateError, Sample, decide_order, parse_date, sure_date
from tests.rules.lists import errors, own, read_rows

DATES = st.dates(date(1990, 1, 1), date(2090, 12, 31))
PATTERNS = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}


def samples(*texts: str) -> list[Sample]:
    return [Sample(line, text) for line, text in enumerate(texts, start=2)]


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (("4/6/2013", "1/15/2013"), "mdy"),
        (("04-06-2020", "30-03-2020"), "dmy"),
        (("4.6.2013", "15.1.2013"), "dmy"),
        (("85/12/31", "99/01/02"), "ymd"),
        (("1/15/13", "4/6/13"), "mdy"),
        (("5/5/2013", "6/6/2013"), "dmy"),
        (("not a date", "1/15/2013"), "mdy"),
        (("2013-01-02", "15 Jan 2013"), ""),
        ((), ""),
    ],
)
def test_one_sure_date_decides_its_whole_column(texts: tuple[str, ...], order: str) -> None:
    assert decide_order("D", samples(*texts)) == order


def test_l34_a_column_that_can_be_swapped_is_asked_about() -> None:
    with pytest.raises(UnreadableFile) as caught:
        decide_order("DueDate", samples("4/6/2013", "5/7/2013"))
    assert str(caught.value) == (
        "Column “DueDate”: its dates can be read in more than one way. Line 2, “4/6/2013”, is"
        " 4 June 2013 (dmy) or 6 April 2013 (mdy). Say which with --date-format dmy or mdy."
    )


def test_two_figures_for_the_year_leave_three_ways() -> None:
    with pytest.raises(UnreadableFile, match="dmy or mdy or ymd"):
        decide_order("D", samples("01/02/03"))


def test_l34_a_column_that_mixes_orders_is_refused_with_both_examples() -> None:
    with pytest.raises(UnreadableFile) as caught:
        decide_order("D", samples("13/1/2013", "2/3/2013", "1/14/2013"))
    assert "line 2 “13/1/2013” only as dmy" in str(caught.value)
    assert "line 4 “1/14/2013” only as mdy" in str(caught.value)


def test_an_order_that_was_said_is_taken() -> None:
    assert decide_order("D", samples("4/6/2013"), asked="mdy") == "mdy"


@given(st.lists(DATES, min_size=1), st.sampled_from(sorted(PATTERNS)))
def test_a_column_is_read_right_or_asked_about(days: list[date], order: str) -> None:
    texts = [day.strftime(PATTERNS[order]) for day in days]
    try:
        decided = decide_order("D", samples(*texts))
    except UnreadableFile:
        assert all(day.day <= 12 for day in days)
        return
    assert [parse_date(text, decided) for text in texts] == days


@pytest.mark.parametrize(
    "text",
    ["2021-01-28", "2021-01-28 05:14:15", "2021-01-28T05:14:15Z", "2021/1/28", "20210128",
     "28 Jan 2021", "28-Jan-21", "Jan 28, 2021", "28th January 2021", "January 28th, 2021"],
)  # fmt: skip
def test_a_date_that_can_be_read_one_way_needs_no_order(text: str) -> None:
    assert sure_date(text) == date(2021, 1, 28)


@pytest.mark.parametrize(
    "text", ["2013-02-30", "31/02/2013", "0000-00-00", "1/1/1850", "soon", "44197"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(DateError):
        parse_date(text, "dmy")


def test_each_column_is_decided_by_itself() -> None:
    data = own({"issue_date": "05/01/2026", "due_date": "14/02/2026"})
    with pytest.raises(UnreadableFile, match="issue_date"):
        read_rows(data)
    reading = read_rows(data, date_order="dmy")
    assert reading.rows[0].issue_date == date(2026, 1, 5)
    assert reading.rows[0].due_date == date(2026, 2, 14)


def test_rows_that_do_not_fit_the_order_that_was_said_are_rejected() -> None:
    data = own({"issue_date": "05/01/2026"}, {"issue_date": "01/14/2026", "invoice_number": "7"})
    reading = read_rows(data, date_order="dmy")
    assert len(reading.rows) == 1
    assert errors(reading) == [(3, "issue_date", "“01/14/2026” is not a date in the order dmy")]


def test_a_mistyped_date_does_not_decide_for_the_others() -> None:
    data = own(
        {"issue_date": "1/25/2026"},
        {"issue_date": "31/13/2026", "invoice_number": "2"},
    )
    reading = read_rows(data)
    assert reading.rows[0].issue_date == date(2026, 1, 25)
    assert [line for line, _, _ in errors(reading)] == [3]
