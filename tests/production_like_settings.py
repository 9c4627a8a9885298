"""The product's settings on the test database, without what fault tests add."""

import os

from arfollow.settings import *  # noqa: F403
from arfollow.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["RACE_DATABASE"]
