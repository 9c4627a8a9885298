"""Settings of the processes that die: the product's own, and the switch of the crash points."""

import os

from arfollow.settings import *  # noqa: F403
from arfollow.settings import DATABASES, ON_SQLITE

CRASH_AT = os.environ.get("CRASH_AT", "")
CRASH_ONCE = os.environ.get("CRASH_ONCE", "")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if ON_SQLITE:
    # What a power cut may do is not tried here; what a dying process may do does not ask fsync.
    options = DATABASES["default"]["OPTIONS"]
    options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
