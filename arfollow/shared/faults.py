"""Named points at which a fault test kills the process.

Outside the fault tests' own settings there is no ``CRASH_AT`` and a point does nothing.
"""

import os
import signal
from collections import Counter
from pathlib import Path

from django.conf import settings

_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """Die here, as by ``kill -9``, the nth time (``CRASH_AT = "C4:2"``).

    ``CRASH_ONCE`` names a file that is taken away by whoever dies first, so that the process
    that a supervisor starts instead lives.
    """
    wanted = getattr(settings, "CRASH_AT", "")
    if not wanted:
        return
    place, _, nth = wanted.partition(":")
    _passed[name] += 1
    if place == name and _passed[name] == int(nth or 1) and _is_first():
        os.kill(os.getpid(), signal.SIGKILL)


def _is_first() -> bool:
    token = getattr(settings, "CRASH_ONCE", "")
    if not token:
        return True
    try:
        Path(token).unlink()
    except FileNotFoundError:
        return False
    return True
