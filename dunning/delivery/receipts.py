"""The receipt of a posted letter: a scan or the post's own PDF, checked by what it is."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from customers.services import lock_customer, touch
from dunning.delivery.kept import keep
from dunning.delivery.letters import ENDS, ON_THE_WAY
from dunning.delivery.pdf import PdfNotMade, pages_of_theirs, picture
from dunning.models import Letter
from dunning.outbox import desk

MOST_BYTES = 10 * 1024 * 1024
KINDS = (
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
)
ACCEPT = "application/pdf,image/png,image/jpeg"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is, by its content."""

    content_type: str
    ending: str


def kind_of(data: bytes) -> Kind:
    """By the first bytes, whatever the name says. ServiceError for anything else."""
    for start, content_type, ending in KINDS:
        if data.startswith(start):
            return Kind(content_type, ending)
    raise ServiceError("The receipt must be a PDF, a PNG or a JPEG file.")


def keep_receipt(letter_id: int, name: str, data: bytes, *, actor: Actor, now: datetime) -> Letter:
    """Keep a receipt with its hash; a second one takes its place and the first is not lost."""
    if len(data) > MOST_BYTES:
        raise ServiceError("The file is larger than 10 MB.")
    kind = kind_of(data)
    _look_inside(kind, data)
    with transaction.atomic():
        letter = Letter.objects.select_related("attempt__customer").get(pk=letter_id)
        lock_customer(letter.attempt.customer_id)
        letter.refresh_from_db()
        if letter.status not in (*ON_THE_WAY, *ENDS):
            raise ServiceError(f"Letter {letter.number} has not been posted.")
        document = keep(data, content_type=kind.content_type, name=f"receipt.{kind.ending}")
        before = letter.receipt.sha256 if letter.receipt else ""
        Letter.objects.filter(pk=letter.pk).update(
            receipt=document, receipt_name=_plain(name), receipt_at=now, receipt_by_id=actor.id
        )
        words = f"Receipt of letter {letter.number} {'replaced' if before else 'kept'}"
        values = {"sha256": document.sha256, "before": before, "name": _plain(name)}
        desk.tell(letter.attempt, "letter.receipt", words, actor=actor, values=values)
        touch(letter.attempt.customer_id)
    letter.refresh_from_db()
    return letter


def _look_inside(kind: Kind, data: bytes) -> None:
    """It must open: a broken scan is noticed while the paper is still at hand."""
    try:
        if kind.ending == "pdf":
            pages_of_theirs(data)
        else:
            picture(data)
    except PdfNotMade as error:
        raise ServiceError(f"The file cannot be opened: {error}.") from error


def _plain(name: str) -> str:
    """A name without folders and without characters that a header or a page could trip over."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:160]
