"""Changes of big tables that disturb nobody who is at work with the code from before (F-71).

For migrations with ``atomic = False`` and nothing else in them: each does its work in steps of its
own, and the whole of it again where a migration died half-way. On PostgreSQL writers never wait
for longer than a glance at the table; SQLite has one writer, who does it in one go.
"""

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex
from django.db.migrations.state import ProjectState
from django.db.models import QuerySet

BATCH = 1_000
PAUSE = 0.02  # seconds in which others get their turn

type Editor = BaseDatabaseSchemaEditor
type State = ProjectState


class AddIndexBesideWork(AddIndex):
    """An index that is built while others write (``CREATE INDEX CONCURRENTLY``)."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: State, to_state: State
    ) -> None:
        """What an earlier try left may be an index that nobody may use: away with it first."""
        self._drop(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if not _on_postgres(schema_editor):
            schema_editor.add_index(model, self.index)
            return
        statement = self.index.create_sql(model, schema_editor, concurrently=True)
        _waiting_for_everybody(schema_editor, str(statement))

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: State, to_state: State
    ) -> None:
        self._drop(schema_editor)

    def _drop(self, schema_editor: Editor) -> None:
        name = schema_editor.quote_name(self.index.name)
        if _on_postgres(schema_editor):
            _waiting_for_everybody(schema_editor, f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        else:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class AddCheckBesideWork(AddConstraint):
    """A check that holds for new rows at once; the old ones are looked through without a lock."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, from_state: State, to_state: State
    ) -> None:
        if not _on_postgres(schema_editor):
            # SQLite writes the table anew; a table half written must not stay.
            with transaction.atomic(schema_editor.connection.alias):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        table = schema_editor.quote_name(model._meta.db_table)
        name = schema_editor.quote_name(self.constraint.name)
        added = self.constraint.create_sql(model, schema_editor)
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        schema_editor.execute(f"{added} NOT VALID", params=None)
        schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")

    def database_backwards(
        self, app_label: str, schema_editor: Editor, from_state: State, to_state: State
    ) -> None:
        with transaction.atomic(schema_editor.connection.alias):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


def in_batches(
    to_do: QuerySet[Any], change: Callable[[QuerySet[Any]], object], size: int = BATCH
) -> None:
    """Change many rows, some at a time; a changed row must not be ``to_do`` any more.

    A row that somebody holds is left for later: who waits for nobody is in no deadlock.
    """
    while to_do.exists():
        last: int | None = 0
        while last is not None:
            last = _one_batch(to_do.filter(pk__gt=last).order_by("pk"), change, size)
            time.sleep(PAUSE)


def _one_batch(
    to_do: QuerySet[Any], change: Callable[[QuerySet[Any]], object], size: int
) -> int | None:
    """The last key of the batch; None after the last batch."""
    with transaction.atomic(to_do.db):
        free = to_do.select_for_update(skip_locked=True)
        keys = list(free.values_list("pk", flat=True)[:size])
        if keys:
            change(to_do.model._default_manager.using(to_do.db).filter(pk__in=keys))
    return keys[-1] if keys else None


def _on_postgres(schema_editor: Editor) -> bool:
    return schema_editor.connection.vendor == "postgresql"


def _waiting_for_everybody(schema_editor: Editor, statement: str) -> None:
    """It waits for every older transaction, and nobody for it: it may take as long as it takes."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = cursor.fetchone()[0]
        cursor.execute("SET lock_timeout = 0")
        schema_editor.execute(statement, params=None)
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [before])
