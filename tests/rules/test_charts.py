"""Charts are plain SVG: figures where they belong, words for those who do not see them."""

import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

from arfollow import charts

AGES = [
    ("Not due", Decimal("184200.00")),
    ("1–30", Decimal("96300.00")),
    ("31–60", Decimal("0.00")),
]
WEEKS = [("W48", Decimal(40_000), Decimal(20_000)), ("W49", Decimal(10_000), Decimal(5_000))]


def parsed(chart: charts.Chart) -> ET.Element:
    return ET.fromstring(chart.svg)  # noqa: S314  # our own markup


def bars(chart: charts.Chart, kind: str) -> list[dict[str, str]]:
    return [r.attrib for r in parsed(chart).iter("rect") if r.attrib["class"] == kind]


def test_a_bar_is_as_tall_as_its_amount() -> None:
    chart = charts.ageing_bars("Ageing", "USD", AGES)
    first, second = (float(bars(chart, kind)[0]["height"]) for kind in ("b0", "b1"))
    assert first / second == pytest.approx(184_200 / 96_300, rel=0.01)


def test_a_bucket_without_money_has_no_height_but_keeps_its_place() -> None:
    assert float(bars(charts.ageing_bars("Ageing", "USD", AGES), "b2")[0]["height"]) == 0


def test_stacked_amounts_stand_on_each_other() -> None:
    chart = charts.stacked_bars("Cash", "USD", ("Promised", "Predicted"), WEEKS)
    lower, upper = bars(chart, "f0")[0], bars(chart, "f1")[0]
    assert float(upper["y"]) + float(upper["height"]) == pytest.approx(float(lower["y"]), abs=0.11)


def test_every_shape_stays_inside_the_picture() -> None:
    for chart in (
        charts.ageing_bars("Ageing", "USD", AGES),
        charts.stacked_bars("Cash", "USD", ("Promised", "Predicted"), WEEKS),
    ):
        width, height = map(float, parsed(chart).attrib["viewBox"].split()[2:])
        for rect in parsed(chart).iter("rect"):
            right = float(rect.attrib["x"]) + float(rect.attrib["width"])
            bottom = float(rect.attrib["y"]) + float(rect.attrib["height"])
            assert right <= width
            assert bottom <= height
            assert float(rect.attrib["y"]) >= 0


def test_the_picture_says_in_words_what_it_shows() -> None:
    label = parsed(charts.ageing_bars("Ageing", "USD", AGES)).attrib["aria-label"]
    assert label == "Ageing in USD: Not due 184.2k, 1–30 96.3k, 31–60 0"


def test_the_table_behind_carries_the_exact_amounts() -> None:
    chart = charts.ageing_bars("Ageing", "USD", AGES)
    assert chart.heads == ["Age", "USD"]
    assert chart.rows[0] == ("Not due", "184,200.00")
    stacked = charts.stacked_bars("Cash", "USD", ("Promised", "Predicted"), WEEKS)
    assert stacked.rows[1] == ("W49", "10,000.00", "5,000.00")


def test_a_line_ends_with_its_last_value() -> None:
    chart = charts.line(
        "Days sales outstanding", "days", [("Oct", Decimal(42)), ("Nov", Decimal("40.6"))]
    )
    words = [text.text for text in parsed(chart).iter("text") if text.attrib["class"] == "end"]
    assert words == ["41 days"]


@pytest.mark.parametrize("points", [[], [("Nov", Decimal(0))]])
def test_charts_of_an_empty_ledger_are_drawn_too(points: list[tuple[str, Decimal]]) -> None:
    assert parsed(charts.ageing_bars("Ageing", "USD", points)) is not None
    assert parsed(charts.line("DSO", "days", points)) is not None
    assert parsed(charts.stacked_bars("Cash", "USD", ("a", "b"), [])) is not None


def test_no_style_or_script_stands_in_a_chart() -> None:
    svg = charts.stacked_bars("Cash", "USD", ("Promised", "Predicted"), WEEKS).svg
    assert not re.search(r"style=|<style|<script|\son\w+=", svg)


def test_labels_are_escaped() -> None:
    svg = charts.ageing_bars('"><script>', "USD", [("<b>", Decimal(1))]).svg
    assert "<script>" not in svg
    assert "<b>" not in svg


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("950", "950"), ("41900", "41.9k"), ("40000", "40k"), ("1240000", "1.2m"),
     ("-2500", "-2.5k")],
)  # fmt: skip
def test_amounts_inside_a_chart_are_short(amount: str, text: str) -> None:
    assert charts.short(Decimal(amount)) == text


@pytest.mark.parametrize("largest", ["1", "7", "99", "101", "184200", "999999", "1000001"])
def test_the_scale_ends_at_a_round_number_that_is_not_far_above(largest: str) -> None:
    top = charts._ceiling([Decimal(largest)])
    assert float(largest) <= top <= 2.6 * float(largest) + 4
