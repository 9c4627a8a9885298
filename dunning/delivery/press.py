"""The child that makes PDFs: ``python -m dunning.delivery.press`` (D13).

It loads the libraries and the fonts once and then forks for every job, so that each job has
limits of its own: address space, processor time, time on the wall. It is started with an
empty environment, knows no secret and no database, and its jobs open no connection and no
file but ours under ``static/``. Django is not in it.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, NoReturn

from weasyprint.urls import FatalURLFetchingError

from dunning.delivery import pictures, sheets, typesetting
from dunning.delivery.wire import STOPPED, Job, read_job, write_job

MEGABYTE = 1024 * 1024
LATE: Job = ({"error": "it took too long", "kind": "limits"}, [])


class Late(Exception):
    """A job took longer on the wall than it may."""


def main() -> None:
    """Serve jobs until the parent closes the pipe."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print of a library must not stand between answers
    typesetting.warm_up()
    while job := read_job(sys.stdin.buffer):
        write_job(answers, *_apart(*job))


def _apart(head: dict[str, Any], blobs: list[bytes]) -> Job:
    """The job in a child of its own; its end is told, whatever it was."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(writer, head, blobs)
    os.close(writer)
    answer = None
    try:
        with os.fdopen(reader, "rb", buffering=0) as pipe:
            data = _drain(pipe.fileno(), time.monotonic() + head["seconds"])
        answer = read_job(BytesIO(data))
    except Late:
        os.kill(child, signal.SIGKILL)
        answer = LATE
    except EOFError:  # it died while it wrote
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return answer or _end(status)


def _drain(descriptor: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise Late
        part = os.read(descriptor, MEGABYTE)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _end(status: int) -> Job:
    """Why a child ended without an answer, in words for staff."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return {"error": "it took too much processor time", "kind": "limits"}, []
    told = f" (signal {number})" if number else ""
    return {"error": f"the renderer stopped{told}", "kind": STOPPED}, []


def _work(descriptor: int, head: dict[str, Any], blobs: list[bytes]) -> NoReturn:
    """In the child: bounded, cut off, and gone afterwards."""
    code = 1
    try:
        _limit(head)
        with os.fdopen(descriptor, "wb") as pipe:
            write_job(pipe, *_do(head, blobs))
        code = 0
    finally:
        os._exit(code)


def _limit(head: dict[str, Any]) -> None:
    space = head["megabytes"] * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CPU, (head["cpu"], head["cpu"] + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.addaudithook(_refuse)


REFUSED = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork")


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    """Python's own audit: whatever library asks, a job opens no connection and starts nothing."""
    if event.startswith(REFUSED):
        raise OSError(f"the renderer may not: {event}")


JOBS: dict[str, Callable[[dict[str, Any], list[bytes]], bytes]] = {
    "pdf": lambda head, blobs: typesetting.write_pdf(
        blobs[0].decode(), head["sheets"], head["styles"]
    ),
    "sheets": lambda head, blobs: sheets.merged(blobs, head["paper"]),
    "bundle": lambda head, blobs: sheets.bundled(blobs, head["attached"]),
    "measure": lambda _, blobs: json.dumps(sheets.page_sizes(blobs[0])).encode(),
    "picture": lambda _, blobs: pictures.as_jpeg(blobs[0]),
}


def _do(head: dict[str, Any], blobs: list[bytes]) -> Job:
    """The document, or the reason why there is none."""
    try:
        return {}, [JOBS[head["do"]](head, blobs)]
    except FatalURLFetchingError as error:  # no Exception
        return {"error": str(error), "kind": "foreign"}, []
    except (MemoryError, SystemError):  # C code tells a refused allocation either way
        return {"error": "it took too much memory", "kind": STOPPED}, []
    except RecursionError:
        return {"error": "it is nested too deeply", "kind": "limits"}, []
    except ValueError as error:
        return {"error": str(error)[:300], "kind": "failed"}, []
    except Exception as error:  # noqa: BLE001  # whatever the libraries raise: told, not lost
        return {"error": f"{type(error).__name__}: {error}"[:300], "kind": "failed"}, []


if __name__ == "__main__":
    main()
