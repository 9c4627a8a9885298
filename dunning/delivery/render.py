"""From an attempt to frozen bytes: rendered before the point of no return, never after."""

import html
import re
from dataclasses import replace
from datetime import date

from anymail.message import AnymailMessage

from arfollow.staff.models import Company
from dunning.delivery import truth
from dunning.delivery.enclosed import enclosed
from dunning.delivery.envelope import Parties, parties_of
from dunning.delivery.frozen import freeze
from dunning.delivery.mime import EmailContent, build_message, render_email
from dunning.delivery.notice import notice_of, text_of
from dunning.models import ContactAttempt, FrozenMessage
from dunning.wording import NoSuchText, WordingError

SHADOW_HEADER = "X-Arfollow-For"
_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)


def render(attempt: ContactAttempt, *, today: date) -> EmailContent:
    """What the attempt says, from the ledger of this moment. WordingError where it cannot."""
    notice = notice_of(attempt, today=today)
    content = render_email(notice, text_of(attempt))
    return replace(content, attachments=content.attachments + enclosed(attempt, notice))


def digest_of(attempt: ContactAttempt, company: Company, *, today: date) -> str:
    """The digest of what a rendering depends on, its addresses among them."""
    parties = parties_of(attempt, company)
    envelope = parties.envelope
    everyone = [party.header() for party in (envelope.sender, *envelope.to, *envelope.cc)]
    said = [everyone, list(parties.stands_for), _wording(attempt)]
    return truth.digest(attempt, today=today, also=said)


def _wording(attempt: ContactAttempt) -> list[str]:
    """The text it is made from; one that is missing shows when it is rendered."""
    try:
        text = text_of(attempt)
    except (NoSuchText, WordingError):
        return []
    return [text.subject, text.body]


def render_and_freeze(attempt: ContactAttempt, company: Company, *, today: date) -> FrozenMessage:
    """Render and keep the exact bytes. NoRecipient, WordingError or BadAddress before that."""
    wanted = digest_of(attempt, company, today=today)
    kept = FrozenMessage.objects.filter(attempt=attempt, facts_digest=wanted).first()
    if kept is not None:
        return kept
    parties = parties_of(attempt, company)
    content = render(attempt, today=today)
    return freeze(attempt, _build(content, parties), wanted)


def _build(content: EmailContent, parties: Parties) -> AnymailMessage:
    if not parties.stands_for:
        return build_message(content, parties.envelope)
    message = build_message(_marked(content, parties.stands_for), parties.envelope)
    message.extra_headers[SHADOW_HEADER] = ", ".join(parties.stands_for)
    return message


def _marked(content: EmailContent, stands_for: tuple[str, ...]) -> EmailContent:
    """A shadow copy names, in its first line, whom it would have gone to."""
    line = f"[Shadow mode: this would have gone to {', '.join(stands_for)}]"
    shown = f"<p>{html.escape(line)}</p>"
    body = _BODY.sub(lambda found: found.group(0) + shown, content.html, count=1)
    return EmailContent(
        subject=content.subject,
        text=f"{line}\n\n{content.text}",
        html=body,
        attachments=content.attachments,
    )
