"""Settings of the processes that tests race and kill: the test database, and CRASH_AT."""

import os

from arfollow.settings import *  # noqa: F403
from arfollow.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["RACE_DATABASE"]
CRASH_AT = os.environ.get("CRASH_AT", "")
