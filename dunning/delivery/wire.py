"""Jobs and answers on the pipes of the press: a line of JSON, then its documents."""

import json
import struct
from collections.abc import Sequence
from typing import IO, Any

LENGTH = struct.Struct(">Q")

STOPPED = "stopped"
"""The kind of an answer of a job that crashed or had no memory: worth a second try (F-47)."""

type Job = tuple[dict[str, Any], list[bytes]]


def write_job(stream: IO[bytes], head: dict[str, Any], blobs: Sequence[bytes]) -> None:
    """One job or answer onto a pipe."""
    line = json.dumps({**head, "blobs": [len(blob) for blob in blobs]}).encode()
    stream.write(LENGTH.pack(len(line)) + line)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def read_job(stream: IO[bytes]) -> Job | None:
    """One job or answer from a pipe; None at its end. EOFError where it breaks off."""
    size = stream.read(LENGTH.size)
    if not size:
        return None
    if len(size) < LENGTH.size:
        raise EOFError("the pipe broke off")
    head = json.loads(_exactly(stream, LENGTH.unpack(size)[0]))
    return head, [_exactly(stream, length) for length in head.pop("blobs")]


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise EOFError("the pipe broke off")
    return data
