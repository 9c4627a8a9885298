"""Who sends from here: `manage.py adopt_instance [--nothing-left-since]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dunning import outbox


class Command(BaseCommand):
    """For a database that moved to another machine for good, never for a copy of it (D9).

    A backup does not know what left after it was made (F-70): it is adopted with a pause.
    """

    help = "Let this installation send from this database; the one before must be off."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--nothing-left-since",
            action="store_true",
            help="the installation before was stopped before this copy was made: do not pause",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adopted = outbox.adopt(nothing_left_since=options["nothing_left_since"])
        self.stdout.write(
            f"This installation ({adopted.identifier[:8]}…) sends from this database now."
        )
        if adopted.paused:
            seen = adopted.last_seen
            when = f"Its sender was last at work on {seen:%Y-%m-%d at %H:%M} UTC. " if seen else ""
            self.stdout.write(
                f"{when}What left after the backup was made is not in it, so sending is paused: "
                "compare the outbox with what your provider sent since, skip what has left, then "
                "let it go on (Settings, Sending)."
            )
