"""The e-mail: subject, text and HTML, the statement attached, and its headers (FACTS section 9).

What comes out can be frozen: every byte follows from the notice, the text and the envelope.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address as Mailbox
from functools import lru_cache

import css_inline
from anymail.message import AnymailMessage
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.template.loader import render_to_string

from dunning.delivery.addresses import company_lines, tax_label
from dunning.delivery.dress import dress
from dunning.delivery.ids import message_id
from dunning.delivery.listing import items_csv
from dunning.delivery.pdf import render_statement
from dunning.wording import compose, plain_text
from dunning.wording.blocks import safe_link
from dunning.wording.formats import clean
from dunning.wording.message import Message
from dunning.wording.notice import Company, Notice, Purpose
from dunning.wording.tables import TableView, table_views
from dunning.wording.texts import Text, preset

_MESSAGE_ID = re.compile(r"<[^<>\s@]+@[^<>\s@]+>")
_WITHOUT_STATEMENT = frozenset(
    {
        Purpose.INTERNAL,
        Purpose.CROSSED,
        Purpose.PROMISE,
        Purpose.PROMISE_NUDGE,
        Purpose.MANUAL,
        Purpose.TEST,
    }
)


LONGEST = 254
"""Of an address on the wire (RFC 5321, 4.5.3.1.3)."""


class BadAddress(ValueError):
    """An address or an id that may not go into a header."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Party:
    """A name and an e-mail address."""

    address: str
    name: str = ""

    def header(self) -> str:
        """As a header carries it; BadAddress unless the address is one plain address."""
        address = self.address
        try:
            validate_email(address)
        except ValidationError as error:
            raise BadAddress(f"“{clean(address)[:80]}” is no e-mail address") from error
        if len(address) > LONGEST:
            raise BadAddress(f"an e-mail address has at most {LONGEST} characters")
        if address != clean(address):
            raise BadAddress("an e-mail address has characters that no header may carry")
        return str(Mailbox(clean(self.name), addr_spec=address))


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Between whom, and in which thread. ``in_reply_to`` is our earlier Message-ID."""

    attempt: uuid.UUID
    sender: Party
    to: tuple[Party, ...]
    cc: tuple[Party, ...] = ()
    reply_to: Party | None = None
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailContent:
    """What the message says, before it has an envelope."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


def render_email(
    notice: Notice, text: Text | None = None, *, with_files: bool = True
) -> EmailContent:
    """The content of an e-mail; WordingError says why there is none.

    ``text`` replaces the preset. A statement PDF goes with it, and the whole list as CSV
    where the message shows a summary only; a look at the words does without both.
    """
    channel = "internal" if notice.purpose is Purpose.INTERNAL else "email"
    said = text or preset(notice.purpose, channel, notice.tone, notice.recipient.language)
    message = compose(said, notice)
    tables = table_views(notice, language=message.language)
    is_short = any(table.is_short for table in tables)
    return EmailContent(
        subject=message.subject,
        text=plain_text(message, notice, tables) + _text_footer(notice, is_short=is_short),
        html=_html(message, notice, tables, is_short=is_short),
        attachments=_attachments(notice, is_short=is_short) if with_files else (),
    )


def _attachments(notice: Notice, *, is_short: bool) -> tuple[Attachment, ...]:
    if notice.channel != "email" or notice.purpose in _WITHOUT_STATEMENT:
        return ()
    account = re.sub(r"[^A-Za-z0-9-]+", "-", notice.account).strip("-")[:40] or "account"
    name = f"statement-{account}-{notice.date.isoformat()}"
    files = [Attachment(f"{name}.pdf", "application/pdf", render_statement(notice))]
    if is_short:
        files.append(Attachment(f"{name}.csv", "text/csv", items_csv(notice)))
    return tuple(files)


def _html(message: Message, notice: Notice, tables: Sequence[TableView], *, is_short: bool) -> str:
    page = render_to_string(
        "email/message.html",
        {
            "subject": message.subject,
            "language": message.language,
            "parts": dress(message, notice),
            "tables": tables,
            "is_short": is_short,
            "identity": identity(notice.company),
            "preferences_link": safe_link(notice.preferences_link),
            "is_internal": _is_internal(notice),
        },
    )
    return str(_inliner().inline(page))


def _is_internal(notice: Notice) -> bool:
    """Read by colleagues: a notice, or a script for a call or a visit."""
    return notice.purpose is Purpose.INTERNAL or notice.channel in ("call", "visit", "internal")


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    """Styles into the elements; only the dark-mode rules stay in the head."""
    return css_inline.CSSInliner(
        keep_at_rules=True, keep_style_tags=False, load_remote_stylesheets=False
    )


def identity(company: Company) -> str:
    """Who writes, as the law of many countries asks of business letters."""
    numbers = (company.registration, tax_label(company))
    pieces = (company.legal_name, *company_lines(company), *numbers)
    return " · ".join(clean(piece) for piece in pieces if piece)


def _text_footer(notice: Notice, *, is_short: bool) -> str:
    lines = ["-- ", identity(notice.company)]
    if is_short:
        lines.insert(0, "The full list is attached, as PDF and as CSV.\n")
    if not _is_internal(notice):
        lines.append("Wrong person? A short reply with the right name is enough.")
    if link := safe_link(notice.preferences_link):
        lines.append(f"Which messages you receive: {link}")
    return "\n" + "\n".join(lines) + "\n"


def build_message(content: EmailContent, envelope: Envelope) -> AnymailMessage:
    """The message to hand to the mailer; BadAddress before anything can leave.

    The attempt's id travels in the Message-ID and in the provider's metadata.
    """
    message = AnymailMessage(
        subject=clean(content.subject),
        body=content.text,
        from_email=envelope.sender.header(),
        to=[party.header() for party in envelope.to],
        cc=[party.header() for party in envelope.cc],
        reply_to=[envelope.reply_to.header()] if envelope.reply_to else None,
        headers=_headers(envelope),
        metadata={"attempt": str(envelope.attempt)},
        tags=["arfollow"],
    )
    message.attach_alternative(content.html, "text/html")
    for file in content.attachments:
        message.attach(file.name, file.content, file.content_type)
    return message


def _headers(envelope: Envelope) -> dict[str, str]:
    headers = {"Message-ID": message_id(envelope.attempt, envelope.sender.address)}
    if envelope.automatic:
        headers["Auto-Submitted"] = "auto-generated"
        headers["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    if envelope.in_reply_to:
        headers["In-Reply-To"] = _checked_id(envelope.in_reply_to)
        thread = envelope.references or (envelope.in_reply_to,)
        headers["References"] = " ".join(_checked_id(each) for each in thread)
    return headers


def _checked_id(identifier: str) -> str:
    if not _MESSAGE_ID.fullmatch(identifier):
        raise BadAddress("a message id of the thread is malformed")
    return identifier
