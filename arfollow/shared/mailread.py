"""An e-mail that somebody dropped in or pasted, read as plain values; nothing in it is run."""

import email
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from typing import cast

MOST_TEXT = 100_000
MOST_FILES = 50
_ID = re.compile(r"<[^<>\s@]+@[^<>\s@]+>")
_BLANK = re.compile(r"\n{3,}")
_AUTOMATIC = re.compile(r"^(auto(matic)? ?reply|automatische antwort|out of office|abwesen)", re.I)
_BULK = frozenset({"bulk", "junk", "auto-reply", "auto_reply", "list"})


class NotAMail(ValueError):
    """What was given is no e-mail; `str()` says what to do instead."""


@dataclass(frozen=True, slots=True)
class File:
    """An attachment as it is listed; its bytes stay in the original."""

    name: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class Mail:
    """What a message says. `at` is its own date; `answers` are ids of what it replies to."""

    message_id: str
    sender: str
    subject: str
    text: str
    at: datetime | None = None
    answers: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    automatic: bool = False
    raw: bytes = field(default=b"", repr=False)


def read_mail(raw: bytes) -> Mail:
    """A message as mail programs save it (.eml). NotAMail where it has no sender."""
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotAMail("This is an Outlook .msg file. Save it as .eml, or paste its text.")
    if b"\0" in raw[:4096]:
        raise NotAMail("This is not an e-mail. Save the message as .eml, or paste its text.")
    message = email.message_from_bytes(raw, policy=policy.default)
    sender = _address(_header(message, "From"))
    if not sender:
        raise NotAMail("This has no sender, so it is no e-mail. Paste its text instead.")
    text = _text(message)
    return Mail(
        message_id=_own_id(message, raw),
        sender=sender,
        subject=_header(message, "Subject")[:300],
        text=text[:MOST_TEXT],
        at=_date(_header(message, "Date")),
        answers=_answers(message),
        files=tuple(_files(message)),
        automatic=_is_automatic(message),
        raw=raw,
    )


def read_pasted(text: str, *, sender: str = "", subject: str = "") -> Mail:
    """A text that was pasted: with its header lines, as programs show them, or bare."""
    text = text.replace("\r\n", "\n").strip()
    try:
        mail = read_mail(text.encode())
    except NotAMail:
        mail = None
    if mail is not None and mail.text:
        return mail
    if not text:
        raise NotAMail("Paste what they wrote, or choose the saved message.")
    digest = hashlib.sha256(f"{sender.lower()}\n{text}".encode()).hexdigest()[:32]
    return Mail(
        message_id=f"<{digest}@pasted>",
        sender=_address(sender),
        subject=subject[:300],
        text=text[:MOST_TEXT],
        raw=text.encode(),
    )


def _header(message: EmailMessage, name: str) -> str:
    """A header as text; one that cannot be read is empty."""
    try:
        found = message.get(name, "")
    except (ValueError, IndexError, LookupError):
        return ""
    return " ".join(str(found).split()).replace("\0", "")


def _address(text: str) -> str:
    for _, address in getaddresses([text]):
        if "@" in address and len(address) <= 254:
            return address.strip().lower()
    return ""


def _own_id(message: EmailMessage, raw: bytes) -> str:
    """Its Message-ID; a message without one is known by its bytes."""
    found = _ID.search(_header(message, "Message-ID"))
    if found and len(found.group()) <= 300:
        return found.group()
    return f"<{hashlib.sha256(raw).hexdigest()[:32]}@without-id>"


def _answers(message: EmailMessage) -> tuple[str, ...]:
    """What it replies to, the nearest first."""
    direct = _ID.findall(_header(message, "In-Reply-To"))
    thread = _ID.findall(_header(message, "References"))
    return tuple(dict.fromkeys([*direct, *reversed(thread)]))[:20]


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_automatic(message: EmailMessage) -> bool:
    """An out-of-office note is no reply (FACTS §9)."""
    stated = _header(message, "Auto-Submitted").lower()
    if stated and not stated.startswith("no"):
        return True
    if _header(message, "Precedence").lower() in _BULK:
        return True
    named = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")
    answered = any(_header(message, name) for name in named[:2])
    return answered or bool(_AUTOMATIC.match(_header(message, "Subject")))


def _text(message: EmailMessage) -> str:
    """Its plain text, else its HTML as text."""
    for kind in ("plain", "html"):
        part = message.get_body(preferencelist=(kind,))
        if part is not None:
            text = _content(cast(EmailMessage, part))
            found = html_as_text(text) if kind == "html" else text
            if found.strip():
                return _tidy(found)
    return ""


def _content(part: EmailMessage) -> str:
    """A part as text, whatever its character set claims."""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError, KeyError, AttributeError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\r\n", "\n").replace("\0", "").split("\n"))
    return _BLANK.sub("\n\n", "\n".join(lines)).strip()


def _files(message: EmailMessage) -> list[File]:
    found = []
    for part in message.iter_attachments() if message.is_multipart() else ():
        payload = part.get_payload(decode=True)
        size = len(payload) if isinstance(payload, bytes) else 0
        name = " ".join((part.get_filename() or "without a name").split())
        found.append(File(name[:160], part.get_content_type()[:80], size))
    return found[:MOST_FILES]


class _Words(HTMLParser):
    """The words of a page; scripts and styles are none, blocks begin a line."""

    SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})
    BLOCKS = frozenset(
        {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self.silent += 1
        elif tag in self.BLOCKS:
            self.words.append("\n")
        elif tag in ("td", "th"):
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self.silent = max(self.silent - 1, 0)
        elif tag in self.BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(re.sub(r"\s+", " ", data))


def html_as_text(html: str) -> str:
    """The words of an HTML message, without anything that could act."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    return _tidy("\n".join(line.strip() for line in "".join(parser.words).split("\n")))
