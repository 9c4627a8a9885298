"""Letters from the draft to the signed receipt (FACTS §2, DELIVERY §3.3).

The point of no return is *posted*: until then a payment pulls the letter. Its number and
its printed bytes never change.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from arfollow.shared import clock, faults
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, Actor
from arfollow.staff.models import Company
from customers.models import Address
from customers.services import lock_customer, touch
from dunning.delivery import truth
from dunning.delivery.addresses import AddressDoesNotFit
from dunning.delivery.articles import read_article
from dunning.delivery.behind import Copy, copies_of, keep_copies
from dunning.delivery.foresee import foresee
from dunning.delivery.kept import keep, sha256
from dunning.delivery.letter_facts import number_of
from dunning.delivery.notice import notice_of, text_of
from dunning.delivery.pdf import NoPress, PdfNotMade, page_count, render_letter
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    Document,
    Letter,
    LetterKind,
    LetterStatus,
    TaskKind,
    Tone,
)
from dunning.outbox import desk, moves, switches
from dunning.policy import sentence
from dunning.policy.recheck import NOT_NOW
from dunning.wording import NoSuchText, Notice, Text, WordingError

STATUS = LetterStatus
NOT_PRINTED = (STATUS.DRAFTED, STATUS.APPROVED)
ON_THE_WAY = (STATUS.POSTED, STATUS.IN_TRANSIT, STATUS.NOTICE_LEFT)
RETURNED = (STATUS.REFUSED, STATUS.UNCLAIMED, STATUS.UNDELIVERABLE)
ENDS = (STATUS.DELIVERED, *RETURNED)


class CannotBeMade(ServiceError):
    """Something about this one letter: its text, its address, or what it asks of the renderer."""


@dataclass(slots=True)
class PrintBatch:
    """The letters that were printed, and what was left out with the reason."""

    letters: list[Letter] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)


def draft_letter(attempt: ContactAttempt, *, today: date | None = None) -> Letter:
    """The letter's row with its own number; made at approval or at printing, once."""
    company = Company.load()
    state = STATUS.APPROVED if attempt.state == AttemptState.PLANNED else STATUS.DRAFTED
    row, _ = Letter.objects.get_or_create(
        attempt=attempt,
        defaults={
            "number": number_of(attempt),
            "kind": LetterKind.FINAL_DEMAND if attempt.tone == Tone.FINAL else LetterKind.REMINDER,
            "certified": attempt.certified,
            "window_format": company.window_format,
            "status": state,
            "dated": today or clock.today(company.time_zone),
            "deadline": attempt.pay_by,
        },
    )
    return row


def preview_letter(attempt: ContactAttempt, *, today: date | None = None) -> bytes:
    """The letter as it would be printed now; the printed bytes once there are any.

    ServiceError says why there is none (the address does not fit, the text lacks something).
    """
    printed = Document.objects.filter(letters__attempt=attempt).first()
    if printed is not None:
        return bytes(printed.data)
    today = today or clock.today(Company.load().time_zone)
    return _pdf_of(lambda: foresee(attempt, today=today))


def print_letters(
    attempt_ids: Iterable[int], *, actor: Actor, now: datetime | None = None
) -> PrintBatch:
    """Look a last time, render each approved letter once and keep its bytes.

    A letter printed before comes out again as it was. What was paid meanwhile is pulled.
    """
    now = now or clock.now()
    batch = PrintBatch()
    for attempt_id in attempt_ids:
        try:
            batch.letters.append(_print(attempt_id, actor, now))
        except ServiceError as error:
            batch.left_out.append((attempt_id, str(error)))
    return batch


def _print(attempt_id: int, actor: Actor, now: datetime) -> Letter:
    """One letter: truth under the lock, PDF outside of it, and the truth once more."""
    today = clock.today(Company.load().time_zone)
    printed = Letter.objects.filter(attempt=attempt_id, document__isnull=False).first()
    if printed is not None:
        return printed
    attempt, wanted = _looked_at(attempt_id, today)
    faults.point("L1")
    copies = copies_of(attempt)
    try:
        pdf = _render(attempt, today)
    except CannotBeMade as error:
        _ask_about(attempt, str(error), today)
        raise
    faults.point("L2")
    document = keep(pdf, content_type="application/pdf", name=f"{number_of(attempt)}.pdf")
    faults.point("L3")
    with transaction.atomic():
        attempt, again, refusal = _look(attempt_id, today)
        if not refusal and again != wanted:
            raise ServiceError("The account changed while it was printed; print it again.")
        made = (document, copies, wanted)
        letter = None if refusal else _number(attempt, made, actor, now)
    if letter is None:  # pulled, and that is committed
        raise ServiceError(refusal)
    faults.point("L6")
    return letter


