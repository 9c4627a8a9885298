"""Our side of the press: hand over a job, get the PDF or a certain failure (D13).

One press a process, started at the first job. What goes wrong in it never reaches the
process that asked: a web page or a sender gets a `PdfNotMade` with words for staff.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from dunning.delivery.wire import STOPPED, Job, read_job, write_job

log = structlog.get_logger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
LIMITS = {"megabytes": 1024, "cpu": 20, "seconds": 60}
"""Of one job: address space, processor seconds, seconds on the wall."""

GRACE = 10
TRIES = 2


class PdfNotMade(RuntimeError):
    """There is no PDF and there will be none of this document; `str()` says why, for staff."""


class ForeignAsset(PdfNotMade):
    """A document asked for something that is not ours; nothing was written."""


class NoPress(PdfNotMade):
    """The renderer itself died or did not start, twice: no document is to blame for certain."""


class Press:
    """The child process, started when it is needed and again when it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        # Threads of a web process share it; two jobs at once would be no faster.
        self._one_at_a_time = threading.Lock()

    def run(self, head: dict[str, Any], blobs: Sequence[bytes], **limits: int) -> bytes:
        """The document that a job makes. PdfNotMade where it makes none."""
        job = {**LIMITS, **limits, **head}
        answer = None
        with self._one_at_a_time:
            for _ in range(TRIES):
                answer = self._ask(job, blobs)
                if answer is not None and answer[0].get("kind") != STOPPED:
                    break
        if answer is None:
            raise NoPress("the renderer does not start")
        return _made(*answer)

    def _ask(self, job: dict[str, Any], blobs: Sequence[bytes]) -> Job | None:
        """The answer; None where the press died and another one has to be tried."""
        process = self._started()
        if process.stdin is None or process.stdout is None:
            return None
        watch = threading.Timer(job["seconds"] + GRACE, process.kill)
        watch.daemon = True
        watch.start()
        answer = None
        try:
            write_job(process.stdin, job, blobs)
            answer = read_job(process.stdout)
        except (OSError, EOFError) as error:
            log.warning("the renderer broke off", error=str(error))
        finally:
            watch.cancel()
            # also where a time limit of the caller ended the wait: a late answer left in the
            # pipe would be taken for the next document
            if answer is None:
                self.close()
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        """A live press of this process: after a fork the parent's belongs to the parent."""
        if self._process is not None and self._owner == os.getpid():
            if self._process.poll() is None:
                return self._process
            self.close()
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dunning.delivery.press"],
            cwd=PROJECT,
            env=settings.PDF_PRESS_ENV,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._process

    def close(self) -> None:
        """Let the press go; the next job starts another."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()


def _made(head: dict[str, Any], blobs: list[bytes]) -> bytes:
    if "error" in head:
        kind = ForeignAsset if head["kind"] == "foreign" else PdfNotMade
        raise kind(head["error"])
    return blobs[0]


PRESS = Press()
atexit.register(PRESS.close)
