"""How wide words are in Liberation Sans, whose widths are those of Arial and Helvetica."""

from collections.abc import Sequence

MM_PER_POINT = 25.4 / 72
SIZES_PT = (10.0, 9.5, 9.0, 8.5, 8.0)
"""Sizes of an address, the largest that fits; never smaller than 8 points."""

# Advance widths in thousandths of an em.
_ADVANCES = {
    "ijl'’|": 222,
    "Itf!.,:;/\\[] ·": 278,
    "r()-`": 333,
    '"': 355,
    "Jcksvxyz": 500,
    "abdeghnopqu0123456789_?$#L": 556,
    "+=<>~": 584,
    "FTZ": 611,
    "ABEKPSVXY&": 667,
    "CDHNRUw": 722,
    "GOQ": 778,
    "Mm": 833,
    "%": 889,
    "W…": 1000,
    "@": 1015,
}
_ADVANCE = {mark: width for marks, width in _ADVANCES.items() for mark in marks}


def width(words: str, size: float) -> float:
    """In millimetres at so many points; letters with marks count as the widest."""
    ems = sum(_ADVANCE.get(mark, 667 if mark.isascii() else 1000) for mark in words)
    return ems / 1000 * size * MM_PER_POINT


def size_for(lines: Sequence[str], room: float) -> float | None:
    """The largest size at which every line has room (mm); None if even 8 points is too wide."""
    for size in SIZES_PT:
        if all(width(line, size) <= room for line in lines):
            return size
    return None


def shortened(words: str, characters: int, room: float) -> str:
    """The words as they are, or cut with an ellipsis to go in at the smallest size."""
    kept = words
    while len(kept) > characters or width(kept, SIZES_PT[-1]) > room:
        kept = f"{kept.rstrip('…')[:-1].rstrip()}…"
    return kept