def _number(
    attempt: ContactAttempt,
    made: tuple[Document, tuple[Copy, ...], str],
    actor: Actor,
    now: datetime,
) -> Letter:
    """The letter with its number and these bytes; under the lock, after the last look."""
    document, copies, digest = made
    letter = draft_letter(attempt, today=clock.today(Company.load().time_zone))
    if letter.document_id is not None:  # another printer was quicker: the same letter
        return letter
    faults.point("L4")
    letter = _printed(letter, document, digest, actor, now)
    keep_copies(letter, copies)
    words = f"Letter {letter.number} printed"
    desk.tell(attempt, "letter.printed", words, actor=actor, values=_hash(document))
    desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=actor, at=now)
    faults.point("L5")
    return letter


def _printed(
    letter: Letter, document: Document, digest: str, actor: Actor, now: datetime
) -> Letter:
    Letter.objects.filter(pk=letter.pk, document=None).update(
        status=STATUS.PRINTED,
        document=document,
        facts_digest=digest,
        pages=page_count(bytes(document.data)),
        printed_at=now,
        printed_by_id=actor.id,
    )
    letter.refresh_from_db()
    return letter


def _hash(document: Document) -> dict[str, str]:
    return {"sha256": document.sha256}


def _looked_at(attempt_id: int, today: date) -> tuple[ContactAttempt, str]:
    """The attempt, true as of now, with its digest; ServiceError where it must not be printed.

    What is paid is cancelled here: the letter is pulled.
    """
    with transaction.atomic():
        attempt, digest, refusal = _look(attempt_id, today)
    if refusal:
        raise ServiceError(refusal)
    return attempt, digest


def _look(attempt_id: int, today: date) -> tuple[ContactAttempt, str, str]:
    """The same in the caller's transaction, which has to be committed where the third says
    that the letter was pulled."""
    attempt = _locked(attempt_id)
    braked = switches.brake_on(attempt, switches.company_for_last_look())
    if braked:
        raise ServiceError(braked)
    found = truth.refresh(attempt, today=today)
    if found.reason in NOT_NOW:
        raise ServiceError(sentence(found.reason))
    if found.reason is not None:
        _pull(attempt, found.reason, sentence(found.reason))
        return attempt, "", f"Pulled: {sentence(found.reason)}"
    return attempt, truth.digest(attempt, today=today), ""


def _locked(attempt_id: int) -> ContactAttempt:
    rows = ContactAttempt.objects.select_related("customer__owner", "policy_version__policy")
    customer_id = rows.values_list("customer_id", flat=True).filter(pk=attempt_id).first()
    if customer_id is None:
        raise ServiceError("There is no such letter.")
    lock_customer(customer_id)
    attempt = rows.get(pk=attempt_id)
    if attempt.channel != Channel.LETTER:
        raise ServiceError("This is no letter.")
    if attempt.state == AttemptState.HELD:
        raise ServiceError("It waits for approval.")
    if attempt.state != AttemptState.PLANNED:
        raise ServiceError(f"It is {attempt.get_state_display().lower()} already.")
    return attempt


def _pull(attempt: ContactAttempt, reason: str, text: str, actor: Actor = SYSTEM) -> None:
    moves.cancel(attempt.pk, reason=reason, text=text)
    Letter.objects.filter(attempt=attempt).exclude(status__in=ENDS).update(status=STATUS.PULLED)
    desk.tell(attempt, "letter.pulled", f"Letter pulled: {text}", actor=actor)
    touch(attempt.customer_id)


def _render(attempt: ContactAttempt, today: date) -> bytes:
    return _pdf_of(lambda: (notice_of(attempt, today=today), text_of(attempt)))


def _ask_about(attempt: ContactAttempt, why: str, today: date) -> None:
    """A letter that cannot be made stays approved and waits for whoever mends it, who is told.

    Else only the person at the printer would know of it (F-45, F-47).
    """
    with transaction.atomic():
        lock_customer(attempt.customer_id)
        desk.ask(attempt, TaskKind.CHECK_DELIVERY, why, due_on=today)
        desk.warn(attempt, why)


def _pdf_of(told: Callable[[], tuple[Notice, Text]]) -> bytes:
    try:
        notice, text = told()
        return render_letter(notice, text=text)
    except NoPress as error:  # no letter is to blame
        raise ServiceError(f"The letter cannot be made: {error}") from error
    except (WordingError, NoSuchText, AddressDoesNotFit, PdfNotMade) as error:
        raise CannotBeMade(f"The letter cannot be made: {error}") from error


def bytes_of(letter: Letter) -> bytes:
    """The printed bytes, proved by their hash. ServiceError where there are none or others."""
    if letter.document is None:
        raise ServiceError(f"Letter {letter.number} has not been printed.")
    data = bytes(letter.document.data)
    if sha256(data) != letter.document.sha256:
        raise ServiceError(f"The stored letter {letter.number} is damaged.")
    return data


