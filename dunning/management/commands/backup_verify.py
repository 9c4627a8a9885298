"""Is this backup good? `manage.py backup_verify FILE [--into URL] [--json]` (F-70, D9)."""

import json
import signal
from argparse import SUPPRESS
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from arfollow.shared import clock
from dunning.management.backup import BAD_INPUT, Report, Unusable, Wanted, inspect

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    """Restores into a scratch place that is gone afterwards; the live database, its files and
    its mail are not touched. Exit status 1 where the backup is not good, 2 where it cannot be
    looked at: not a backup, of a newer version, no place or no program to restore it."""

    help = "Restore a backup into a scratch place, look whether it is good, throw it away."
    requires_system_checks = ()  # they ask the live database, which may have burned

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="", metavar="FILE",
            help="SQLite copy, pg_dump custom/tar/directory/plain; also packed with gzip",
        )  # fmt: skip
        parser.add_argument(
            "--into", default="", metavar="URL",
            help="PostgreSQL on which a scratch database may be made (default: ours)",
        )  # fmt: skip
        parser.add_argument(
            "--media", default="", metavar="DIR",
            help="the copy of MEDIA_ROOT that goes with it: is every file there?",
        )  # fmt: skip
        parser.add_argument(
            "--max-age", type=float, metavar="HOURS",
            help="an older backup is not good (cron: 26)",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", dest="as_json")
        parser.add_argument("--inside", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["inside"]:
                self._inside(options["media"])
            elif options["file"]:
                self._verify(options)
            else:
                raise Unusable("Which file? manage.py backup_verify FILE")
        except Unusable as error:
            raise CommandError(str(error), returncode=BAD_INPUT) from error

    def _verify(self, options: dict[str, Any]) -> None:
        names = ("into", "media", "max_age", "as_json")
        wanted = Wanted(Path(options["file"]), **{name: options[name] for name in names})
        report = Report(wanted, self.stdout.write)
        with _stopped_in_order():
            report.make()
        report.end()
        if report.bad:
            raise CommandError(f"This backup is not good: {', '.join(report.bad)}.")

    def _inside(self, media: str) -> None:
        """In the process that has the scratch place for its database: a line for each finding."""
        for finding in inspect(clock.now(), media):
            self.stdout.write(json.dumps(asdict(finding)))
            self.stdout.flush()


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """A signal ends the block as an error does, so that nothing is left behind; once."""

    def stop(signum: int, frame: Any) -> None:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + signum)

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
