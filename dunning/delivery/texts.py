"""Saving texts: linted first, a new version each time, with an event (R25, L21).

One way for texts of all messages of a kind, one for the words of a single waiting message.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from arfollow.shared import clock, events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from customers.services import lock_customer, touch
from dunning.delivery.foresee import foresee
from dunning.delivery.mime import EmailContent, render_email
from dunning.delivery.notice import notice_of, purpose_of, text_with
from dunning.models import (
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    MessageEdit,
    MessageTemplate,
)
from dunning.outbox import desk, moves
from dunning.wording import NoSuchText, Notice, Problem, Text, WordingError, compose, lint
from dunning.wording.notice import Purpose
from dunning.wording.texts import FALLBACK_LANGUAGE, presets

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
        purpose=purpose_for(channel, tone, kind),
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


def purpose_for(channel: str, tone: str, kind: str) -> Purpose:
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

    Who edits a message does not approve it where there are two approvers (rule 6), and one
    that was approved already waits for approval again: they approved other words.
    """
    with transaction.atomic():
        attempt = _waiting(attempt_id)
        changed = {**attempt.content, "subject": subject.strip(), "body": body.strip()}
        text = text_with(attempt, changed["subject"], changed["body"])
        _refuse(lint(text))
        _try(attempt, text, today or clock.today())
        _keep_edit(attempt, changed, actor, edited_by=actor.id)
        words = f"{attempt.get_channel_display()} edited before it goes"
        desk.tell(attempt, "attempt.edited", words, actor=actor, values={"body": body.strip()})
    return attempt


def take_back_edit(attempt_id: int, *, actor: Actor) -> ContactAttempt:
    """The policy's own text again for one message; its earlier versions stay on file."""
    with transaction.atomic():
        attempt = _waiting(attempt_id)
        if not attempt.edits.exists() or attempt.kind == AttemptKind.MANUAL:
            raise ServiceError("This message was not edited.")
        left = {k: v for k, v in attempt.content.items() if k not in ("subject", "body")}
        _keep_edit(attempt, left, actor, edited_by=None)
        words = f"{attempt.get_channel_display()}: back to the policy's text"
        desk.tell(attempt, "attempt.edited", words, actor=actor)
    return attempt


def _keep_edit(
    attempt: ContactAttempt, content: dict[str, Any], actor: Actor, *, edited_by: int | None
) -> None:
    """Store the words with their version and author; under the lock."""
    newest = attempt.edits.order_by("-version").first()
    MessageEdit.objects.create(
        attempt=attempt,
        version=newest.version + 1 if newest else 1,
        subject=content.get("subject", ""),
        body=content.get("body", ""),
        by_id=actor.id,
    )
    rows = ContactAttempt.objects.filter(pk=attempt.pk)
    rows.update(content=content, edited_by_id=edited_by)
    if attempt.needs_approval and attempt.state == AttemptState.PLANNED:
        text = "Its wording was edited after it was approved."
        moves.hold([attempt.pk], HeldFor.APPROVAL, text=text)
        rows.update(approved_by=None, approved_at=None)
    touch(attempt.customer_id)
    attempt.refresh_from_db()


@dataclass(frozen=True, slots=True)
class Look:
    """A text tried out: what to mend, and the message it makes, or why it makes none."""

    problems: tuple[Problem, ...] = ()
    content: EmailContent | None = None
    refusal: str = ""


def try_message(attempt: ContactAttempt, subject: str, body: str, *, today: date) -> Look:
    """A message with these words as it would be now; nothing is kept."""
    text = text_with(attempt, subject.strip(), body.strip())
    return _look(text, lambda: foresee(attempt, today=today)[0])


def try_text(text: Text, sample: ContactAttempt | None, *, today: date) -> Look:
    """A text for all messages of a kind, filled with the facts of one of them."""
    if sample is None:
        return Look(lint(text))
    return _look(text, lambda: notice_of(sample, today=today))


def _look(text: Text, told: Callable[[], Notice]) -> Look:
    problems = lint(text)
    try:
        return Look(problems, render_email(told(), text, with_files=False))
    except (ServiceError, WordingError, NoSuchText) as error:
        return Look(problems, None, str(error))


def sample_of(channel: str, tone: str, kind: str) -> ContactAttempt | None:
    """The newest message of a kind, to try a text on."""
    rows = ContactAttempt.objects.filter(channel=channel, kind=kind or AttemptKind.LADDER)
    rows = rows.select_related("customer__owner", "promise").order_by("-pk")
    return rows.filter(tone=tone).first() or (rows.first() if kind else None)


@dataclass(frozen=True, slots=True)
class Editable:
    """A text that staff may replace: where it is used, what is used now, and the shipped one."""

    channel: str
    tone: str
    kind: str
    shipped: Text
    own: MessageTemplate | None = None


def editable_texts() -> list[Editable]:
    """Every text that a message of ours can use, with our own version where there is one."""
    own = {
        (row.channel, row.tone, row.kind): row
        for row in MessageTemplate.objects.filter(current=True).select_related("edited_by")
    }
    found = []
    for text in presets():
        kind = _kind_of(text)
        if kind is not None:
            mine = own.get((text.channel, text.tone, kind))
            found.append(Editable(text.channel, text.tone, kind, text, mine))
    return found


def editable(channel: str, tone: str, kind: str) -> Editable | None:
    """One of them."""
    wanted = (channel, tone, kind)
    rows = (row for row in editable_texts() if (row.channel, row.tone, row.kind) == wanted)
    return next(rows, None)


def _kind_of(text: Text) -> str | None:
    """The kind of attempt that uses a shipped text by itself; None where none does."""
    for kind in ("", *(kind for kind in AttemptKind.values if kind != AttemptKind.LADDER)):
        if purpose_for(text.channel, text.tone, kind) == text.purpose:
            return kind
    return None


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
