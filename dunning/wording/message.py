"""From a text and a notice to a message: a subject and a row of parts.

The filled-in text is split into paragraphs, headings, bullets and blocks *before* anything
becomes HTML, so that no value and no edited text can ever bring markup of its own.
"""

import re
from dataclasses import dataclass
from itertools import groupby

from dunning.wording.fields import BLOCK_MARK, values
from dunning.wording.formats import clean
from dunning.wording.liquid import WordingError, fill
from dunning.wording.notice import Notice
from dunning.wording.requirements import required_fields
from dunning.wording.texts import Text

SUBJECT_LIMIT = 200
_PIECES = re.compile(f"{BLOCK_MARK}([a-z_]+){BLOCK_MARK}")
_BLANK_LINES = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; line breaks are kept."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that began with ``# ``."""

    text: str
    kind: str = "heading"


@dataclass(frozen=True, slots=True)
class Bullets:
    """Lines that began with ``- ``."""

    items: tuple[str, ...]
    kind: str = "bullets"


@dataclass(frozen=True, slots=True)
class Block:
    """A table or list that we render, named by its merge field."""

    name: str
    kind: str = "block"


type Part = Paragraph | Heading | Bullets | Block


@dataclass(frozen=True, slots=True)
class Message:
    """What will be said, not yet in any format."""

    subject: str
    parts: tuple[Part, ...]
    language: str = "en"

    def has(self, block: str) -> bool:
        """The block stands somewhere in the message."""
        return any(isinstance(part, Block) and part.name == block for part in self.parts)


def compose(text: Text, notice: Notice) -> Message:
    """The message; WordingError where a field it must state is missing or empty.

    A text that lost its invoice table is refused here too, not only when it is saved (L21).
    """
    filled = values(notice)
    message = Message(
        subject=clean(fill(text.subject, filled))[:SUBJECT_LIMIT],
        parts=parse_parts(fill(text.body, filled)),
        language=text.language,
    )
    if not message.subject:
        raise WordingError("the subject is empty")
    _check_stated(text, notice, message)
    return message


def _check_stated(text: Text, notice: Notice, message: Message) -> None:
    """What the tone must state exists: the table, a deadline, contacts that reached them."""
    required = required_fields(text)
    if "invoice_table" in required and not message.has("invoice_table"):
        raise WordingError("the invoice table is missing from the text")
    if "deadline" in required and notice.deadline is None:
        raise WordingError("the text states a pay-by date, but none is given")
    if "prior_contacts" in required and text.tone == "final" and not notice.prior_contacts:
        raise WordingError("a final demand lists the contacts that reached them; none is given")


def parse_parts(filled: str) -> tuple[Part, ...]:
    """Split a filled-in text at its blocks and blank lines."""
    parts: list[Part] = []
    for index, piece in enumerate(_PIECES.split(filled.replace("\r\n", "\n"))):
        if index % 2:
            parts.append(Block(piece))
            continue
        for paragraph in _BLANK_LINES.split(piece):
            parts.extend(_lines(paragraph))
    return tuple(parts)


def _lines(paragraph: str) -> list[Part]:
    """One paragraph's bullets, headings and running text."""
    lines = [line for raw in paragraph.split("\n") if (line := raw.strip())]
    parts: list[Part] = []
    for mark, group in groupby(lines, key=_mark):
        words = [line.removeprefix(mark).strip() for line in group]
        if mark == "# ":
            parts.extend(Heading(word) for word in words)
        else:
            parts.append(Bullets(tuple(words)) if mark else Paragraph("\n".join(words)))
    return parts


def _mark(line: str) -> str:
    """How a line of a list or a heading begins."""
    return line[:2] if line.startswith(("- ", "# ")) else ""
