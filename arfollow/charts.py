"""Charts as SVG made on the server: no script, no inline style, a table behind each.

Shapes carry classes only; the style sheet colours them for light and dark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

from django.utils.safestring import SafeString, mark_safe

from arfollow.shared.money import format_amount

WIDTH, WIDE, HEIGHT = 640, 1120, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 18, 34
STEPS = 4
BAR_SHARE = 0.58
NICE = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10)


@dataclass(frozen=True)
class Chart:
    """A drawn chart with the figures it shows; ``legend`` is (class, label) pairs."""

    title: str
    svg: SafeString
    heads: list[str]
    rows: Sequence[tuple[str, ...]]
    legend: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Frame:
    """The plot area: how values and slots become places."""

    top: float
    slots: int
    right: int = RIGHT
    width: int = WIDTH

    def y(self, value: float) -> float:
        plot = HEIGHT - TOP - BOTTOM
        return round(HEIGHT - BOTTOM - plot * value / self.top, 1)

    @property
    def slot(self) -> float:
        return (self.width - LEFT - self.right) / max(self.slots, 1)

    def x(self, index: int) -> float:
        """The middle of a slot."""
        return round(LEFT + self.slot * (index + 0.5), 1)


def ageing_bars(title: str, currency: str, buckets: Sequence[tuple[str, Decimal]]) -> Chart:
    """A bar for each age bucket, from not due to the oldest, with its amount above it."""
    frame = _Frame(_ceiling([amount for _, amount in buckets]), len(buckets))
    svg = _canvas(_told(title, currency, buckets), frame)
    _grid(svg, frame)
    for index, (label, amount) in enumerate(buckets):
        _bar(svg, frame, index, Decimal(0), amount, f"b{min(index, 5)}")
        _text(svg, frame.x(index), frame.y(float(amount)) - 6, short(amount), "value")
        _text(svg, frame.x(index), HEIGHT - 10, label, "axis")
    rows = [(label, format_amount(amount, currency)) for label, amount in buckets]
    return Chart(title, _markup(svg), ["Age", currency], rows)


def stacked_bars(
    title: str,
    currency: str,
    series: tuple[str, str],
    weeks: Sequence[tuple[str, Decimal, Decimal]],
) -> Chart:
    """Two amounts for each week, one on the other: what is promised, what is predicted."""
    totals = [(label, first + second) for label, first, second in weeks]
    frame = _Frame(_ceiling([amount for _, amount in totals]), len(weeks), width=WIDE)
    svg = _canvas(_told(title, currency, totals), frame)
    _grid(svg, frame)
    for index, (label, first, second) in enumerate(weeks):
        _bar(svg, frame, index, Decimal(0), first, "f0")
        _bar(svg, frame, index, first, second, "f1")
        if index % 2 == 0:  # on a phone there is room for every other week
            _text(svg, frame.x(index), HEIGHT - 10, label, "axis")
    rows = [
        (label, format_amount(first, currency), format_amount(second, currency))
        for label, first, second in weeks
    ]
    heads = ["Week", f"{series[0]}, {currency}", f"{series[1]}, {currency}"]
    return Chart(title, _markup(svg), heads, rows, [("f0", series[0]), ("f1", series[1])])


def line(title: str, unit: str, points: Sequence[tuple[str, Decimal]]) -> Chart:
    """One value over time, such as days sales outstanding, with the last one named."""
    frame = _Frame(_ceiling([value for _, value in points]), len(points), right=64)
    svg = _canvas(_told(title, unit, points), frame)
    _grid(svg, frame)
    places = [(frame.x(index), frame.y(float(value))) for index, (_, value) in enumerate(points)]
    if places:
        _area(svg, frame, places)
        end, last = places[-1], points[-1][1]
        _text(svg, end[0] + 8, end[1] + 4, f"{last:.0f} {unit}", "end", anchor="start")
    for index, (label, _) in enumerate(points):
        _text(svg, frame.x(index), HEIGHT - 10, label, "axis")
    return Chart(title, _markup(svg), ["When", unit], [(at, f"{v:.1f}") for at, v in points])


def short(amount: Decimal) -> str:
    """An amount in few characters for the inside of a chart: 950, 41.9k, 1.2m."""
    for limit, unit in ((1_000_000, "m"), (1_000, "k")):
        if abs(amount) >= limit:
            return f"{amount / limit:.1f}".removesuffix(".0") + unit
    return f"{amount:.0f}"


def _ceiling(values: Sequence[Decimal]) -> float:
    """The top of the scale: the next round number above the largest value."""
    largest = float(max([*values, Decimal(1)]))
    step = largest / STEPS
    power = 10 ** math.floor(math.log10(step))
    return float(next(n for n in NICE if n * power >= step) * power * STEPS)


def _told(title: str, unit: str, points: Sequence[tuple[str, Decimal]]) -> str:
    """The chart in words, for those who do not see it."""
    said = ", ".join(f"{label} {short(value)}" for label, value in points)
    return f"{title} in {unit}: {said}"


def _canvas(label: str, frame: _Frame) -> ET.Element:
    kind = "chart wide" if frame.width == WIDE else "chart"
    box = {"class": kind, "viewBox": f"0 0 {frame.width} {HEIGHT}"}
    return ET.Element("svg", box | {"role": "img", "aria-label": label})


def _grid(svg: ET.Element, frame: _Frame) -> None:
    for step in range(STEPS + 1):
        value = frame.top * step / STEPS
        y = str(frame.y(value))
        ends = {"x1": str(LEFT), "x2": str(frame.width - frame.right), "y1": y, "y2": y}
        ET.SubElement(svg, "line", {"class": "grid"} | ends)
        _text(svg, LEFT - 8, frame.y(value) + 4, short(Decimal(value)), "axis", anchor="end")


def _bar(
    svg: ET.Element, frame: _Frame, index: int, base: Decimal, amount: Decimal, kind: str
) -> None:
    """A bar from ``base`` up; amounts below nothing (credits) have no height."""
    width = frame.slot * BAR_SHARE
    top, foot = frame.y(float(base + max(amount, Decimal(0)))), frame.y(float(base))
    place = {"x": f"{frame.x(index) - width / 2:.1f}", "y": str(top)}
    size = {"width": f"{width:.1f}", "height": f"{foot - top:.1f}", "rx": "3"}
    ET.SubElement(svg, "rect", {"class": kind} | place | size)


def _area(svg: ET.Element, frame: _Frame, places: list[tuple[float, float]]) -> None:
    foot = frame.y(0)
    path = " ".join(f"{x},{y}" for x, y in places)
    outline = f"{places[0][0]},{foot} {path} {places[-1][0]},{foot}"
    ET.SubElement(svg, "polygon", {"class": "area", "points": outline})
    for (x1, y1), (x2, y2) in pairwise(places):
        ends = {"x1": str(x1), "y1": str(y1), "x2": str(x2), "y2": str(y2)}
        ET.SubElement(svg, "line", {"class": "l0"} | ends)


def _text(
    svg: ET.Element, x: float, y: float, words: str, kind: str, *, anchor: str = "middle"
) -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    ET.SubElement(svg, "text", {"class": kind} | place).text = words


def _markup(svg: ET.Element) -> SafeString:
    # The tree's writer escapes every label and attribute.
    return mark_safe(ET.tostring(svg, encoding="unicode"))  # noqa: S308  # ElementTree escaped it
