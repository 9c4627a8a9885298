"""Reading the fields of one row: trimmed texts, countries, languages, e-mails, yes or no."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale

from arfollow.shared.money import AmountError, CurrencyError, check_currency
from invoices.imports.readers.amounts import parse_cell
from invoices.imports.readers.dates import DateError, parse_date
from invoices.imports.readers.types import Cell, Remark

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
INVISIBLE_ENDS = "\ufeff\u200b\u200e\u200f\u2060 "
LARGEST = Decimal(10) ** 13
"""No amount, price or quantity of an invoice comes near it; every column holds it."""
YES = frozenset({"yes", "y", "true", "1", "x", "disputed", "ja", "oui"})
NO = frozenset({"", "no", "n", "false", "0", "-", "nein", "non"})
_EMAIL = re.compile(
    r"[^@\s,;<>()\"\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250})\.[A-Za-z0-9-]{2,63}"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,4})?")
_ALSO_CALLED = {
    "usa": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "united states of america": "US",
    "uk": "GB",
    "u.k.": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "deutschland": "DE",
    "holland": "NL",
    "czech republic": "CZ",
    "turkey": "TR",
}


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided for whole columns: the date order of each, the decimal mark of all."""

    date_orders: Mapping[str, str]
    decimal_mark: str


@dataclass(slots=True)
class RowFields:
    """The cells of one row by field name, with what was found wrong while reading them.

    Wrong money, dates or numbers reject the row; wrong details of the customer are left out
    with a warning, since an invoice must not be lost over a mistyped address.
    """

    line: int
    cells: Mapping[str, Cell]
    decisions: Decisions
    heading: Callable[[str], str]
    errors: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    rounded: list[str] = field(default_factory=list)

    def reject(self, name: str, message: str) -> None:
        """The row cannot be used because of this field."""
        self.errors.append(Remark(self.line, self.heading(name), message))

    def warn(self, name: str, message: str) -> None:
        """The row is used without this field."""
        self.warnings.append(Remark(self.line, self.heading(name), message))

    def text(self, name: str, longest: int) -> str:
        """A text on one line; cut with a warning where it is too long."""
        words = self._words(name)
        if len(words) > longest:
            self.warn(name, f"longer than {longest} characters; the rest is left out")
        return words[:longest].rstrip()

    def key(self, name: str, longest: int) -> str:
        """A number that tells rows apart: leading zeros stay, a longer one is rejected."""
        words = self._words(name)
        if len(words) > longest:
            self.reject(name, f"longer than {longest} characters")
        return words

    def _words(self, name: str) -> str:
        words = " ".join(plain(self.cells.get(name, "")).split())
        return words.strip(INVISIBLE_ENDS)

    def date(self, name: str) -> date | None:
        """The date, or None where the cell is blank."""
        cell = self.cells.get(name, "")
        if not plain(cell).strip():
            return None
        try:
            return parse_date(cell, self.decisions.date_orders.get(name, ""))
        except DateError as error:
            self.reject(name, str(error))
            return None

    def number(self, name: str) -> Decimal | None:
        """The number as exact as it is written, or None where the cell is blank."""
        cell = self.cells.get(name, "")
        if not plain(cell).strip():
            return None
        try:
            number = parse_cell(cell, self.decisions.decimal_mark)
        except AmountError as error:
            self.reject(name, str(error))
            return None
        if abs(number) >= LARGEST:
            self.reject(name, "larger than the ledger can hold")
            return None
        return number

    def money(self, name: str) -> Decimal | None:
        """The amount in cents, halves rounded up; None where the cell is blank."""
        exact = self.number(name)
        if exact is None:
            return None
        amount = in_cents(exact)
        if amount != exact:
            self.rounded.append(name)
        return amount

    def currency(self, fallback: str) -> str:
        """The ISO code of the row, or the fallback where it states none."""
        code = self._words("currency") or fallback
        try:
            return check_currency(code) if code else ""
        except CurrencyError as error:
            self.reject("currency", str(error))
            return ""

    def flag(self, name: str) -> tuple[bool, Decimal | None]:
        """Yes or no, or the amount that is meant."""
        word = self._words(name).lower()
        if word in YES | NO:
            return word in YES, None
        try:
            amount = parse_cell(self.cells[name], self.decisions.decimal_mark)
        except AmountError:
            self.reject(name, f"“{word[:40]}” is neither yes nor no, nor an amount")
            return False, None
        return amount > 0, in_cents(amount) if amount > 0 else None

    def emails(self) -> tuple[str, ...]:
        """The addresses of the cell; what is none is left out with a warning."""
        found = re.split(r"[;,\s]+", self._words("email"))
        for address in found:
            if address and not is_email(address):
                self.warn("email", f"“{address[:60]}” is not an e-mail address; left out")
        return tuple(dict.fromkeys(address for address in found if is_email(address)))

    def country(self) -> str:
        """ISO 3166 code of a code or English name; blank with a warning where unknown."""
        name = self._words("country")
        code = country_codes().get(name.lower(), "")
        if name and not code:
            self.warn("country", f"“{name[:40]}” is not a country; left out")
        return code

    def language(self) -> str:
        """Code of a language or its English name; blank with a warning where unknown."""
        name = self._words("language")
        code = language_codes().get(name.replace("_", "-").split("-")[0].lower(), "")
        if name and not code:
            self.warn("language", f"“{name[:40]}” is not a language; left out")
            return ""
        return name.replace("_", "-").lower()[:10] if _LANGUAGE.fullmatch(name) else code


def plain(cell: Cell) -> str:
    """A cell as text; a whole number from a workbook has no decimals."""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return cell.isoformat() if isinstance(cell, date) else cell


def in_cents(exact: Decimal) -> Decimal:
    """Two decimals, halves away from zero."""
    sign = -1 if exact < 0 else 1
    return sign * (abs(exact) * 100 + Decimal("0.5")).__floor__() * Decimal("0.01")


def is_email(address: str) -> bool:
    """Whether the text has the shape of an address; that it exists only a message shows."""
    shaped = len(address) <= 254 and _EMAIL.fullmatch(address) is not None
    return shaped and ".." not in address and address.isprintable()


@cache
def country_codes() -> dict[str, str]:
    """ISO 3166 alpha-2 code by code and by English name, all in lower case."""
    codes = {
        code: name
        for code, name in Locale("en").territories.items()
        if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "ZZ", "QO"}
    }
    by_name = {name.lower(): code for code, name in codes.items()}
    return by_name | {code.lower(): code for code in codes} | _ALSO_CALLED


@cache
def language_codes() -> dict[str, str]:
    """Language code by code and by English name, all in lower case."""
    codes = {code: name for code, name in Locale("en").languages.items() if "_" not in code}
    by_name = {name.lower(): code for code, name in codes.items()}
    return by_name | {code.lower(): code for code in codes}
