"""A message as the customer sees it: the frozen bytes once there are any, else as of now."""

import html
from dataclasses import dataclass

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.staff.models import Company
from dunning.delivery.foresee import WAITING, foresee
from dunning.delivery.mime import render_email
from dunning.models import Channel, ContactAttempt, FrozenMessage
from dunning.wording import NoSuchText, WordingError

SHOWN = frozenset(Channel.values)
PAGE = "<!doctype html><meta charset='utf-8'><title>{title}</title><pre>{text}</pre>"


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown; `problem` says why there is nothing. `sent` marks the bytes as sent."""

    subject: str = ""
    html: str = ""
    problem: str = ""
    sent: bool = False


def preview_of(attempt: ContactAttempt) -> Preview:
    """The message of an attempt; of a letter its words, beside which it has its PDF."""
    if attempt.channel not in SHOWN:
        return Preview(problem="This is no message.")
    frozen = FrozenMessage.objects.filter(attempt=attempt).first()
    if frozen is not None and attempt.state not in WAITING:
        return Preview(
            frozen.subject, frozen.html or _page(frozen.text), sent=bool(attempt.sent_at)
        )
    try:
        told = foresee(attempt, today=clock.today(Company.load().time_zone))
        content = render_email(*told, with_files=False)
    except ServiceError as refusal:
        return Preview(problem=str(refusal))
    except (WordingError, NoSuchText) as error:
        return Preview(problem=f"It cannot be written yet: {error}")
    return Preview(content.subject, content.html or _page(content.text))


def _page(text: str) -> str:
    return PAGE.format(title="Message", text=html.escape(text))
