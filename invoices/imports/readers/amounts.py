"""Amounts: what the decimal mark is, decided by the whole column or asked."""

import re
from collections.abc import Iterable
from decimal import Decimal

from arfollow.shared.money import AmountError, parse_amount
from invoices.imports.readers.dates import Sample
from invoices.imports.readers.types import Cell, UnreadableFile

MIXED = "mixed"
_DIGITS = re.compile(r"[0-9][0-9.,]*")
_EITHER = re.compile(r"[1-9][0-9]{0,2}([.,])[0-9]{3}")


def _digits(text: str) -> str:
    bare = re.sub("[\\s\u00a0\u202f\u2009'’]", "", text)
    found = _DIGITS.search(bare)
    return found[0].rstrip(".,") if found else ""


def _shown_mark(digits: str) -> str:
    """The decimal mark an amount gives away; empty where it could be either, or has none."""
    dot, comma = digits.rfind("."), digits.rfind(",")
    if dot < 0 and comma < 0 or _EITHER.fullmatch(digits):
        return ""
    if dot >= 0 and comma >= 0:
        return "." if dot > comma else ","
    mark = "." if dot >= 0 else ","
    if digits.count(mark) > 1:
        return "," if mark == "." else "."
    return mark


def decide_mark(column: str, samples: Iterable[Sample], asked: str = "") -> str:
    """ "." or ",", or MIXED where some amounts show one and some the other.

    "1,234" alone is twelve hundred thirty-four, since nobody writes thousandths; "1.234" is
    not so sure: UnreadableFile where nothing else in the column decides it.
    """
    if asked:
        return asked
    numbers = [(sample, _digits(sample.text)) for sample in samples]
    shown = {mark for _, digits in numbers if (mark := _shown_mark(digits))}
    if len(shown) > 1:
        return MIXED
    if shown:
        return shown.pop()
    for sample, digits in numbers:
        if (found := _EITHER.fullmatch(digits)) and found[1] == ".":
            raise UnreadableFile(
                f"Column “{column}”: “{sample.text}” on line {sample.line} can be a thousand or"
                " a fraction. Say which mark the decimals have with --decimal-mark . or ,"
            )
    return "."


def parse_cell(cell: Cell, mark: str) -> Decimal:
    """The amount in a cell, as exact as it is written; AmountError if it is none."""
    if isinstance(cell, Decimal):
        return cell
    text = str(cell)
    if mark == MIXED and _EITHER.fullmatch(_digits(text)):
        raise AmountError(f"“{text.strip()[:40]}” can be a thousand or a fraction")
    return parse_amount(text, None if mark == MIXED else mark)
