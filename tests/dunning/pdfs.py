"""Reading a PDF back: where every glyph and every line lies, in millimetres from the top left."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTChar, LTContainer, LTCurve, LTFigure, LTImage, LTPage
from pypdf import PdfReader

from dunning.delivery.letter_layout import Box

MM = 72 / 25.4


@dataclass(frozen=True)
class Mark:
    """A glyph, or a drawn shape with empty text."""

    text: str
    box: Box


@lru_cache(maxsize=32)
def pages(document: bytes) -> tuple[LTPage, ...]:
    return tuple(extract_pages(BytesIO(document), laparams=LAParams()))


def _leaves(item: object) -> Iterator[object]:
    if isinstance(item, LTContainer):
        for child in item:
            yield from _leaves(child)
    elif isinstance(item, (LTChar, LTCurve, LTImage, LTFigure)):
        yield item


def marks(document: bytes, page: int = 1) -> list[Mark]:
    """Everything on a page, in reading order."""
    sheet = pages(document)[page - 1]
    found = []
    for item in _leaves(sheet):
        left, low, right, high = item.bbox  # type: ignore[attr-defined]
        box = Box(left / MM, (sheet.height - high) / MM, right / MM, (sheet.height - low) / MM)
        found.append(Mark(item.get_text() if isinstance(item, LTChar) else "", box))
    return found


def inside(mark: Box, box: Box) -> bool:
    return (
        mark.left >= box.left
        and mark.right <= box.right
        and mark.top >= box.top
        and mark.bottom <= box.bottom
    )


def touches(mark: Box, box: Box) -> bool:
    return (
        mark.left < box.right
        and mark.right > box.left
        and mark.top < box.bottom
        and mark.bottom > box.top
    )


def text_of(document: bytes, page: int = 1) -> str:
    """The words of a page, white space flattened."""
    from_lines = (
        item.get_text() for item in pages(document)[page - 1] if hasattr(item, "get_text")
    )
    return " ".join(" ".join(from_lines).split())


def listed_text(document: bytes) -> str:
    """The words of all pages, read without their places: quick, for very long lists."""
    pages_read = PdfReader(BytesIO(document)).pages
    return " ".join(" ".join(page.extract_text() for page in pages_read).split())


def whole_text(document: bytes) -> str:
    return " ".join(text_of(document, page) for page in range(1, len(pages(document)) + 1))
