"""Processes that really die: forked from the bench, which has everything imported already."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connections

from arfollow.shared import faults
from dunning.delivery import pressing

PATIENCE = 120


class Child:
    """One forked process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it lives."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for its end; whoever takes longer is killed and that is an error of ours."""
        deadline = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
                raise TimeoutError(f"a process of the harness took longer than {seconds:g} s")
            time.sleep(0.005)
        return int(self.code or 0)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    @property
    def killed(self) -> bool:
        """Whether it died by SIGKILL."""
        return self.poll() == -signal.SIGKILL


def fork(act: Callable[[], object], *, borrow: bool = True, **overrides: Any) -> Child:
    """Do something in a process of its own, with these settings; no connection is inherited.

    ``borrow`` the bench's renderer, where no other process is at work at the same time.
    """
    connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return Child(pid)
    code = 1
    try:
        for name, value in overrides.items():
            setattr(settings, name, value)
        faults._passed.clear()
        if borrow:
            _borrow_the_press()
        act()
        code = 0
    except SystemExit as asked:
        code = int(asked.code or 0)
    except BaseException:  # noqa: BLE001  # a child must never run on as a second bench
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _borrow_the_press() -> None:
    """A forked process goes on with the renderer of the bench, which waits meanwhile; starting
    one for each of a thousand processes would take half an hour.
    """
    press = pressing.PRESS
    if press._process is not None:
        press._owner = os.getpid()
        press._process.poll = lambda: None  # type: ignore[method-assign]  # it is our aunt


def done(act: Callable[[], object], **overrides: Any) -> None:
    """The same, to its good end."""
    code = fork(act, **overrides).wait()
    if code:
        raise RuntimeError(f"a process that should end well ended with {code}")


def until(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Wait until something is true; answers whether it became so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
