"""Dates, amounts and names as customers read them, and what is taken out of raw values."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date

from arfollow.shared.money import format_amount, with_currency
from dunning.wording.notice import CurrencyTable

VALUE_LIMIT = 300
"""Characters of one merged value: a name or a reference, never an essay."""

_SPACES = re.compile(r"\s+")
_DROPPED = {"Cc", "Cf", "Co", "Cs", "Cn"}


def clean(value: str) -> str:
    """One line of plain text: no control, direction or private-use characters.

    Block marks are private-use characters, so a value can never forge a block, and a
    value without line breaks can never add a header.
    """
    kept = (mark for mark in value if mark.isspace() or unicodedata.category(mark) not in _DROPPED)
    flat = _SPACES.sub(" ", "".join(kept)).strip()
    return flat[:VALUE_LIMIT].strip()


@lru_cache(maxsize=4096)
def long_date(day: date, language: str = "en") -> str:
    """``21 November 2026``: never to be read two ways."""
    return str(format_date(day, "d MMMM y", locale=language.replace("-", "_")))


@lru_cache(maxsize=4096)
def short_date(day: date, language: str = "en") -> str:
    """``21 Nov 2026``, for tables."""
    return str(format_date(day, "d MMM y", locale=language.replace("-", "_")))


def optional_date(day: date | None, language: str = "en") -> str:
    """The short date, or nothing."""
    return short_date(day, language) if day else ""


def joined(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def distinct(words: Iterable[str]) -> list[str]:
    """Each word once, in order, without the empty ones."""
    return list(dict.fromkeys(word for word in words if word))


def amounts(pairs: Iterable[tuple[Decimal, str]], language: str = "en") -> str:
    """``USD 1,234.50 and EUR 200.00``: one amount per currency, never added up."""
    return joined([with_currency(amount, currency, language) for amount, currency in pairs])


def amount_due(tables: Iterable[CurrencyTable], language: str = "en") -> str:
    """What is asked for, per currency; currencies in credit are left out."""
    return amounts(
        ((table.amount_due, table.currency) for table in tables if table.amount_due > 0), language
    )


def plain_amount(amount: Decimal, currency: str, language: str = "en") -> str:
    """The amount for a column whose header names the currency; a true minus sign."""
    return format_amount(amount, currency, language).replace("-", "\u2212")


def counted(count: int, one: str, many: str) -> str:
    """``1 invoice``, ``2,602 invoices``."""
    return f"{count:,} {one if count == 1 else many}"
