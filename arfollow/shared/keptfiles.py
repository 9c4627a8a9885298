"""Uploads in MEDIA_ROOT: complete or not there at all (F-48).

Django's own storage leaves the part that fitted on a full disk, under the final name: who tries
again when there is room would find half a list there and import that.
"""

import secrets
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from arfollow.shared.errors import ServiceError

NO_ROOM = "The file could not be kept: there is no room for it on the server. Nothing was changed."


@deconstructible(path="arfollow.shared.keptfiles.WholeFiles")
class WholeFiles(FileSystemStorage):
    """Writes under a name of its own first. ServiceError where the file does not fit."""

    def _save(self, name: str, content: Any) -> str:
        part = f"{name}.{secrets.token_hex(8)}.part"
        try:
            super()._save(part, content)  # type: ignore[misc]  # the stubs leave it out
            Path(self.path(part)).rename(self.path(name))
        except OSError as error:
            Path(self.path(part)).unlink(missing_ok=True)
            raise ServiceError(NO_ROOM) from error
        return name
