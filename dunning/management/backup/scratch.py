"""A place to restore into that is gone afterwards: a file, or a database beside ours.

SQLite: the backup is read, copied and never opened as a database itself. PostgreSQL: a database
that is dropped whatever happens, by programs of PostgreSQL that get the password by environment.
"""

import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from environ import Env
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from dunning.management.backup import dumps
from dunning.management.backup.findings import Damaged, Unusable
from dunning.management.backup.surroundings import handed_on
from dunning.management.backup.urls import connection_words, url_of

NAME = "arfollow_verify"
SHOWN = 300
RESTORE = (
    "--no-owner", "--no-privileges", "--no-comments", "--no-publications", "--no-subscriptions",
    "--no-tablespaces", "--exit-on-error",
)  # fmt: skip
# Complaints about this machine, its server or its programs; they say nothing about the file.
ABOUT_HERE = (
    "unsupported version", "invalid command \\restrict", "unrecognized configuration parameter",
    "No space left on device", "permission denied", "must be able to SET ROLE", 'role "',
    "connection to server",
)  # fmt: skip
PSQL = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")


@dataclass(frozen=True, slots=True)
class Scratch:
    """A restored backup: its address, a directory that goes with it, how long it took."""

    url: str
    place: Path
    kind: str
    size: int
    seconds: float
    left_over: tuple[str, ...] = ()


@contextmanager
def restored(path: Path, into: str) -> Iterator[Scratch]:
    """The backup in a place of its own, for as long as the block; Damaged, Unusable."""
    try:
        with tempfile.TemporaryDirectory(prefix=NAME) as place:
            yield from _restored(path, into, Path(place))
    except OSError as error:
        raise Unusable(f"It cannot be read or copied: {error}") from error


def _restored(path: Path, into: str, place: Path) -> Iterator[Scratch]:
    began, size = time.monotonic(), dumps.size_of(path)
    file = dumps.unpacked(path, place)
    kind = dumps.kind_of(file)
    if kind == dumps.SQLITE:
        _refuse(bool(into), "--into is for dumps of PostgreSQL; this is a database of SQLite.")
        url = _sqlite_copy(file, place)
        yield Scratch(url, place, kind, size, time.monotonic() - began)
        return
    server = _server(into)
    with _database(server) as (name, left_over):
        _fill(file, kind, server, name)
        url = url_of(server, name)
        yield Scratch(url, place, kind, size, time.monotonic() - began, left_over)


def _refuse(wrong: object, why: str) -> None:
    if wrong:
        raise Unusable(why)


# --- SQLite ---------------------------------------------------------------------------------------


def _sqlite_copy(file: Path, place: Path) -> str:
    """With what stands in its log beside it, where files were copied by themselves."""
    ours = connection.settings_dict["NAME"]
    live = connection.vendor == "sqlite" and Path(str(ours)).exists() and file.samefile(str(ours))
    _refuse(live, "It is the database that is at work, not a backup of it.")
    target = place / f"{NAME}.sqlite3"
    for suffix in ("", "-wal", "-journal"):
        source = file.with_name(file.name + suffix)
        if source.exists():
            shutil.copyfile(source, target.with_name(target.name + suffix))
    try:
        with closing(sqlite3.connect(target)) as copy:
            found = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
            strangers = copy.execute("PRAGMA foreign_key_check").fetchmany(1)
    except sqlite3.DatabaseError as error:
        raise Damaged(f"SQLite cannot read it: {error}") from error
    if found != ["ok"]:
        raise Damaged(f"integrity_check: {'; '.join(found)[:SHOWN]}")
    if strangers:
        raise Damaged(f"a row of {strangers[0][0]} refers to one that is not there")
    return f"sqlite:///{target}"


# --- PostgreSQL -----------------------------------------------------------------------------------


def _server(into: str) -> dict[str, Any]:
    """Where scratch databases are made: the server of ``into``, else the configured one."""
    if into:
        address = urlsplit(into)
        whole = address.scheme in ("postgres", "postgresql") and address.path.strip("/")
        _refuse(not whole, "--into needs an address like postgres://user:password@host/postgres.")
        return dict(Env.db_url_config(into))
    _refuse(
        connection.vendor != "postgresql",
        "It is a dump of PostgreSQL, and this installation works on SQLite. Say on which server "
        "a scratch database may be made: --into postgres://user:password@host/postgres",
    )
    return dict(connection.settings_dict)


@contextmanager
def _database(server: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """An empty database with a name of chance; dropped, also after an error or a signal."""
    name = f"{NAME}_{secrets.token_hex(6)}"
    wrapper = ConnectionHandler({"default": server})["default"]
    left_over = _left_over(wrapper, server)
    try:
        _create(wrapper, server, name)
        yield name, left_over
    finally:
        _drop(wrapper, name)


def _create(wrapper: BaseDatabaseWrapper, server: dict[str, Any], name: str) -> None:
    try:
        _run(wrapper, "CREATE DATABASE {} TEMPLATE template0", name)
    except DatabaseError as error:
        raise Unusable(_why_not(error, server)) from error
    finally:
        wrapper.close()


def _left_over(wrapper: BaseDatabaseWrapper, server: dict[str, Any]) -> tuple[str, ...]:
    """Scratch databases of a process that was killed, or of one that is at work now."""
    try:
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [NAME])
            return tuple(row[0] for row in cursor.fetchall())
    except (DatabaseError, ImproperlyConfigured) as error:
        raise Unusable(_why_not(error, server)) from error


def _run(wrapper: BaseDatabaseWrapper, statement: str, name: str) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _drop(wrapper: BaseDatabaseWrapper, name: str) -> None:
    try:
        _run(wrapper, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    except DatabaseError as error:
        text = f"The scratch database {name} may still be there; drop it by hand: {error}"
        raise Unusable(text) from error
    finally:
        wrapper.close()


def _why_not(error: Exception, server: dict[str, Any]) -> str:
    if isinstance(error.__cause__, errors.InsufficientPrivilege):
        return (
            f"The role {server['USER'] or 'of the connection'} may not create databases. Let it "
            "(ALTER ROLE … CREATEDB), or name another role or server with --into."
        )
    return f"No scratch database can be made there: {str(error).strip()[:SHOWN]}"


def _fill(file: Path, kind: str, server: dict[str, Any], name: str) -> None:
    """Run PostgreSQL's own program; Damaged with its first complaint."""
    program = "pg_restore" if kind == dumps.ARCHIVE else "psql"
    found = shutil.which(program)
    if found is None:
        raise Unusable(
            f"{program} is not here: install PostgreSQL's client programs, of the version that "
            "made the dump or a newer one."
        )
    words, password = connection_words(server, name)
    command = [found, f"--dbname={make_conninfo(**words)}"]
    if kind == dumps.ARCHIVE:
        command += [*RESTORE, str(file)]
    else:
        dumps.check_plain(file)
        command += [*PSQL, f"--file={file}"]
    done = subprocess.run(
        command, env=handed_on(password), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        said = " ".join(done.stderr.split())[:SHOWN]
        here = any(words in done.stderr for words in ABOUT_HERE)
        _refuse(here, f"It cannot be restored here: {said}")
        raise Damaged(f"{program} ended with {done.returncode}: {said}")
