"""Dates: the order of day and month is decided by the whole column, or asked (L34)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from invoices.imports.readers.types import Cell, UnreadableFile

ORDERS = ("dmy", "mdy", "ymd")
FIRST_YEAR, LAST_YEAR = 1980, 2100
_TIME = re.compile(
    r"[T ]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)? ?([AP]M|Z|UTC|[+-][0-9:]{4,6})?$"
)
_ISO = re.compile(r"([0-9]{4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_NUMERIC = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_DAY_FIRST = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th)?[-/. ]+([a-z]{3,9})[-/., ]+([0-9]{4}|[0-9]{2})"
)
_MONTH_FIRST = re.compile(r"([a-z]{3,9})[-/. ]+([0-9]{1,2})(?:st|nd|rd|th)?[-/., ]+([0-9]{4})")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)


class DateError(ValueError):
    """The text is no date."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A date as written, with the line it stands on."""

    line: int
    text: str


def sure_date(cell: Cell) -> date | None:
    """The date where it can be read one way only: ISO, compact, or with the month's name."""
    if isinstance(cell, date):
        return cell if FIRST_YEAR <= cell.year <= LAST_YEAR else None
    text = _bare(str(cell))
    for pattern in (_ISO, _COMPACT):
        if found := pattern.fullmatch(text):
            return _make(int(found[1]), int(found[2]), int(found[3]))
    return _named(text.lower())


def _bare(text: str) -> str:
    """Without the time of day."""
    return _TIME.sub("", text.strip())


def _named(text: str) -> date | None:
    if found := _DAY_FIRST.fullmatch(text):
        return _make(_year(found[3]), _month(found[2]), int(found[1]))
    if found := _MONTH_FIRST.fullmatch(text):
        return _make(_year(found[3]), _month(found[1]), int(found[2]))
    return None


def _month(name: str) -> int:
    """Number of an English month's name or its first three letters; 0 for anything else."""
    for number, month in enumerate(_MONTHS, start=1):
        if name in {month, month[:3]} or name == "sept" == month[:4]:
            return number
    return 0


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (2000 if year < 70 else 1900)


def _make(year: int, month: int, day: int) -> date | None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def readings(text: str) -> dict[str, date]:
    """Every order in which a numeric date exists, with the day it then means."""
    found = _NUMERIC.fullmatch(_bare(text))
    if found is None:
        return {}
    first, middle, last = found[1], found[3], found[4]
    possible = {
        "dmy": _make(_year(last), int(middle), int(first)),
        "mdy": _make(_year(last), int(first), int(middle)),
    }
    if len(first) == len(last) == 2:
        possible["ymd"] = _make(_year(first), int(middle), int(last))
    return {order: day for order, day in possible.items() if day is not None}


def decide_order(column: str, samples: Iterable[Sample], asked: str = "") -> str:
    """The order all dates of a column share; empty if none of them needs one.

    UnreadableFile if the column can be read in two ways, or in no single one, unless the
    order was ``asked`` for.
    """
    if asked:
        return asked
    numeric = [(sample, found) for sample in samples if (found := readings(sample.text))]
    possible = [o for o in ORDERS if all(o in found for _, found in numeric)]
    if not numeric:
        return ""
    if not possible:
        raise UnreadableFile(_contradiction(column, numeric))
    for sample, found in numeric:
        if len({found[order] for order in possible}) > 1:
            raise UnreadableFile(_ambiguity(column, sample, found, possible))
    return possible[0]


Numeric = tuple[Sample, dict[str, date]]


def _ambiguity(column: str, sample: Sample, found: dict[str, date], possible: list[str]) -> str:
    ways = " or ".join(f"{_spoken(found[order])} ({order})" for order in possible)
    return (
        f"Column “{column}”: its dates can be read in more than one way. Line {sample.line},"
        f" “{sample.text}”, is {ways}. Say which with --date-format {' or '.join(possible)}."
    )


def _spoken(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1].title()} {day.year}"


def _contradiction(column: str, numeric: list[Numeric]) -> str:
    examples = ", ".join(
        f"line {sample.line} “{sample.text}” only as {order}"
        for sample, order in islice(_one_way_each(numeric), 2)
    )
    return (
        f"Column “{column}” mixes orders of day and month: {examples}."
        " Correct the file, or say --date-format dmy or mdy; rows that do not fit are reported."
    )


def _one_way_each(numeric: list[Numeric]) -> Iterator[tuple[Sample, str]]:
    seen = set()
    for sample, found in numeric:
        order = next(iter(found))
        if len(found) == 1 and order not in seen:
            seen.add(order)
            yield sample, order


def parse_date(cell: Cell, order: str) -> date:
    """The date in a cell; DateError if it is none in that order."""
    if (day := sure_date(cell)) is not None:
        return day
    text = str(cell).strip()
    if (day := readings(text).get(order)) is not None:
        return day
    hint = f" in the order {order}" if readings(text) else ""
    raise DateError(f"“{text[:40]}” is not a date{hint}")
