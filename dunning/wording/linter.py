"""The linter of texts: what must be in, what must not (PROTOCOL section 3).

Run when a text is saved and over every preset. It fills the text with neutral marks, once for
each state of the flags, so that what stands behind an ``if`` is judged where it comes out.
Problems are data; an empty result means that the text may be used. This is good practice
and no legal advice.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dunning.wording import vocabulary
from dunning.wording.fields import BLOCK_MARK, FIELDS, Value
from dunning.wording.liquid import WordingError, fill
from dunning.wording.notice import Purpose
from dunning.wording.requirements import required_fields
from dunning.wording.texts import Text

SUBJECT_LENGTH = 120
_MARK = "\ue001"
_MARKED = re.compile(f"[{_MARK}{BLOCK_MARK}]([a-z_]+)[{_MARK}{BLOCK_MARK}]")
_CUSTOMER_CHANNELS = frozenset({"email", "letter", "call"})
_SUBJECT_FIELDS = frozenset({"company_name", "company_legal_name", "account_number"})
_LETTER_SUBJECT_FIELDS = _SUBJECT_FIELDS | {"letter_number", "customer_name"}
_SOFT = frozenset({"courtesy", "friendly"})
_BEYOND_FIRM = frozenset({"direct", "urgent", "final"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: a code, a sentence, and whether subject or body has it."""

    code: str
    message: str
    where: str


@dataclass(frozen=True, slots=True)
class _Rendering:
    """The body as it comes out with these flags."""

    flags: Mapping[str, bool]
    body: str

    @property
    def stated(self) -> list[str]:
        return _MARKED.findall(self.body)

    @property
    def words(self) -> str:
        """The author's own words, with a mark where a value stands."""
        return _MARKED.sub("…", self.body)


def lint(text: Text) -> tuple[Problem, ...]:
    """Every problem once; nothing else is judged while the text cannot be read."""
    try:
        subject, renderings = _filled(text)
    except WordingError as error:
        return (Problem("unreadable", f"The text cannot be used: {error}.", _culprit(text)),)
    found = [*_required(text, renderings), *_structure(text, renderings), *_subject(text, subject)]
    if text.channel in _CUSTOMER_CHANNELS and text.purpose is not Purpose.INTERNAL:
        found += _customer_copy(text, subject, renderings)
    return tuple(dict.fromkeys(found))


def unreadable(text: Text) -> str:
    """Why no message at all can be made with this text; empty where one can."""
    try:
        _filled(text)
    except WordingError as error:
        return f"The text cannot be used: {error}."
    return ""


def _filled(text: Text) -> tuple[str, list[_Rendering]]:
    """Subject and bodies with neutral marks; WordingError where there are none."""
    subject = fill(text.subject, _marks({}))
    return subject, [_Rendering(flags, fill(text.body, _marks(flags))) for flags in _states()]


def _culprit(text: Text) -> str:
    try:
        fill(text.subject, _marks({}))
    except WordingError:
        return "subject"
    return "body"


def _states() -> Iterator[dict[str, bool]]:
    """All flags off, all on, each alone on, each alone off."""
    names = [name for name, field in FIELDS.items() if field.kind == "flag"]
    yield dict.fromkeys(names, False)
    yield dict.fromkeys(names, True)
    for name in names:
        yield {other: other == name for other in names}
        yield {other: other != name for other in names}


def _marks(flags: Mapping[str, bool]) -> dict[str, Value]:
    """A neutral mark for every word and block, and the flags as given."""
    return {
        name: flags.get(name, False)
        if field.kind == "flag"
        else f"{BLOCK_MARK if field.kind == 'block' else _MARK}{name}"
        f"{BLOCK_MARK if field.kind == 'block' else _MARK}"
        for name, field in FIELDS.items()
    }


def _required(text: Text, renderings: list[_Rendering]) -> Iterator[Problem]:
    """What the tone must state comes out whatever the flags are (L21)."""
    for name in sorted(required_fields(text)):
        if all(name in rendering.stated for rendering in renderings):
            continue
        says = FIELDS[name].says
        yield Problem("missing_field", f"{{{{ {name} }}}} is missing: {says}.", "body")


