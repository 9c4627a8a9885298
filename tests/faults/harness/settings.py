"""Settings of the processes that die: the product's own, and the switch of the crash points."""

import os
from pathlib import Path

from arfollow.settings import *  # noqa: F403
from arfollow.settings import DATABASES, ON_SQLITE


class Order:
    """Where the next process dies, as a file says at that moment; without the file, nowhere."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def __bool__(self) -> bool:
        return self.path.exists()

    def partition(self, sep: str) -> tuple[str, str, str]:
        """As of the text that stands there."""
        try:
            return self.path.read_text().partition(sep)
        except FileNotFoundError:
            return "", "", ""


# A worker's processes are many: whoever comes to the point first takes the order's file away.
CRASH_ONCE = os.environ.get("CRASH_ORDER", "")
CRASH_AT = Order(CRASH_ONCE) if CRASH_ONCE else ""
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if ON_SQLITE:
    # What a power cut may do is not tried here; what a dying process may do does not ask fsync.
    options = DATABASES["default"]["OPTIONS"]
    options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
