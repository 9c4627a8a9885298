"""Bytes kept as evidence: each once, under the hash that names it."""

import hashlib

from dunning.models import Document


def sha256(data: bytes) -> str:
    """Name of bytes we keep."""
    return hashlib.sha256(data).hexdigest()


def keep(data: bytes, *, content_type: str, name: str) -> Document:
    """Store bytes once, under their hash."""
    row, _ = Document.objects.get_or_create(
        sha256=sha256(data), defaults={"content_type": content_type, "name": name, "data": data}
    )
    return row
