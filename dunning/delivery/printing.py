"""Print jobs: what is due, as one file for a printer, and the same letters again by its name.

The file begins with its cover list. Letters follow in the order in which the post wants
them (our own country first, then by country, postal code and customer) or by customer;
behind each letter lie its copies. Every letter and every copy starts on a sheet of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.template.loader import render_to_string

from arfollow.shared import faults
from arfollow.shared.events import SYSTEM, Actor
from arfollow.staff.models import Company
from dunning.delivery.cover import addresses_of, cover_pdf, paper_of
from dunning.delivery.letter_layout import LAYOUTS
from dunning.delivery.letters import PrintBatch, bytes_of, print_letters
from dunning.delivery.pdf import merge, pdf_of
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    Letter,
    LetterCopy,
    LetterStatus,
)

BY_POST, BY_CUSTOMER = "post", "customer"
ORDERS = {BY_POST: "Country and postal code", BY_CUSTOMER: "Customer"}


@dataclass(frozen=True, slots=True)
class PrintJob:
    """A batch with its name; the name is empty where nothing was printed."""

    name: str
    batch: PrintBatch
    order: str = BY_POST

    def pdf(self) -> bytes:
        """The whole pile with its cover list; empty where nothing was printed."""
        if not self.batch.letters:
            return b""
        return pile(self.name, [letter.pk for letter in self.batch.letters], self.order)


class NoSuchBatch(LookupError):
    """No letter was printed under this name."""


def due_letters(today: date) -> list[int]:
    """Approved letters whose day has come and that are not posted, oldest first.

    A letter that was printed but not posted is among them: it comes out as it was.
    """
    due = ContactAttempt.objects.filter(
        channel=Channel.LETTER, state=AttemptState.PLANNED, planned_on__lte=today
    )
    return list(due.order_by("planned_on", "pk").values_list("pk", flat=True))


def print_due(*, today: date, now: datetime, actor: Actor = SYSTEM) -> PrintJob:
    """Print what is due; letters printed for the first time get the job's name."""
    return name_batch(print_letters(due_letters(today), actor=actor, now=now), now=now)


def name_batch(batch: PrintBatch, *, now: datetime) -> PrintJob:
    """Give the letters that have no batch yet the name of this one; else it is the old one."""
    if not batch.letters:
        return PrintJob("", batch)
    faults.point("L7")
    name = f"{now:%Y%m%d-%H%M%S}-{batch.letters[0].pk}"
    ids = [letter.pk for letter in batch.letters]
    unnamed = Letter.objects.filter(pk__in=ids, print_batch="")
    unnamed = unnamed.exclude(status__in=(LetterStatus.DRAFTED, LetterStatus.APPROVED))
    if not unnamed.update(print_batch=name):
        name = batch.letters[0].print_batch
    faults.point("L8")
    return PrintJob(name, batch)


def print_again(name: str, *, now: datetime, actor: Actor = SYSTEM) -> PrintJob:
    """The stored bytes of a batch, whatever happened since. NoSuchBatch for an unknown name."""
    ids = [letter.attempt_id for letter in letters_of(name)] if name else []
    if not ids:
        raise NoSuchBatch(f"no letters were printed as “{name}”")
    return PrintJob(name, print_letters(ids, actor=actor, now=now))


def letters_of(name: str, order: str = BY_POST) -> list[Letter]:
    """The letters of a job, in the order of its pile."""
    rows = Letter.objects.filter(print_batch=name).values_list("pk", flat=True)
    return in_order(list(rows), order)


def in_order(letter_ids: Sequence[int], order: str = BY_POST) -> list[Letter]:
    """Letters as they lie in the pile."""
    rows = Letter.objects.filter(pk__in=letter_ids).defer("attempt__content")
    letters = list(rows.select_related("attempt__customer", "printed_by").order_by("pk"))
    return sorted(letters, key=_place(letters, order))


def _place(letters: Sequence[Letter], order: str) -> Callable[[Letter], tuple[Any, ...]]:
    home, places = Company.load().country, addresses_of(letters)

    def by_customer(letter: Letter) -> tuple[Any, ...]:
        return letter.attempt.customer.name.casefold(), letter.pk

    def by_post(letter: Letter) -> tuple[Any, ...]:
        address = places.get(letter.attempt.customer_id)
        country = address.country if address else ""
        code = address.postal_code.upper().replace(" ", "") if address else ""
        return country != home, country, code, *by_customer(letter)

    return by_customer if order == BY_CUSTOMER else by_post


def pile(name: str, letter_ids: Sequence[int], order: str = BY_POST) -> bytes:
    """Cover list, letters and the copies behind them as one file, duplex-safe."""
    letters = in_order(letter_ids, order)
    documents = [cover_pdf(name, letters)]
    for letter in letters:
        documents += [bytes_of(letter), *copies_behind(letter)]
    return merge(documents, LAYOUTS[paper_of(letters)].page)


def again(letter: Letter, *, by: str, on: date) -> bytes:
    """A letter with its copies once more, behind a sheet that says that it is a reprint.

    The letter itself is not marked: its bytes are the ones whose hash is on file.
    """
    context = {"letter": letter, "customer": letter.attempt.customer, "by": by, "on": on}
    layout = LAYOUTS[letter.window_format]
    sheet = pdf_of(render_to_string("letter/reprint.html", context), layout)
    return merge([sheet, bytes_of(letter), *copies_behind(letter)], layout.page)


def copies_behind(letter: Letter) -> list[bytes]:
    """The sheets that lie behind a letter."""
    rows = LetterCopy.objects.filter(letter=letter, document__isnull=False)
    found = rows.select_related("document").order_by("position")
    return [bytes(row.document.data) for row in found if row.document]
