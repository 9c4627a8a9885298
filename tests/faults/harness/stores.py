"""A database that is locked or full, and disks with no room (F-14, F-48)."""

import logging
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError
from django.db import DatabaseError, connection

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM
from arfollow.shared.mailurl import mailer_from_url
from invoices.services import attach_original
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.paper import Trays, finish
from tests.faults.harness.paper import judge as judge_letters
from tests.faults.harness.processes import fork
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import LEASE, recover, send
from tests.faults.harness.world import World

SMALL = 200 * 1024
BUSY = 300
ORIGINAL = b"%PDF-1.7\n" + b"scan " * 4_000
MOUNT, UMOUNT = ("/bin/mount", "-t", "tmpfs"), ("/bin/umount",)


# --- SQLite is locked, or full --------------------------------------------------------------------


def locked(world: World, tries: int) -> Result:
    """Somebody else holds the write lock for longer than anybody waits, at every moment."""
    world.reset()
    wanted = []
    for number in range(tries):
        wanted += [customer.pk for customer in world.people(2)]
        world.plan()
        at = ("MAIL", "dot", "")[number % 3]
        with world.sink.ordered(at=at, do="wait", seconds=1.5):
            sender = fork(_impatient, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=LEASE)
            time.sleep(0.05 if not at else 0.6)
            with _write_lock():
                time.sleep(2.5)
            sender.wait()
    recover(world)
    found = judge(world, most_unknown=tries)
    nobody_forgotten(found, world, wanted)
    text = "by another process, for longer than the busy timeout"
    return Result("database is locked", text, "", tries, found)


def _impatient() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={BUSY}")
    with suppress(DatabaseError):
        send()


@contextmanager
def _write_lock() -> Iterator[None]:
    line = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None, timeout=60)
    line.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        line.execute("ROLLBACK")
        line.close()


def database_full(world: World, tries: int) -> Result:
    """The database cannot grow: what was begun is undone whole, and goes on when there is room."""
    world.reset()
    wanted = []
    for number in range(tries):
        wanted += [customer.pk for customer in world.people(2)]
        world.plan()
        full = partial(_no_room, 2 + number % 12)
        fork(full, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=LEASE).wait()
    recover(world)
    found = judge(world, most_unknown=tries)
    nobody_forgotten(found, world, wanted)
    return Result("disk full: database", "no page more", "", tries, found)


def _no_room(pages: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        [[count]] = cursor.fetchall()
        cursor.execute(f"PRAGMA max_page_count={count + pages}")
    with suppress(DatabaseError):
        send()


# --- No room on the disk for a mail or a letter ---------------------------------------------------


def mail_disk_full(world: World, tries: int) -> Result:
    """The mail directory is full in the middle of a file, then somebody makes room."""
    world.reset()
    with _small_disk(world.place / "maildisk") as place:
        mail = place / "mail"
        wanted = [customer.pk for customer in world.people(tries)]
        world.plan()
        filler = _fill(place)
        way = {"default": mailer_from_url(f"file://{mail}")}
        fork(send, MAILERS=way, SEND_LEASE_SECONDS=LEASE).wait()
        halves = [file.name for file in mail.glob("*") if file.suffix != ".eml"]
        filler.unlink()
        recover(world, step=16, MAILERS=way)
        _log_files(world, mail)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    found.blame("wrong", halves, "half a message left behind:")
    return Result("disk full: mail file", "no room in the mail directory", "", tries, found)


def letter_disk_full(world: World, tries: int) -> Result:
    """The directory of the printed letters is full in the middle of a file."""
    world.reset()
    wanted = [customer.pk for customer in world.people(tries, "letter")]
    world.plan_letters()
    with _small_disk(world.place / "paperdisk") as place:
        trays = Trays(place)
        filler = _fill(place)
        fork(partial(_print_without_room, trays)).wait()
        halves = [file.name for file in place.glob("*/.*.part")]
        filler.unlink()
        trays.next()
        finish(world, trays)
        found = judge_letters(trays, wanted)
    found.blame("wrong", halves, "half a letter left behind:")
    return Result("disk full: letters", "no room for the PDF", "letter", tries, found)


def media_disk_full(world: World, tries: int) -> Result:
    """An invoice's PDF is kept while the directory is full: refused in words, nothing of it stays;
    messages leave meanwhile, and the same file fits when there is room."""
    world.reset()
    people = world.people(tries)
    invoices = [row.invoices.get().pk for row in people]
    world.plan()
    found = Judgement()
    with _small_disk(world.place / "mediadisk") as media:
        keep = partial(_keep_originals, invoices)
        filler = _fill(media)
        _expect(found, fork(keep, MEDIA_ROOT=media).wait() == tries, "a full disk took a file")
        fork(send, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=LEASE).wait()
        left = [file.name for file in media.rglob("*") if file.is_file() and file != filler]
        found.blame("wrong", left, "half a file left behind:")
        filler.unlink()
        _expect(found, fork(keep, MEDIA_ROOT=media).wait() == 0, "not kept though there was room")
    recover(world)
    seen = judge(world, most_unknown=0)
    nobody_forgotten(seen, world, [row.pk for row in people])
    seen.wrong += found.wrong
    seen.notes += found.notes
    return Result("disk full: uploads", "no room in the media directory", "", tries, seen)


def _keep_originals(invoices: list[int]) -> None:
    """Exits with the number of those that were refused."""
    refused = 0
    for pk in invoices:
        try:
            attach_original(pk, "scan.pdf", ORIGINAL + str(pk).encode(), actor=SYSTEM)
        except ServiceError:
            refused += 1
    raise SystemExit(refused)


def log_disk_full(world: World, tries: int) -> Result:
    """Nothing fits in the log (/dev/full): the work goes on, each message is recorded."""
    world.reset()
    wanted = [customer.pk for customer in world.people(tries)]
    world.plan()
    with world.sink.ordered(at="RCPT", nth=1, do="say 451 busy"):  # a warning for the log
        fork(_talk_into_the_void, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=LEASE).wait()
    recover(world, step=16)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    return Result("disk full: log", "every line goes to /dev/full", "", tries, found)


def _talk_into_the_void() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(full, stream)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in root.handlers:
        handler.setLevel(logging.INFO)
    send()


def _expect(found: Judgement, fact: object, why: str) -> None:
    found.blame("wrong", [] if fact else [why], "")


def _print_without_room(trays: Trays) -> None:
    with suppress(OSError, CommandError):
        trays.print_due()


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    """A file system of its own; where it cannot be mounted, files may not grow instead."""
    place.mkdir(parents=True, exist_ok=True)
    size = f"size={4 * 1024 * 1024}"
    mount = [*MOUNT, "-o", size, "none", str(place)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, before[1]))
    try:
        yield place
    finally:
        if mounted:
            subprocess.run([*UMOUNT, str(place)], check=False)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _fill(place: Path) -> Path:
    """Leave room for less than one message."""
    filler = place / "filler"
    with filler.open("wb") as stream, suppress(OSError):
        while True:
            stream.write(b"\0" * 4096)
            stream.flush()
    with suppress(OSError):
        os.truncate(filler, max(filler.stat().st_size - 8192, 0))
    return filler


def _log_files(world: World, mail: Path) -> None:
    """What lies in the directory counts as what the mail server took."""
    for file in sorted(mail.glob("*.eml")):
        world.sink.add(file.read_bytes())
