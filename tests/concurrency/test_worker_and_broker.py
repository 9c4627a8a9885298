"""A real worker and a real beat on a real Redis-protocol server: messages are wake-ups only."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(300)]

QUEUE = [sys.executable, "-m", "celery", "--app", "arfollow"]
QUIET = ["--without-gossip", "--without-mingle", "--concurrency", "1", "--loglevel", "WARNING"]


def wait_for(condition: Callable[[], bool], *, seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


class House:
    """An installation of its own: database, directories, broker."""

    def __init__(self, place: Path, broker: str) -> None:
        self.database = place / "test.sqlite3"
        self.broker = Redis.from_url(broker)
        self.variables = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(place),
            "DATABASE_URL": f"sqlite:///{self.database}",
            "CELERY_BROKER_URL": broker,
            "TICK_SECONDS": "1",
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def run(self, *command: str) -> None:
        subprocess.run(
            [sys.executable, *command], env=self.variables, cwd=settings.BASE_DIR, check=True
        )

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*QUEUE, *command],
            env=self.variables,
            cwd=settings.BASE_DIR,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def last_look(self) -> str:
        """When the sender last looked for work; empty where it never did."""
        with sqlite3.connect(self.database) as line:
            row = line.execute("SELECT at FROM dunning_heartbeat WHERE name = 'sender'").fetchone()
        return str(row[0]) if row else ""

    def waiting(self) -> int:
        return int(self.broker.llen("celery"))  # type: ignore[arg-type]

    def stop(self) -> None:
        for process in (each for each in self.processes if each.poll() is None):
            os.killpg(process.pid, signal.SIGKILL)  # the worker's own children too
            process.wait()


@pytest.fixture
def house(tmp_path: Path, redis_url: str) -> Iterator[House]:
    built = House(tmp_path, redis_url)
    built.broker.flushall()
    built.run("manage.py", "migrate", "--verbosity", "0")
    yield built
    built.stop()


def looked_again(house: House) -> bool:
    before = house.last_look()
    return wait_for(lambda: house.last_look() != before)


def test_losing_every_message_of_the_broker_loses_nothing(house: House) -> None:
    """Beat wakes the worker, the worker looks for work; an emptied broker is back at the next
    tick.
    """
    house.start("worker", *QUIET)
    house.start("beat", "--pidfile=", "--loglevel", "WARNING")
    assert looked_again(house)
    house.broker.flushall()
    assert looked_again(house)


def test_a_worker_that_was_away_is_not_drowned_in_old_messages(house: House) -> None:
    """Ticks expire: an hour without a worker is no hour of ticks to work off."""
    beat = house.start("beat", "--pidfile=", "--loglevel", "WARNING")
    assert wait_for(lambda: house.waiting() >= 6)
    beat.terminate()
    beat.wait(timeout=30)
    time.sleep(1.5)  # until the last tick has expired
    house.start("worker", *QUIET)
    assert wait_for(lambda: house.waiting() == 0)
    time.sleep(1)  # what was taken would be worked off by now
    assert house.last_look() == ""
