"""A digest of everything a notice says: frozen bytes are good while it stays the same."""

import hashlib
import json
from dataclasses import asdict

from dunning.wording.notice import Notice
from dunning.wording.texts import Text


def facts_digest(notice: Notice, text: Text | None = None) -> str:
    """SHA-256 over every fact, and over the text where one is given, as hex.

    Equal notices have equal digests; the last look renders again when they differ.
    """
    facts = {"notice": asdict(notice), "text": text and [text.subject, text.body]}
    written = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()