def must_be_pulled(letter_ids: Sequence[int], *, today: date) -> list[tuple[Letter, str]]:
    """Printed letters that must not be posted any more, with the reason (rule 7).

    They are cancelled here: take them out of the pile.
    """
    pulled: list[tuple[Letter, str]] = []
    for letter in Letter.objects.filter(pk__in=letter_ids, status=STATUS.PRINTED).order_by("pk"):
        try:
            check_printed(letter, today=today)
        except ServiceError as error:
            pulled.append((letter, str(error)))
    return pulled


def check_printed(letter: Letter, *, today: date) -> ContactAttempt:
    """Whether a printed letter may still be posted; ServiceError (and pulled) where not.

    Its rows stay as they were printed: they are what the letter says.
    """
    with transaction.atomic():
        attempt = _locked(letter.attempt_id)
        braked = switches.brake_on(attempt, switches.company_for_last_look())
        if braked:
            raise ServiceError(braked)
        text, reason = truth.printed_is_true(attempt, today=today)
        if reason in NOT_NOW:
            raise ServiceError(text)
        if text:
            _pull(attempt, reason, text)
    if text:
        raise ServiceError(f"Pulled: {text}")
    return attempt


def mark_posted(
    letter_id: int,
    on: date,
    article_number: str = "",
    *,
    actor: Actor,
    receipt_number: str = "",
) -> Letter:
    """It is in the post: the step counts as taken from here. ServiceError where it was paid."""
    with transaction.atomic():
        letter = Letter.objects.select_related("attempt").get(pk=letter_id)
        if letter.status != STATUS.PRINTED:
            raise ServiceError(f"Letter {letter.number} is {letter.get_status_display().lower()}.")
        if letter.certified and not article_number.strip():
            raise ServiceError("A certified letter needs its article number.")
        if letter.printed_at is not None and on < letter.dated:
            raise ServiceError("It cannot have been posted before it was written.")
        number = read_article(article_number).number
        if number and Letter.objects.filter(article_number=number).exists():
            raise ServiceError(f"Article number {number} belongs to another letter.")
    attempt = check_printed(letter, today=on)
    faults.point("L9")
    with transaction.atomic():
        attempt = _locked(attempt.pk)
        braked = switches.brake_on(attempt, switches.company_for_last_look())
        if braked or truth.printed_is_true(attempt, today=on)[0]:  # since we looked
            raise ServiceError("The account changed this moment; look at the letter again.")
        if not moves.made(attempt.pk, done_on=on, at=clock.now()):
            raise ServiceError("It was posted or pulled meanwhile.")
        faults.point("L10")
        Letter.objects.filter(pk=letter_id).update(
            status=STATUS.POSTED,
            posted_on=on,
            article_number=number,
            receipt_number=receipt_number.strip(),
        )
        words = f"Letter {letter.number} posted" + (f" ({number})" if number else "")
        desk.tell(attempt, "letter.posted", words, actor=actor, values={"on": on})
        touch(attempt.customer_id)
        faults.point("L11")
    faults.point("L12")
    letter.refresh_from_db()
    return letter


def mark_delivery(
    letter_id: int, status: str, on: date, signer: str = "", *, actor: Actor
) -> Letter:
    """What the post reports. The next step counts from delivery or the end of the wait."""
    new = LetterStatus(status)
    if new not in (*ON_THE_WAY, *ENDS):
        raise ServiceError("Choose what the post reported.")
    with transaction.atomic():
        letter = Letter.objects.select_related("attempt__customer").get(pk=letter_id)
        lock_customer(letter.attempt.customer_id)
        letter.refresh_from_db()
        if letter.status not in (*ON_THE_WAY, *RETURNED):
            raise ServiceError(f"Letter {letter.number} has not been posted.")
        if letter.posted_on is not None and on < letter.posted_on:
            raise ServiceError("That is before it was posted.")
        _record_delivery(letter, new, on, signer.strip(), actor)
    letter.refresh_from_db()
    return letter


def _record_delivery(
    letter: Letter, status: LetterStatus, on: date, signer: str, actor: Actor
) -> None:
    attempt = letter.attempt
    delivered = on if status == STATUS.DELIVERED else None
    Letter.objects.filter(pk=letter.pk).update(
        status=status, reported_on=on, delivered_on=delivered, signer=signer
    )
    ContactAttempt.objects.filter(pk=attempt.pk).update(reached_on=delivered)
    who = f", signed by {signer}" if signer else ""
    words = f"Letter {letter.number}: {status.label.lower()}{who}"
    desk.tell(attempt, "letter.reported", words, actor=actor, values={"on": on})
    if status == STATUS.UNDELIVERABLE:
        Address.objects.filter(customer=attempt.customer, active=True).update(undeliverable=True)
    if status in RETURNED:
        title = f"Letter {letter.number} came back ({status.label.lower()}): find the address"
        desk.ask(attempt, TaskKind.ASK_ADDRESS, title, due_on=on)
    touch(attempt.customer_id)
