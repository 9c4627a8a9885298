"""What can be laid before a court about a letter: what was said, to whom, when, and the proof.

Everything is read from rows that do not change any more: the frozen PDF and its hash, the
numbers of the post, the receipt, and the events of the audit chain that tell of it.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import timezone

from arfollow.shared.chains import faults_of
from arfollow.shared.models import Event
from arfollow.staff.models import Company
from dunning.delivery.cover import addresses_of
from dunning.delivery.letter_layout import LAYOUTS
from dunning.delivery.letters import bytes_of
from dunning.delivery.pdf import bundle, pdf_of, picture
from dunning.models import AttemptItem, ItemPart, Letter, LetterCopy, MessageEdit

type Fact = tuple[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The facts of one letter, for the page and for the PDF."""

    letter: Letter
    items: Sequence[AttemptItem]
    copies: Sequence[LetterCopy]
    edits: Sequence[MessageEdit]
    events: Sequence[Event]
    faults: Sequence[str]
    address: str

    @property
    def chain(self) -> str:
        """Key of the audit chain that the events stand in."""
        return f"customer:{self.letter.attempt.customer_id}"

    @property
    def size(self) -> int:
        """Bytes of the printed file."""
        return len(self.letter.document.data) if self.letter.document else 0


def evidence_of(letter: Letter) -> Evidence:
    """Everything on file about a letter; about ten queries."""
    attempt = letter.attempt
    items = attempt.items.filter(part=ItemPart.PLEASE_PAY).select_related("invoice")
    copies = letter.copies.select_related("invoice", "earlier", "document").defer("document__data")
    address = addresses_of([letter]).get(attempt.customer_id)
    events = Event.objects.filter(object_type="attempt", object_id=attempt.pk)
    return Evidence(
        letter=letter,
        items=list(items.order_by("pk")),
        copies=list(copies),
        edits=list(attempt.edits.select_related("by")),
        events=list(events.select_related("data").order_by("seq")),
        faults=faults_of(f"customer:{attempt.customer_id}"),
        address=str(address) if address else "",
    )


def evidence_pdf(evidence: Evidence) -> bytes:
    """The evidence as one file: a report, then the letter, its copies and the receipt.

    The letter, the copies and the receipt are attached to it byte for byte, so that their
    hashes can be computed by anybody.
    """
    letter, company = evidence.letter, Company.load()
    context = {
        "evidence": evidence,
        "letter": letter,
        "attempt": letter.attempt,
        "customer": letter.attempt.customer,
        "company": company,
        "scan": _scan(letter),
    }
    with timezone.override(company.time_zone):
        page = render_to_string("letter/evidence.html", context)
    report = pdf_of(page, LAYOUTS[letter.window_format])
    return bundle(report, _files(evidence))


def _scan(letter: Letter) -> str:
    """The receipt as a picture in the report, where it is one."""
    receipt = letter.receipt
    if receipt is None or not receipt.content_type.startswith("image/"):
        return ""
    drawn = picture(bytes(receipt.data))
    return f"data:image/jpeg;base64,{base64.b64encode(drawn).decode()}"


def _files(evidence: Evidence) -> list[tuple[str, bytes]]:
    letter = evidence.letter
    files = [(f"{letter.number}.pdf", bytes_of(letter))]
    for copy in evidence.copies:
        if copy.document is not None:
            files.append((f"{letter.number}-copy-{copy.position}.pdf", bytes(copy.document.data)))
    if letter.receipt is not None:
        ending = letter.receipt.name.rpartition(".")[2]
        files.append((f"{letter.number}-receipt.{ending}", bytes(letter.receipt.data)))
    return files
