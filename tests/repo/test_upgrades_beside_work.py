"""No migration breaks or blocks processes that still run the version from before (F-71).

What `bin/faults upgrade` proves holds for migrations of this kind only. Each of these is one:

- A new column may be empty or has a default of the database: the version from before does not
  fill it.
- Nothing goes or is renamed while somebody reads it. One release forgets it
  (``SeparateDatabaseAndState``), the next takes it out of the database.
- A migration of a table that grows with the business does one thing: the table is locked from its
  first statement on, also while Django works out the second.
- Indexes and checks of such a table are made beside the work (`arfollow.shared.upgrading`), in a
  migration that is not atomic.

A column that may be empty no more, or changes its type, is for the reader of the diff.
"""

from collections.abc import Iterator

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from arfollow.shared.upgrading import AddCheckBesideWork, AddIndexBesideWork
from tests.faults.harness.newer import NEWER, NUMBER

OURS = ("shared", "staff", "customers", "invoices", "dunning")
# The last ones that were made for installations that stop everything.
BEFORE = {"shared": 3, "staff": 4, "customers": 3, "invoices": 3, "dunning": 12}
LONG = {
    "event", "eventdata", "customer", "contact", "invoice", "payment", "allocation",
    "contactattempt", "attemptitem", "attemptrecipient", "frozenmessage", "document", "followup",
    "importrow",
}  # fmt: skip
GOES = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)
BESIDE = (AddIndexBesideWork, AddCheckBesideWork)


def troubles(operations: list[Operation], *, atomic: bool) -> Iterator[str]:
    """What a process of the version from before would meet."""
    made = {op.name.lower() for op in operations if isinstance(op, migrations.CreateModel)}
    done = [op for each in operations for op in _in_the_database(each)]
    if len(done) > 1 and any(_table(op) in LONG - made for op in done):
        yield "a long table is locked while there is more to do"
    if atomic and any(isinstance(op, BESIDE) for op in done):
        yield "needs a migration with atomic = False"
    for op in done:
        if _table(op) not in made:
            yield from _trouble(op)


def _table(op: Operation) -> str:
    return str(getattr(op, "model_name", "")).lower()


def _in_the_database(op: Operation) -> list[Operation]:
    alone = isinstance(op, migrations.SeparateDatabaseAndState)
    return list(op.database_operations) if alone else [op]


def _trouble(op: Operation) -> Iterator[str]:
    if isinstance(op, GOES):
        yield f"{op.describe()}: somebody may read it still"
    if isinstance(op, migrations.AddField) and not _fills_itself(op.field):
        yield f"{op.describe()}: nobody fills it but the new version"
    plain = isinstance(op, migrations.AddIndex | migrations.AddConstraint)
    if plain and not isinstance(op, BESIDE) and _table(op) in LONG:
        yield f"{op.describe()}: writers wait; see arfollow.shared.upgrading"


def _fills_itself(field: models.Field) -> bool:
    return field.null or field.many_to_many or field.has_db_default()


def of_release() -> dict[str, migrations.Migration]:
    """Those that came after the ones from before, by name."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    found = {key: each for key, each in loader.disk_migrations.items() if key[0] in OURS}
    return {
        f"{app} {name}": each
        for (app, name), each in found.items()
        if name.startswith("newer") or int(name[:4]) > BEFORE[app]
    }


def test_every_migration_lets_the_version_from_before_work_on(settings) -> None:
    settings.MIGRATION_MODULES = NEWER  # the ones of the fault must be of the kind it proves
    found = of_release()
    assert len(found) >= NUMBER
    said = {name: list(troubles(m.operations, atomic=m.atomic)) for name, m in found.items()}
    assert {name: words for name, words in said.items() if words} == {}


index = models.Index(fields=["rank"], name="by_rank")
check = models.CheckConstraint(condition=models.Q(rank__gt=0), name="some_rank")


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("run", "rank", models.IntegerField(default=0)),
        migrations.RemoveField("run", "slot"),
        migrations.RenameField("run", "slot", "minute"),
        migrations.DeleteModel("Run"),
        migrations.AddIndex("invoice", index),
        migrations.AddConstraint("contactattempt", check),
        migrations.SeparateDatabaseAndState([migrations.RemoveField("run", "slot")]),
        AddIndexBesideWork("invoice", index),
    ],
    ids=lambda op: type(op).__name__,
)
def test_what_would_disturb_it_is_seen(operation: Operation) -> None:
    assert list(troubles([operation], atomic=True))


def test_two_changes_of_a_long_table_are_two_migrations() -> None:
    new = [migrations.AddField("invoice", name, models.TextField(null=True)) for name in "ab"]
    assert list(troubles(new, atomic=True))
    assert [list(troubles([each], atomic=True)) for each in new] == [[], []]


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("run", "rank", models.IntegerField(null=True)),
        migrations.AddField("run", "rank", models.IntegerField(db_default=0)),
        migrations.AddIndex("run", index),
        migrations.SeparateDatabaseAndState([], [migrations.RemoveField("run", "slot")]),
    ],
    ids=["empty", "default", "short table", "forgotten only"],
)
def test_what_disturbs_nobody_may_be(operation: Operation) -> None:
    assert list(troubles([operation], atomic=True)) == []
