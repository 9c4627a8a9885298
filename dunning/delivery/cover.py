"""The first sheet of a print job: what lies below, to tick off while it goes into envelopes."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string

from arfollow.staff.models import Company
from customers.models import Address
from dunning.delivery.letter_facts import mailing
from dunning.delivery.letter_layout import LAYOUTS
from dunning.delivery.pdf import pdf_of
from dunning.models import Letter, LetterCopy
from dunning.wording.formats import long_date

ORDINARY = "Ordinary mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One letter on the cover list. ``pages`` are its own, ``behind`` those of its copies."""

    letter: Letter
    customer: str
    number: str
    place: str
    service: str
    pages: int
    behind: int
    sheets: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """The letters of one service."""

    service: str
    letters: int
    pages: int
    sheets: int


def cover_pdf(name: str, letters: Sequence[Letter]) -> bytes:
    """The cover list of a job as PDF, on the paper of its letters."""
    company = Company.load()
    rows = listed(letters, company)
    printed = [letter.printed_at for letter in letters if letter.printed_at]
    context = {
        "company": company,
        "name": name,
        "rows": rows,
        "sums": sums(rows),
        "printed": min(printed) if printed else None,
        "printed_on": long_date(min(printed).date()) if printed else "",
        "by": next((str(each.printed_by) for each in letters if each.printed_by), ""),
    }
    return pdf_of(render_to_string("letter/cover.html", context), LAYOUTS[paper_of(letters)])


def paper_of(letters: Sequence[Letter]) -> str:
    """The window format of a job: that of its first letter."""
    return letters[0].window_format


def listed(letters: Sequence[Letter], company: Company) -> list[Listed]:
    """The rows of the cover list, in the order of the pile."""
    behind: dict[int, list[LetterCopy]] = {}
    for copy in LetterCopy.objects.filter(letter__in=letters).select_related("invoice", "earlier"):
        behind.setdefault(copy.letter_id, []).append(copy)
    places = addresses_of(letters)
    return [_row(letter, behind.get(letter.pk, []), places, company) for letter in letters]


def addresses_of(letters: Sequence[Letter]) -> dict[int, Address]:
    """The active address of each letter's customer."""
    customers = {letter.attempt.customer_id for letter in letters}
    rows = Address.objects.filter(customer__in=customers, active=True)
    return {row.customer_id: row for row in rows}


def _row(
    letter: Letter, copies: Sequence[LetterCopy], places: dict[int, Address], company: Company
) -> Listed:
    place = places.get(letter.attempt.customer_id)
    own = [letter.pages, *(copy.pages for copy in copies)]
    return Listed(
        letter=letter,
        customer=letter.attempt.customer.name,
        number=letter.attempt.customer.number,
        place=" ".join(filter(None, (place.postal_code, place.city, place.country)))
        if place
        else "",
        service=mailing(company.country).partition(",")[0] if letter.certified else ORDINARY,
        pages=letter.pages,
        behind=sum(copy.pages for copy in copies),
        sheets=sum((pages + 1) // 2 for pages in own),
        missing=_missing(copies),
    )


def _missing(copies: Sequence[LetterCopy]) -> tuple[str, ...]:
    """``HP-1, HP-2: no original on file``: what has no copy, by the reason."""
    reasons = dict.fromkeys(copy.missing for copy in copies if copy.missing)
    named = {why: [str(c.invoice) for c in copies if c.missing == why] for why in reasons}
    return tuple(f"{', '.join(numbers)}: {why}" for why, numbers in named.items())


def sums(rows: Sequence[Listed]) -> list[Sum]:
    """Letters, pages and sheets by service, and of all."""
    services = dict.fromkeys(row.service for row in rows)
    found = [_sum(name, [row for row in rows if row.service == name]) for name in services]
    return [*found, _sum("Together", rows)] if len(found) > 1 else found


def _sum(service: str, rows: Sequence[Listed]) -> Sum:
    pages = sum(row.pages + row.behind for row in rows)
    return Sum(service, len(rows), pages, sum(row.sheets for row in rows))
