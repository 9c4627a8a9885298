"""The preset texts: one file per purpose, channel and tone under ``texts/<language>/``.

A file's name is ``purpose.channel.tone.txt``; without a tone it serves every tone. Its first
line is the subject. Staff override a preset with a text of their own.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dunning.wording.notice import Purpose

FALLBACK_LANGUAGE = "en"
_FOLDER = Path(__file__).parent / "texts"
_SUBJECT = "Subject: "


class NoSuchText(LookupError):
    """There is no preset for this purpose, channel and tone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text as it is edited: subject and body in Liquid.

    ``exempt`` names banned words that a law forces this text to use.
    """

    purpose: Purpose
    channel: str
    tone: str
    subject: str
    body: str
    language: str = FALLBACK_LANGUAGE
    exempt: frozenset[str] = frozenset()


@lru_cache(maxsize=512)
def preset(purpose: Purpose, channel: str, tone: str, language: str = FALLBACK_LANGUAGE) -> Text:
    """The text shipped for this purpose, channel and tone; NoSuchText without one.

    A language without texts falls back to English, stated in ``Text.language`` (L29).
    """
    for spoken in dict.fromkeys((language, language.split("-")[0], FALLBACK_LANGUAGE)):
        for name in (f"{purpose}.{channel}.{tone}", f"{purpose}.{channel}"):
            path = _FOLDER / spoken / f"{name}.txt"
            if spoken.isalnum() and path.is_file():
                return _read(path, purpose, channel, tone, spoken)
    raise NoSuchText(f"no text for {purpose}, {channel}, {tone}")


def _read(path: Path, purpose: Purpose, channel: str, tone: str, language: str) -> Text:
    subject, _, body = path.read_text(encoding="utf-8").partition("\n")
    return Text(
        purpose=purpose,
        channel=channel,
        tone=tone,
        subject=subject.removeprefix(_SUBJECT),
        body=body.strip(),
        language=language,
    )


def presets(language: str = FALLBACK_LANGUAGE) -> tuple[Text, ...]:
    """Every text shipped in a language, by file name."""
    found = []
    for path in sorted((_FOLDER / language).glob("*.txt")):
        purpose, channel, *tone = path.stem.split(".")
        named = tone[0] if tone else default_tone(Purpose(purpose))
        found.append(_read(path, Purpose(purpose), channel, named, language))
    return tuple(found)


def default_tone(purpose: Purpose) -> str:
    """The tone of a text that serves one purpose only."""
    if purpose is Purpose.FINAL_DEMAND:
        return "final"
    if purpose is Purpose.INTERNAL:
        return "internal"
    if purpose is Purpose.REMINDER:
        return "firm"
    return "courtesy"
