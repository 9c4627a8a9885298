"""What was found, one line each, and the two ways in which nothing can be found."""

from dataclasses import dataclass, field
from typing import Any

OK, LOOK, BREACH = "ok", "look", "breach"
BAD_INPUT = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, ok, look (a person should know) or breach, and why in words."""

    name: str
    result: str
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


class Unusable(Exception):
    """Nothing can be said about this backup here: not one, not for this program, no tools."""


class Damaged(Exception):
    """The file is a backup, and it is not whole."""
