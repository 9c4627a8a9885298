"""A certified letter that nobody took goes once more by ordinary mail (FACTS §2)."""

from datetime import date

from django.db import transaction

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from customers.models import Address
from customers.services import lock_customer, touch
from dunning.delivery.behind import EARLIER
from dunning.models import (
    AttemptItem,
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Letter,
    LetterStatus,
    Tone,
)
from dunning.outbox import adopt_if_new, desk
from dunning.outcomes.items import list_items, open_items
from dunning.wording.notice import Purpose

NOT_TAKEN = (LetterStatus.UNCLAIMED, LetterStatus.REFUSED, LetterStatus.UNDELIVERABLE)


def send_ordinary_copy(
    letter_id: int, *, actor: Actor, today: date | None = None
) -> ContactAttempt:
    """Plan a covering letter with the returned one behind it; it waits for approval.

    ServiceError where it was taken, where a copy is on its way already, where nothing of it
    is open any more, and where the address is known to be wrong.
    """
    today = today or clock.today()
    with transaction.atomic():
        letter = Letter.objects.select_related("attempt__customer").get(pk=letter_id)
        lock_customer(letter.attempt.customer_id)
        letter.refresh_from_db()
        _check(letter)
        attempt = _attempt(letter, actor, today)
        words = f"Ordinary copy of letter {letter.number} planned"
        desk.tell(attempt, "letter.copy_planned", words, actor=actor)
        touch(attempt.customer_id)
    return attempt


def copy_of(letter: Letter) -> ContactAttempt | None:
    """The ordinary copy that was planned for a letter, if it still counts."""
    about = {f"content__{EARLIER}": letter.pk}
    rows = ContactAttempt.objects.filter(customer=letter.attempt.customer_id, live=True, **about)
    return rows.order_by("-pk").first()


def _check(letter: Letter) -> None:
    if letter.status not in NOT_TAKEN:
        raise ServiceError("Only a letter that came back goes once more by ordinary mail.")
    if copy_of(letter) is not None:
        raise ServiceError(f"An ordinary copy of letter {letter.number} was planned already.")
    customer = letter.attempt.customer_id
    if not Address.objects.filter(customer=customer, active=True, undeliverable=False).exists():
        raise ServiceError("The address is known to be wrong: enter the right one first.")


def _attempt(letter: Letter, actor: Actor, today: date) -> ContactAttempt:
    old = letter.attempt
    named = set(AttemptItem.objects.filter(attempt=old).values_list("invoice_id", flat=True))
    items = [item for item in open_items(old.customer_id) if item.key.invoice_id in named]
    if not items:
        raise ServiceError("Nothing that this letter asked for is open any more.")
    adopt_if_new()
    attempt = ContactAttempt.objects.create(
        customer=old.customer,
        channel=Channel.LETTER,
        kind=AttemptKind.RESEND,
        tone=Tone.DIRECT,
        language=old.language,
        policy_version_id=old.policy_version_id,
        automatic=False,
        exempt=True,
        needs_approval=True,
        state=AttemptState.HELD,
        held_for=HeldFor.APPROVAL,
        reason="letter_returned",
        reason_text=f"Letter {letter.number} came back: {letter.get_status_display().lower()}.",
        planned_on=today,
        local_date=today,
        dedupe_key=f"letter-copy:{letter.pk}",
        created_by_id=actor.id,
        content={"purpose": Purpose.LETTER_COPY, EARLIER: letter.pk},
    )
    list_items(attempt, items, today=today)
    return attempt
