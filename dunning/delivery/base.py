"""What every channel answers: it left, it did not, or nobody can tell (DELIVERY §2.3).

DeliveryError
├── NotTaken     provably not taken by the other side: try again later
├── Refused      not taken and never will be: failed, with the reason
└── Ambiguous    it may have left: unknown, never sent again by the machine
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took the message. ``refused`` are recipients it did not take, each with
    what it said of them."""

    provider: str
    provider_message_id: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    status: str = ""


class DeliveryError(Exception):
    """A message was not handed over for certain. `str()` is what staff read; no secrets."""


class NotTaken(DeliveryError):
    """It did not leave: refused connection, 4xx, 429, full disk. ``wait`` is what they ask for.

    ``is_outage``: it would go like this with every message, not only with this one. ``cause``
    names what may or may not be so: several messages in a row tell. Empty where it is about a
    recipient.
    """

    def __init__(
        self,
        message: str,
        *,
        wait: timedelta | None = None,
        is_outage: bool = False,
        cause: str = "",
    ) -> None:
        super().__init__(message)
        self.wait, self.is_outage, self.cause = wait, is_outage, cause


class Refused(DeliveryError):
    """It did not leave and will not. ``is_config``: our key or set-up, not this message.

    ``recipients`` are the addresses it was refused for, each with what was said of it.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        is_config: bool = False,
        recipients: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason, self.is_config = reason, is_config
        self.recipients = recipients or {}


class Ambiguous(DeliveryError):
    """A broken answer, a timeout: the other side may have it."""


REFUSED_WORDS = {
    "refused_address": "The address was refused.",
    "refused_content": "The message was refused.",
    "refused_key": "The mail provider refused our key.",
    "refused_setup": "The mail server does not offer what our set-up asks for.",
}
"""Reasons of Refused, as staff read them."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A message as it goes on the wire: exact bytes, and the parts an API asks for."""

    raw: bytes
    subject: str
    text: str
    html: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    attempt: str = ""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to."""
        return self.to + self.cc
