"""Django's ``migrate``, which keeps nobody waiting behind it (F-71).

A change of a table needs it alone for a moment. Where a backup or a long import holds it, the
change waits, and on PostgreSQL everybody who comes later waits behind the change: a minute of
``pg_dump`` is a minute in which no page answers. Here it steps back after half a second and comes
again.
"""

import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

LONGEST_WAIT = 0.5  # seconds for a lock, while others wait behind us
PAUSE = 2  # seconds in which they get their turn
PATIENCE = 1_800  # seconds, for a backup that takes long
LOCK_NOT_AVAILABLE = "55P03"


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where somebody holds a table for longer than we have patience."""
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        began = time.monotonic()
        while not self._tried(connection, args, options):
            if time.monotonic() - began > PATIENCE:
                raise CommandError(
                    "Somebody holds a table for too long (a backup, an import). Nothing is half "
                    "done: run migrate again when they have finished."
                )
            self.stdout.write("Somebody is using the table; trying again in a moment.")
            time.sleep(PAUSE)

    def _tried(
        self, connection: BaseDatabaseWrapper, args: tuple[Any, ...], options: dict[str, Any]
    ) -> bool:
        """Migrate; False where a lock was not to be had."""
        _wait_at_most(connection, f"{LONGEST_WAIT}s")
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
            return False
        _wait_at_most(connection, "0")
        return True


def _wait_at_most(connection: BaseDatabaseWrapper, longest: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [longest])
