"""What a log line may hold: kinds, places and numbers; no text, name, address or secret (D14).

An exception's own words may quote a customer's row or a server's answer with an address, a query
string what somebody searched for, and a path the key that resets a password. All of it stays out;
the frames of the traceback, which are our code, are told. ASVS 16.2.5, 16.4.1.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

FRAMES = 12
MANY_LINED = frozenset({"exception", "stack"})  # ours to write, and on a laptop only
# Line ends of every kind, and what a terminal takes for commands.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

type Line = MutableMapping[str, Any]


def kind_and_place(_logger: object, _method: str, line: Line) -> Line:
    """A structlog processor: of an exception its kind and where it came from."""
    error = _error_of(line.pop("exc_info", None))
    if error is not None:
        line["trouble"] = _kinds(error)
        line["where"] = _frames(error.__traceback__)
    return line


def _error_of(found: object) -> BaseException | None:
    """What logging calls exc_info: an exception, a triple of it, or True for the current one."""
    if isinstance(found, tuple):
        found = found[1]
    elif found is True:
        found = sys.exc_info()[1]
    return found if isinstance(found, BaseException) else None


def _kinds(error: BaseException) -> str:
    """The kind, and the kinds it followed from: ``ServiceError < IntegrityError``."""
    names: list[str] = []
    now: BaseException | None = error
    while now is not None and len(names) < FRAMES:
        names.append(type(now).__name__)
        now = now.__cause__ or now.__context__
    return " < ".join(names)


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(file: str) -> str:
    """The last two parts: enough to find it, and nothing about the machine."""
    return "/".join(file.replace("\\", "/").split("/")[-2:])


def one_line(_logger: object, _method: str, line: Line) -> Line:
    """A structlog processor: line ends and commands to a terminal become visible signs, so that
    nobody writes lines of their own or colours into a log."""
    for name, value in line.items():
        if name not in MANY_LINED and isinstance(value, str) and _CONTROL.search(value):
            line[name] = _CONTROL.sub(lambda found: repr(found[0])[1:-1], value)
    return line


class WithoutWords(logging.Filter):
    """Celery and Django put an exception's words into the message itself; its kind stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict) and "exc" in record.args:
            known = _error_of(record.exc_info)
            kind = type(known).__name__ if known else "see below"
            record.args = {**record.args, "exc": kind, "traceback": ""}
        return True
