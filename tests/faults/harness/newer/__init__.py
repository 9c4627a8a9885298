"""The next version of the program: its migrations, and the models of its processes.

It does to the two biggest tables what our upgrades do: columns that may be empty, columns with a
default of the database, rows moved in batches, an index, a check. Its migrations stand beside the
product's own by way of ``MIGRATION_MODULES``; no other process knows of them.
"""

from pathlib import Path

from django.db import models

import dunning.migrations
import invoices.migrations
from dunning.models import ContactAttempt
from invoices.models import Invoice

APPS = {"invoices": invoices.migrations, "dunning": dunning.migrations}
NEWER = {app: f"{__name__}.{app}" for app in APPS}
PLACES = {app: Path(module.__path__[0]) for app, module in APPS.items()}
OLDER = {app: max(path.stem for path in place.glob("0*.py")) for app, place in PLACES.items()}
"""The last migration of the version from before."""
NUMBER = len(list(Path(__file__).parent.glob("*/newer_*.py")))


def become_newer() -> None:
    """This process runs the next version: its models have the new columns."""
    for model in (Invoice, ContactAttempt):
        models.CharField(max_length=80, null=True).contribute_to_class(model, "mark")
        rank = models.PositiveSmallIntegerField(db_default=0, default=0)
        rank.contribute_to_class(model, "rank")
