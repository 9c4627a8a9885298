"""A message's parts as our templates show them: the same for e-mail and letter."""

from dataclasses import dataclass, replace
from itertools import zip_longest

from dunning.wording.blocks import BLOCKS, HEADINGS, Entry
from dunning.wording.message import Block, Bullets, Heading, Message, Paragraph, Part
from dunning.wording.notice import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Dressed:
    """One part: ``kind`` is paragraph, heading, bullets, invoice_table or a block's name.

    ``closes`` marks a paragraph that stays on one page with what follows.
    """

    kind: str
    lines: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    heading: str = ""
    closes: bool = False


def dress(message: Message, notice: Notice) -> tuple[Dressed, ...]:
    """Every part in order; blocks with nothing to say are left out."""
    found = (_dressed(part, notice) for part in message.parts)
    dressed = [each for each in found if each is not None]
    following = [each.kind for each in dressed[1:]]
    return tuple(
        replace(each, closes=_leads_on(each, after))
        for each, after in zip_longest(dressed, following, fillvalue="")
        if isinstance(each, Dressed)
    )


def _leads_on(part: Dressed, following: str) -> bool:
    """The words before a signature, or before what they announce."""
    if part.kind != "paragraph":
        return False
    return following == "signature" or part.lines[-1].endswith(":")


def _dressed(part: Part, notice: Notice) -> Dressed | None:
    match part:
        case Paragraph(text):
            return Dressed(kind="paragraph", lines=tuple(text.split("\n")))
        case Heading(text):
            return Dressed(kind="heading", lines=(text,))
        case Bullets(items):
            return Dressed(kind="bullets", lines=items)
        case Block("invoice_table"):
            return Dressed(kind="invoice_table")
        case Block(name):
            return _block(name, notice)


def _block(name: str, notice: Notice) -> Dressed | None:
    entries = BLOCKS[name](notice)
    if not entries:
        return None
    return Dressed(kind=name, entries=entries, heading=HEADINGS.get(name, ""))
