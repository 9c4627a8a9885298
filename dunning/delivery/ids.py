"""How a message and its attempt find each other again."""

import re
import uuid

_OURS = re.compile(r"attempt\.([0-9a-f-]{36})@")


def message_id(attempt: uuid.UUID, sender: str) -> str:
    """Our own Message-ID: from the attempt's id, so that replies and bounces find it."""
    return f"<attempt.{attempt}@{sender.rpartition('@')[2]}>"


def attempt_of(identifier: str) -> uuid.UUID | None:
    """The attempt a Message-ID of ours belongs to."""
    found = _OURS.search(identifier)
    try:
        return uuid.UUID(found.group(1)) if found else None
    except ValueError:
        return None
