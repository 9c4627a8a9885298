"""Mail as files: one ``.eml`` for each message, complete or not there at all.

Django's own file backend appends messages to a ``.log``; a mail program cannot open that, and a
crash leaves half a message.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from arfollow.shared import clock


class EmailBackend(BaseEmailBackend):
    """Writes into ``file_path``; names begin with the time, so that they sort by it."""

    def __init__(self, *, file_path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.directory = Path(file_path)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Every message reaches the disk or OSError leaves from here."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            self._write(message.message().as_bytes())
        return len(email_messages)

    def _write(self, content: bytes) -> None:
        stamp = f"{clock.now():%Y%m%d-%H%M%S}"
        handle, draft = tempfile.mkstemp(prefix=f"{stamp}-", suffix=".part", dir=self.directory)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(draft).rename(Path(draft).with_suffix(".eml"))
        except OSError:  # no room: half a message would only take more of it
            Path(draft).unlink(missing_ok=True)
            raise
