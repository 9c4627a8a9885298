"""Between the stored bytes and the mailer: what was frozen is what leaves, byte for byte."""

import email
from email import policy
from email.message import EmailMessage as MimeMessage
from email.utils import getaddresses
from typing import Any, cast

from anymail.message import AnymailMessage

from dunning.delivery.base import Frozen
from dunning.delivery.kept import keep, sha256
from dunning.models import ContactAttempt, FrozenMessage

WIRE = policy.SMTP
OWN_HEADERS = (
    "Message-ID",
    "Date",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "In-Reply-To",
    "References",
    "X-Arfollow-For",
)


class _AsFrozen(MimeMessage):
    """A parsed message that is written out as it was stored."""

    raw: bytes = b""

    def as_bytes(self, *args: Any, **options: Any) -> bytes:
        return self.raw


class FrozenMail(AnymailMessage):  # type: ignore[misc]  # Anymail has no types
    """Django's mailers write the stored bytes; a provider's API gets the same parts."""

    raw: bytes = b""

    def message(self, *, policy: Any = WIRE) -> MimeMessage:
        parsed = email.message_from_bytes(self.raw, _class=_AsFrozen, policy=WIRE)
        cast(_AsFrozen, parsed).raw = self.raw
        return parsed


def freeze(attempt: ContactAttempt, message: AnymailMessage, digest: str) -> FrozenMessage:
    """Store the exact bytes of a message in place of an earlier rendering that never left."""
    raw = message.message(policy=WIRE).as_bytes()
    document = keep(raw, content_type="message/rfc822", name=f"{attempt.uuid}.eml")
    envelope = {
        "from": message.from_email,
        "to": list(message.to),
        "cc": list(message.cc),
        "reply_to": list(message.reply_to),
    }
    html = next((body for body, kind in message.alternatives if kind == "text/html"), "")
    row, _ = FrozenMessage.objects.update_or_create(
        attempt=attempt,
        defaults={
            "subject": message.subject[:300],
            "text": message.body,
            "html": html,
            "facts_digest": digest,
            "document": document,
            "envelope": envelope,
        },
    )
    return row


def thaw(row: FrozenMessage) -> Frozen:
    """The stored message, ready to leave. ValueError where the bytes are not those we froze."""
    raw = bytes(row.document.data)
    if sha256(raw) != row.document.sha256:
        raise ValueError("the stored message does not match its hash")
    head = email.message_from_bytes(raw, policy=WIRE)
    return Frozen(
        raw=raw,
        subject=row.subject,
        text=row.text,
        html=row.html,
        sender=row.envelope["from"],
        to=tuple(row.envelope["to"]),
        cc=tuple(row.envelope["cc"]),
        reply_to=tuple(row.envelope["reply_to"]),
        headers={name: str(head[name]).strip() for name in OWN_HEADERS if head[name]},
        attempt=str(row.attempt.uuid),
    )


def as_mail(frozen: Frozen) -> FrozenMail:
    """For Django's mailers and Anymail; attachments are taken from the frozen bytes."""
    mail = FrozenMail(
        subject=frozen.subject,
        body=frozen.text,
        from_email=frozen.sender,
        to=list(frozen.to),
        cc=list(frozen.cc),
        reply_to=list(frozen.reply_to) or None,
        headers=dict(frozen.headers),
        metadata={"attempt": frozen.attempt},
        tags=[f"arf:{frozen.attempt}"],
    )
    mail.raw = frozen.raw
    if frozen.html:
        mail.attach_alternative(frozen.html, "text/html")
    parsed = email.message_from_bytes(frozen.raw, policy=WIRE)
    for part in parsed.iter_attachments():
        content = part.get_payload(decode=True) or b""
        mail.attach(part.get_filename(), content, part.get_content_type())
    return mail


def addresses(headers: tuple[str, ...]) -> list[str]:
    """The bare addresses of header values."""
    return [address for _, address in getaddresses(list(headers)) if address]
