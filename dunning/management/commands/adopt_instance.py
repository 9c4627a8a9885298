"""Say that this installation sends from this database: `manage.py adopt_instance`."""

from typing import Any

from django.core.management.base import BaseCommand

from dunning import outbox


class Command(BaseCommand):
    """For a database that moved to another machine for good, never for a copy of it (D9)."""

    help = "Let this installation send from this database; the one before must be off."

    def handle(self, *args: Any, **options: Any) -> None:
        identifier = outbox.adopt()
        self.stdout.write(f"This installation ({identifier[:8]}…) sends from this database now.")