def _structure(text: Text, renderings: list[_Rendering]) -> Iterator[Problem]:
    if any(rendering.stated.count("invoice_table") > 1 for rendering in renderings):
        yield Problem("table_twice", "The invoice table stands in the text once.", "body")
    for name, field in FIELDS.items():
        if field.kind == "flag" and re.search(rf"{{{{\s*{name}\b", text.subject + text.body):
            yield Problem("flag_printed", f"“{name}” is only asked for in an if.", "body")
    if vocabulary.MARKUP.search(renderings[1].words):
        yield Problem("markup", "Texts are plain; HTML would be shown as it stands.", "body")
    if BLOCK_MARK in text.body or _MARK in text.body:
        yield Problem("markup", "The text has characters that cannot be sent.", "body")


def _subject(text: Text, subject: str) -> Iterator[Problem]:
    stated = set(_MARKED.findall(subject))
    if any(mark in subject for mark in "\r\n\0\u2028\u2029"):
        yield Problem("subject_lines", "The subject is one line.", "subject")
    if not _MARKED.sub("", subject).strip() and not stated:
        yield Problem("subject_empty", "The subject is empty.", "subject")
    if len(subject) > SUBJECT_LENGTH * 2 or len(text.subject) > SUBJECT_LENGTH:
        yield Problem("subject_long", f"The subject has up to {SUBJECT_LENGTH} signs.", "subject")
    allowed = {"email": _SUBJECT_FIELDS, "letter": _LETTER_SUBJECT_FIELDS}.get(text.channel)
    if allowed is not None and stated - allowed:
        names = ", ".join(sorted(stated - allowed))
        yield Problem(
            "subject_names_items",
            f"A thread keeps its subject; leave out what changes: {names}.",
            "subject",
        )


def _customer_copy(text: Text, subject: str, renderings: list[_Rendering]) -> list[Problem]:
    found = list(_banned(text, _MARKED.sub("…", subject), "subject"))
    for rendering in renderings:
        found += _banned(text, rendering.words, "body")
        found += _loud(rendering.words)
        found += _dates(text, rendering)
        found += _claims(text, rendering)
    return found


def _banned(text: Text, words: str, where: str) -> Iterator[Problem]:
    for ban in vocabulary.BANS:
        for match in ban.pattern.finditer(words) if text.tone in ban.tones else ():
            word = match.group(0).lower()
            if word not in text.exempt:
                yield Problem("banned_word", f"“{word}”: {ban.advice}.", where)


def _loud(words: str) -> Iterator[Problem]:
    for word in vocabulary.CAPITALS.findall(words):
        if word not in vocabulary.KNOWN_CAPITALS:
            yield Problem("all_caps", f"“{word}” shouts.", "body")
    if words.count("!") > 1:
        yield Problem("exclamation", "One exclamation mark is plenty.", "body")
    if vocabulary.LINK.search(words):
        yield Problem("literal_link", "Links are ours: use {{ payment_link }}.", "body")
    if vocabulary.BANK_DETAILS.search(words):
        yield Problem(
            "literal_bank_details", "Bank details are the invoices': use {{ ways_to_pay }}.", "body"
        )


def _dates(text: Text, rendering: _Rendering) -> Iterator[Problem]:
    if text.tone in _SOFT and "deadline" in rendering.stated:
        yield Problem(
            "deadline_too_early", "A friendly text carries due dates, no new deadline.", "body"
        )
    if vocabulary.RELATIVE_DEADLINE.search(rendering.words) and text.channel != "call":
        yield Problem("relative_deadline", "State the day: use {{ deadline }}.", "body")


def _claims(text: Text, rendering: _Rendering) -> Iterator[Problem]:
    """Thanks, plan and interest only where they fit."""
    words, flags = rendering.words, rendering.flags
    thanks = vocabulary.THANKS_FOR_BUSINESS.search(words)
    if thanks and text.tone in _BEYOND_FIRM:
        yield Problem("thanks_too_late", "Thanks for the business end with firm.", "body")
    if thanks and flags["complained"]:
        yield Problem(
            "thanks_after_complaint", "After a complaint, leave these thanks out.", "body"
        )
    agreed = text.purpose is Purpose.PLAN
    if vocabulary.PLAN_OFFER.search(words) and not (flags["offers_plan"] or agreed):
        yield Problem("plan_offer", "Offer a plan only inside {% if offers_plan %}.", "body")
    if vocabulary.INTEREST.search(words) and not flags["has_interest"]:
        yield Problem("interest_claim", "Interest only inside {% if has_interest %}.", "body")
