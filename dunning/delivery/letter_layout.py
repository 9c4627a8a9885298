"""Where things lie on the first page of a letter, by window format (FACTS section 3).

All measures in millimetres from the top left of the page. The address box is what the
envelope's window always shows; nothing but the address may lie in it.
"""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the page."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One window format. ``text`` is where address glyphs go inside the box."""

    key: str
    page: tuple[float, float]
    box: Box
    text: Box
    rows: int
    leading_pt: float
    body_top: float
    info_left: float
    info_top: float
    folds: tuple[float, ...]
    hole: float | None = None
    notes: Box | None = None
    margins: tuple[float, float, float, float] = (18.0, 20.0, 28.0, 25.0)

    @property
    def page_size(self) -> str:
        """For CSS."""
        return f"{self.page[0]}mm {self.page[1]}mm"


_LETTER, _A4 = (215.9, 279.4), (210.0, 297.0)

US_10 = Layout(
    key="us_10",
    page=_LETTER,
    box=Box(22.2, 63.5, 111.1, 80.4),
    text=Box(25, 64, 110, 80.4),
    rows=4,
    leading_pt=11.5,
    body_top=97,
    info_left=125,
    info_top=46,
    folds=(93.1, 186.3),
)
DIN_B = Layout(
    key="din_b",
    page=_A4,
    box=Box(20, 62.7, 105, 90),
    text=Box(25, 63.2, 104, 90),
    rows=6,
    leading_pt=12,
    body_top=103,
    info_left=125,
    info_top=50,
    folds=(105, 210),
    hole=148.5,
    notes=Box(25, 45, 104, 62.7),
)
DIN_A = Layout(
    key="din_a",
    page=_A4,
    box=Box(20, 44.7, 105, 72),
    text=Box(25, 45.2, 104, 72),
    rows=6,
    leading_pt=12,
    body_top=91,
    info_left=125,
    info_top=32,
    folds=(87, 192),
    hole=148.5,
    notes=Box(25, 27, 104, 44.7),
)
UK_DL = Layout(
    key="uk_dl",
    page=_A4,
    box=Box(20, 57, 100, 79),
    text=Box(25, 57.6, 99, 79),
    rows=5,
    leading_pt=11.8,
    body_top=100,
    info_left=125,
    info_top=46,
    folds=(99, 198),
)

LAYOUTS = {layout.key: layout for layout in (US_10, DIN_A, DIN_B, UK_DL)}
"""By the company's window format."""


@lru_cache(maxsize=8)
def geometry_css(key: str) -> str:
    """The style sheet with this format's measures; everything else is in letter.css."""
    layout = LAYOUTS[key]
    top, right, bottom, left = layout.margins
    rules = [
        f"@page {{ size: {layout.page_size}; margin: {top}mm {right}mm {bottom}mm {left}mm; }}",
        f".head {{ height: {layout.body_top - top}mm; }}",
        _place(".address", layout, layout.text),
        f".address {{ line-height: {layout.leading_pt}pt; }}",
        f".info {{ left: {layout.info_left - left}mm; top: {layout.info_top - top}mm;"
        f" width: {layout.page[0] - right - layout.info_left}mm; }}",
        f".letterhead {{ left: 0; top: {9 - top}mm; width: {layout.page[0] - right - left}mm; }}",
        *(_mark(f".fold-{index}", at, layout, 5) for index, at in enumerate(layout.folds, 1)),
    ]
    if layout.hole is not None:
        rules.append(_mark(".hole", layout.hole, layout, 7))
    if layout.notes is not None:
        rules.append(_notes(layout, layout.notes))
    return "\n".join(rules)


def _place(selector: str, layout: Layout, box: Box) -> str:
    top, _, _, left = layout.margins
    return (
        f"{selector} {{ left: {box.left - left}mm; top: {box.top - top:.2f}mm;"
        f" width: {box.width}mm; }}"
    )


def _notes(layout: Layout, box: Box) -> str:
    """The return line and the endorsement end where the address zone begins."""
    return (
        f".notes {{ left: {box.left - layout.margins[3]}mm; width: {box.width}mm;"
        f" bottom: {layout.body_top - box.bottom + 0.6:.2f}mm; }}"
    )


def _mark(selector: str, at: float, layout: Layout, length: float) -> str:
    top, _, _, left = layout.margins
    return (
        f"{selector} {{ left: {4 - left}mm; top: {at - top:.2f}mm; width: {length}mm;"
        f" height: 0; border-top: 0.2mm solid #767676; }}"
    )
