"""What is printed behind a letter: originals of its invoices, or the letter it is a copy of.

Read and checked before the letter is written, so that its list of enclosures is true; kept
with the letter when it is printed, so that it comes out again with the same sheets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dunning.delivery.kept import keep, sha256
from dunning.delivery.pdf import PdfNotMade, pages_of_theirs
from dunning.models import (
    AttemptItem,
    ContactAttempt,
    Document,
    ItemPart,
    Letter,
    LetterCopy,
    Tone,
)
from invoices.models import Invoice

MOST_COPIES = 60
"""Beyond that a parcel would be posted: the letter says that copies come on request."""

EARLIER = "copy_of_letter"
"""Key in an attempt's content: the letter that it brings once more by ordinary mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One enclosure; ``missing`` says why there is none."""

    label: str
    invoice_id: int | None = None
    earlier_id: int | None = None
    data: bytes = b""
    pages: int = 0
    missing: str = ""


def copies_of(attempt: ContactAttempt) -> tuple[Copy, ...]:
    """What lies behind this letter, in the order in which it names the invoices."""
    earlier = attempt.content.get(EARLIER)
    if earlier is not None:
        return tuple(_letter_again(int(earlier)))
    if attempt.tone != Tone.FINAL:
        return ()
    asked = AttemptItem.objects.filter(
        attempt=attempt, part=ItemPart.PLEASE_PAY, invoice__isnull=False
    )
    rows = Invoice.objects.filter(pk__in=asked.values("invoice")).order_by("due_date", "pk")
    invoices = list(rows[: MOST_COPIES + 1])
    if len(invoices) > MOST_COPIES:
        return ()
    return tuple(_original(invoice) for invoice in invoices)


def _letter_again(letter_id: int) -> Iterator[Copy]:
    letter = Letter.objects.select_related("document").get(pk=letter_id)
    label = f"Copy of letter {letter.number} of {letter.dated:%-d %B %Y}"
    if letter.document is not None:
        data = bytes(letter.document.data)
        yield Copy(label=label, earlier_id=letter.pk, data=data, pages=letter.pages)


def _original(invoice: Invoice) -> Copy:
    label = f"Copy of invoice {invoice.number}"
    if not invoice.original:
        return Copy(label=label, invoice_id=invoice.pk, missing="no original on file")
    try:
        with invoice.original.open("rb") as file:
            data = bytes(file.read())
        pages = _pages(sha256(data), invoice.original_sha256, data)
    except OSError:
        return Copy(label=label, invoice_id=invoice.pk, missing="the file is gone")
    except (PdfNotMade, ValueError) as error:
        return Copy(label=label, invoice_id=invoice.pk, missing=str(error)[:200])
    return Copy(label=label, invoice_id=invoice.pk, data=data, pages=pages)


def _pages(found: str, known: str, data: bytes) -> int:
    if known and found != known:
        raise ValueError("the file is not the one that was kept")
    return _measured(found, data)


@lru_cache(maxsize=64)
def _measured(_digest: str, data: bytes) -> int:
    pages = pages_of_theirs(data)
    if not pages:
        raise ValueError("it has no pages")
    return pages


def keep_copies(letter: Letter, copies: tuple[Copy, ...]) -> None:
    """Tie the enclosures to a letter that is being printed; call it in its transaction."""
    LetterCopy.objects.bulk_create(
        LetterCopy(
            letter=letter,
            position=position,
            invoice_id=copy.invoice_id,
            earlier_id=copy.earlier_id,
            document=_kept(copy),
            pages=copy.pages,
            missing=copy.missing,
        )
        for position, copy in enumerate(copies, start=1)
    )


def _kept(copy: Copy) -> Document | None:
    if not copy.data:
        return None
    name = f"{copy.label.removeprefix('Copy of ')[:150]}.pdf"
    return keep(copy.data, content_type="application/pdf", name=name)
