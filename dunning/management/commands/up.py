"""Everything that runs, in one terminal: web, worker and beat, restarted when one of them falls.

For a laptop and a small firm on one machine; larger installations start the three themselves
(docker-compose.yml shows how).
"""

import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

GRACE_SECONDS = 30
WATCH_SECONDS = 0.5
# A process that falls this often without ever standing this long will not stand at all.
MAX_FALLS = 4
STANDS_AFTER_SECONDS = 20


@dataclass
class Child:
    """One process and how it has been doing."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: int = field(default=0)

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor alone, which stops them in order.
        self.process = subprocess.Popen(self.command, start_new_session=True)
        self.started = time.monotonic()

    def fallen(self) -> bool:
        if self.process is None or self.process.poll() is None:
            return False
        stood = time.monotonic() - self.started >= STANDS_AFTER_SECONDS
        self.falls = 1 if stood else self.falls + 1
        return True


def children(*, bind: str, concurrency: int) -> list[Child]:
    """In the order of their start; they are stopped the other way round."""
    python, queue = sys.executable, ["-m", "celery", "--quiet", "--app", "arfollow"]
    level = ["--loglevel", settings.LOG_LEVEL]
    # Its control socket would stand in the home directory, one for all installations of a user.
    web = ["-m", "gunicorn", "arfollow.wsgi", "--bind", bind, "--threads", "4"]
    web += ["--no-control-socket"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [
        Child("web", [python, *web, "--log-level", settings.LOG_LEVEL.lower()]),
        Child("worker", [python, *queue, "worker", "-c", str(concurrency), *quiet, *level]),
        Child("beat", [python, *queue, "beat", "--pidfile=", *level]),
    ]


class Stop(Exception):
    """Somebody pressed Ctrl-C or the machine shuts down."""


def _stop(signum: int, frame: Any) -> None:
    raise Stop


class Command(BaseCommand):
    help = "Run web, worker and beat until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address:port of the web")
        parser.add_argument("--concurrency", type=int, default=2, help="worker processes")

    def handle(self, *args: object, **options: Any) -> None:
        family = children(bind=options["bind"], concurrency=options["concurrency"])
        previous = {number: signal.signal(number, _stop) for number in STOPPING}
        try:
            self._watch(family)
        except Stop:
            self.stderr.write("stopping")
        finally:
            for number in STOPPING:
                signal.signal(number, signal.SIG_IGN)
            stop_all(reversed(family))
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _watch(self, family: list[Child]) -> None:
        for child in family:
            child.start()
        while True:
            time.sleep(WATCH_SECONDS)
            for child in family:
                if child.fallen():
                    self._raise_again(child)

    def _raise_again(self, child: Child) -> None:
        if child.falls >= MAX_FALLS:
            raise CommandError(f"{child.name} does not stay up; its lines above say why")
        self.stderr.write(f"{child.name} ended; starting it again")
        time.sleep(child.falls)
        child.start()


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_all(family: Iterable[Child]) -> None:
    """Ask everyone, then wait; whoever is still there after GRACE_SECONDS is ended."""
    running = [child.process for child in family if child.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in running:
        try:
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
