"""Article numbers of registered and certified mail: read, normalised, checked (FACTS §2).

A wrong check digit is a warning and no refusal: the number on the label wins.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale

S10 = re.compile(r"([A-Z]{2})(\d{8})(\d)([A-Z]{2})")
USPS = re.compile(r"(\d{19}|\d{21})(\d)")
ROUTED = re.compile(r"420\d{5}(?:\d{4})?(9\d{21})")
"""The barcode of a US label starts with 420 and the ZIP code of the addressee."""

SHORT = 19
MISREAD = "The check digit does not fit: compare it with the label."
WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_SEPARATORS = re.compile(r"[\s.\-\u00a0\u2010-\u2015]+")


@dataclass(frozen=True, slots=True)
class Article:
    """A number as we keep it; ``warning`` says why it may be misread, empty where it is fine."""

    number: str
    warning: str = ""


def read_article(text: str) -> Article:
    """What was scanned or typed, without spaces and in capitals, with its check."""
    number = _SEPARATORS.sub("", text).upper()
    if routed := ROUTED.fullmatch(number):
        number = routed[1]
    return Article(number, _warning(number) if number else "")


def _warning(number: str) -> str:
    if s10 := S10.fullmatch(number):
        return _s10_warning(s10[2], s10[3], s10[4])
    if usps := USPS.fullmatch(number):
        return "" if int(usps[2]) in _usps_checks(usps[1]) else MISREAD
    if number.isdecimal() and len(number) in range(18, 25):
        return f"A USPS number has 20 or 22 digits, this one has {len(number)}."
    if re.fullmatch(r"[A-Z]{2}\d+[A-Z]{2}", number):
        return f"An S10 number has 9 digits between the letters, this one has {len(number) - 4}."
    return "Neither an S10 nor a USPS number: compare it with the label."


def _s10_warning(payload: str, check: str, country: str) -> str:
    if s10_check(payload) != int(check):
        return MISREAD
    if country not in _countries():
        return f"{country} is no country: compare it with the label."
    return ""


def s10_check(payload: str) -> int:
    """The check digit of eight digits of a UPU S10 number: 11 − (Σ weight × digit mod 11)."""
    found = 11 - sum(w * int(d) for w, d in zip(WEIGHTS, payload, strict=True)) % 11
    return {10: 0, 11: 5}.get(found, found)


def usps_check(payload: str) -> int:
    """The check digit of a USPS number: from the right weights 3, 1, 3, 1 …, mod 10."""
    total = sum(int(d) * (1 if place % 2 else 3) for place, d in enumerate(reversed(payload)))
    return -total % 10


def _usps_checks(payload: str) -> set[int]:
    """Labels with 20 digits leave out the 91 over which some of them were checked."""
    shortened = len(payload) == SHORT
    return {usps_check(payload)} | ({usps_check(f"91{payload}")} if shortened else set())


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    return frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2)
