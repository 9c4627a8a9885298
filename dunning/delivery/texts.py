"""Saving texts: linted first, a new version each time, with an event (R25, L21).

One way for texts of all messages of a kind, one for the words of a single waiting message.
"""

from datetime import date

from django.db import transaction

from arfollow.shared import clock, events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from customers.services import lock_customer, touch
from dunning.delivery.notice import notice_of, purpose_of, text_with
from dunning.models import AttemptKind, AttemptState, Channel, ContactAttempt, MessageTemplate
from dunning.outbox import desk
from dunning.wording import Problem, Text, WordingError, compose, lint
from dunning.wording.notice import Purpose
from dunning.wording.texts import FALLBACK_LANGUAGE

EDITABLE = (AttemptState.PLANNED, AttemptState.HELD)


class RefusedText(ServiceError):
    """The text was not saved; ``problems`` say what to mend and where."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


def save_text(
    channel: str,
    tone: str,
    subject: str,
    body: str,
    *,
    actor: Actor,
    kind: str = "",
    language: str = FALLBACK_LANGUAGE,
) -> MessageTemplate:
    """Replace the text of this channel, tone and kind from now on; RefusedText if it is not fit.

    The version before it is kept and no longer current; attempts that wait are written anew.
    """
    text = Text(
        purpose=_purpose(channel, tone, kind),
        channel=channel,
        tone=tone,
        subject=subject.strip(),
        body=body.strip(),
        language=language,
    )
    _refuse(lint(text))
    same = MessageTemplate.objects.filter(channel=channel, tone=tone, kind=kind, language=language)
    with transaction.atomic():
        newest = same.select_for_update().order_by("-version").first()
        same.filter(current=True).update(current=False)
        row = MessageTemplate.objects.create(
            channel=channel,
            tone=tone,
            kind=kind,
            language=language,
            version=newest.version + 1 if newest else 1,
            subject=text.subject,
            body=text.body,
            edited_by_id=actor.id,
        )
        words = f"Text for {channel}, {tone} saved as version {row.version}"
        entry = Entry("text.saved", "template", row.pk, words, values={"body": text.body})
        events.record(entry, actor=actor)
    return row


def _purpose(channel: str, tone: str, kind: str) -> Purpose:
    """What a text of this kind is for: that of an attempt which would use it."""
    return purpose_of(
        ContactAttempt(channel=channel, tone=tone, kind=kind or AttemptKind.LADDER, content={})
    )


def restore_preset(channel: str, tone: str, *, actor: Actor, kind: str = "") -> int:
    """Go back to the text that arfollow ships; answers how many texts of ours stepped aside."""
    ours = MessageTemplate.objects.filter(channel=channel, tone=tone, kind=kind, current=True)
    with transaction.atomic():
        count = ours.update(current=False)
        if count:
            words = f"Text for {channel}, {tone}: back to the one shipped"
            events.record(Entry("text.restored", "template", None, words), actor=actor)
    return count


def edit_message(
    attempt_id: int, subject: str, body: str, *, actor: Actor, today: date | None = None
) -> ContactAttempt:
    """Other words for one message that still waits; RefusedText or ServiceError say why not.

    Who edits a message does not approve it where there are two approvers (rule 6).
    """
    with transaction.atomic():
        attempt = _waiting(attempt_id)
        changed = {**attempt.content, "subject": subject.strip(), "body": body.strip()}
        text = text_with(attempt, changed["subject"], changed["body"])
        _refuse(lint(text))
        _try(attempt, text, today or clock.today())
        ContactAttempt.objects.filter(pk=attempt.pk).update(content=changed, edited_by_id=actor.id)
        words = f"{attempt.get_channel_display()} edited before it goes"
        desk.tell(attempt, "attempt.edited", words, actor=actor, values={"body": body.strip()})
        touch(attempt.customer_id)
        attempt.refresh_from_db()
    return attempt


def _waiting(attempt_id: int) -> ContactAttempt:
    rows = ContactAttempt.objects.select_related("customer__owner", "promise")
    found = rows.filter(pk=attempt_id).first()
    if found is None:
        raise ServiceError("There is no such message.")
    lock_customer(found.customer_id)
    attempt = rows.get(pk=attempt_id)
    if attempt.state not in EDITABLE:
        raise ServiceError(f"It is {attempt.get_state_display().lower()} already.")
    if attempt.channel == Channel.LETTER and hasattr(attempt, "letter") and attempt.letter.document:
        raise ServiceError("It is printed already.")
    return attempt


def _try(attempt: ContactAttempt, text: Text, today: date) -> None:
    """It must also render with the facts it is about."""
    try:
        compose(text, notice_of(attempt, today=today))
    except WordingError as error:
        raise ServiceError(f"It cannot be written: {error}.") from error


def _refuse(problems: tuple[Problem, ...]) -> None:
    if problems:
        raise RefusedText(problems)
