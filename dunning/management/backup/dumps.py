"""What kind of backup a file is, and whether a dump in plain SQL may be run at all."""

import gzip
import re
import shutil
import zlib
from pathlib import Path

from dunning.management.backup.findings import Damaged, Unusable

SQLITE, ARCHIVE, PLAIN = "SQLite", "PostgreSQL archive", "PostgreSQL SQL"
SQLITE_MAGIC, ARCHIVE_MAGIC, GZIP_MAGIC = b"SQLite format 3\0", b"PGDMP", b"\x1f\x8b"
TAR_MAGIC, TAR_AT = b"ustar", 257
HEAD_BYTES = 4096
PLAIN_BEGINS, PLAIN_ENDS = b"-- PostgreSQL database dump", b"-- PostgreSQL database dump complete"
WHOLE_SERVER = b"-- PostgreSQL database cluster dump"
# psql would leave the scratch database and work on the one that is named.
LEAVES = re.compile(rb"\\c(onnect)?\s|(CREATE|DROP|ALTER) (DATABASE|ROLE|TABLESPACE)\s")


def unpacked(path: Path, place: Path) -> Path:
    """The backup itself; where it was packed with gzip, a copy of it in ``place``."""
    if path.is_dir() or _head(path)[:2] != GZIP_MAGIC:
        return path
    target = place / "unpacked"
    try:
        with gzip.open(path) as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Damaged(f"cannot be unpacked: {error}") from error
    return target


def kind_of(path: Path) -> str:
    """Unusable where it is neither a database of SQLite nor a dump of PostgreSQL."""
    if path.is_dir():
        if (path / "toc.dat").is_file():
            return ARCHIVE
        raise Unusable("It is a directory, and not one that pg_dump made.")
    head = _head(path)
    if not head:
        raise Unusable("The file is empty: the backup was never written.")
    if head.startswith(SQLITE_MAGIC):
        return SQLITE
    if head.startswith(ARCHIVE_MAGIC) or (head[TAR_AT:].startswith(TAR_MAGIC) and b"toc" in head):
        return ARCHIVE
    if WHOLE_SERVER in head:
        raise Unusable("It is a dump of a whole server (pg_dumpall); pg_dump makes what we need.")
    if PLAIN_BEGINS in head:
        return PLAIN
    raise Unusable("It is neither a database of SQLite nor a dump of PostgreSQL.")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def check_plain(path: Path) -> None:
    """Damaged without the line that pg_dump writes last: psql takes what is cut between two rows
    for the end. Unusable where it names a database of its own (pg_dump --create)."""
    complete = False
    with path.open("rb") as file:
        for line in file:
            if LEAVES.match(line):
                raise Unusable(
                    "It names a database of its own (pg_dump --create), so that restoring it "
                    "would write there; dump without --create."
                )
            complete = complete or line.startswith(PLAIN_ENDS)
    if not complete:
        raise Damaged("cut off: the last line of a dump is missing")


def size_of(path: Path) -> int:
    """In bytes."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
