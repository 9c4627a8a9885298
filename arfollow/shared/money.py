"""Amounts of money: reading, rounding and writing them.

Amounts are ``Decimal`` with two decimals in the major unit of their currency.
"""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from babel.numbers import format_decimal, get_currency_precision, list_currencies

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LIMIT = Decimal(10) ** 16
"""The ledger stores 18 digits, two of them decimals."""

_SPACES = re.compile("[\\s\u00a0\u202f\u2009'\u2019_]")
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2010": "-", "\u2011": "-", "\uff0d": "-"})
_CURRENCY_MARK = re.compile(r"^(?:[A-Z]{1,3}\$|[A-Za-z]{3}|[$£€¥₹])|(?:[A-Za-z]{3}|[$£€¥₹])$")
_DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")
_COMMAED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_INDIAN = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")


class AmountError(ValueError):
    """The text is no amount, or can be read as two different ones."""


class CurrencyError(ValueError):
    """The currency is unknown, or the ledger cannot hold its amounts."""


def parse_amount(text: str, decimal_mark: str | None = None) -> Decimal:
    """Read ``$1,234.50``, ``(100.00)``, ``-100.00``, ``1.234,50`` or ``1 234,50``.

    ``decimal_mark`` ("." or ",") is what the whole column was found to use. Without it
    "1,234" is twelve hundred thirty-four and "1.234" a number with three decimals.
    Decimals are kept as written; AmountError if the text is no amount (FACTS section 8).
    """
    digits, negative = _unsigned(text)
    number = _to_plain(digits, decimal_mark)
    if not _PLAIN.fullmatch(number):
        raise AmountError(f"“{text.strip()[:40]}” is not an amount")
    try:
        amount = Decimal(number)
    except InvalidOperation as error:
        raise AmountError(f"“{text.strip()[:40]}” is not an amount") from error
    if amount >= LIMIT:
        raise AmountError(f"“{text.strip()[:40]}” is larger than the ledger can hold")
    return -amount if negative and amount else amount


def _unsigned(text: str) -> tuple[str, bool]:
    """The digits and marks of an amount, and whether it is negative."""
    bare = _SPACES.sub("", text).translate(_SIGNS)
    negative = False
    if bare.startswith("(") and bare.endswith(")"):
        bare, negative = bare[1:-1], True
    for _ in range(2):
        stripped = _CURRENCY_MARK.sub("", bare)
        if stripped.startswith("-") or stripped.endswith("-"):
            if negative:
                raise AmountError(f"“{text.strip()[:40]}” has two signs")
            stripped, negative = stripped.removeprefix("-").removesuffix("-"), True
        bare = stripped.removeprefix("+")
    return bare, negative


def _to_plain(digits: str, decimal_mark: str | None) -> str:
    """The digits with a dot as the only mark."""
    mark = decimal_mark or _decimal_mark(digits)
    thousands = "," if mark == "." else "."
    whole, found, decimals = digits.partition(mark)
    if thousands in whole and not _is_grouped(whole, thousands):
        raise AmountError(f"“{digits[:40]}” is not an amount")
    if thousands in decimals:
        raise AmountError(f"“{digits[:40]}” is not an amount")
    return whole.replace(thousands, "") + ("." + decimals if found else "")


def _is_grouped(whole: str, thousands: str) -> bool:
    """Thousands stand in threes, or in twos as Indian lakhs do."""
    if thousands == ".":
        return _DOTTED.fullmatch(whole) is not None
    return _COMMAED.fullmatch(whole) is not None or _INDIAN.fullmatch(whole) is not None


def _decimal_mark(digits: str) -> str:
    dot, comma = digits.rfind("."), digits.rfind(",")
    if dot >= 0 and comma >= 0:
        return "." if dot > comma else ","
    if digits.count(".") > 1 or (comma >= 0 and not _is_grouped(digits, ",")):
        return ","
    return "."


def round_half_up(amount: Decimal, places: int = 2) -> Decimal:
    """The amount at ``places`` decimals, halves away from zero as invoices round."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def smallest_unit(currency: str) -> Decimal:
    """The smallest amount the ledger pays in a currency: 0.01, or 1 for yen."""
    return Decimal(1).scaleb(-min(get_currency_precision(currency), 2))


def check_currency(code: str) -> str:
    """The ISO 4217 code in capitals; CurrencyError for unknown or three-decimal ones."""
    currency = code.strip().upper()
    if currency not in list_currencies():
        raise CurrencyError(f"“{code.strip()[:20]}” is not a currency code")
    if get_currency_precision(currency) > 2:
        raise CurrencyError(f"{currency} has three decimals, which the ledger cannot hold")
    return currency


def format_amount(amount: Decimal, currency: str, locale: str = "en") -> str:
    """The amount without its currency: ``1,234.50``, or ``1,235`` for yen."""
    decimals = min(get_currency_precision(currency), 2)
    pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
    return str(
        format_decimal(
            round_half_up(amount, decimals),
            format=pattern,
            locale=locale.replace("-", "_"),
            decimal_quantization=False,
        )
    )


def with_currency(amount: Decimal, currency: str, locale: str = "en") -> str:
    """The amount with its code before it: ``USD 1,234.50``."""
    return f"{currency} {format_amount(amount, currency, locale)}"
