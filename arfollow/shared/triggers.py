"""Database triggers that keep events append-only, on SQLite and PostgreSQL.

`event` refuses every UPDATE and DELETE; `event_data` refuses DELETE and every
UPDATE but its erasure (values set to null), so that erasing keeps the chain.
"""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_REFUSED = "events are append-only"

SQLITE_CREATE = (
    f"""CREATE TRIGGER event_no_update BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER event_no_delete BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER event_data_no_update BEFORE UPDATE ON event_data
        WHEN NEW."values" IS NOT NULL OR NEW.summary <> '' OR NEW.event_id <> OLD.event_id
        BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
    f"""CREATE TRIGGER event_data_no_delete BEFORE DELETE ON event_data
        BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END""",
)
SQLITE_DROP = (
    "DROP TRIGGER IF EXISTS event_no_update",
    "DROP TRIGGER IF EXISTS event_no_delete",
    "DROP TRIGGER IF EXISTS event_data_no_update",
    "DROP TRIGGER IF EXISTS event_data_no_delete",
)
POSTGRES_CREATE = (
    f"""CREATE OR REPLACE FUNCTION event_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$""",
    f"""CREATE OR REPLACE FUNCTION event_data_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
        IF NEW."values" IS NOT NULL OR NEW.summary <> '' OR NEW.event_id <> OLD.event_id THEN
            RAISE EXCEPTION '{_REFUSED}';
        END IF;
        RETURN NEW; END $$""",
    """CREATE TRIGGER event_no_change BEFORE UPDATE OR DELETE ON event
        FOR EACH ROW EXECUTE FUNCTION event_refuse()""",
    """CREATE TRIGGER event_data_no_update BEFORE UPDATE ON event_data
        FOR EACH ROW EXECUTE FUNCTION event_data_refuse()""",
    """CREATE TRIGGER event_data_no_delete BEFORE DELETE ON event_data
        FOR EACH ROW EXECUTE FUNCTION event_refuse()""",
)
POSTGRES_DROP = (
    "DROP TRIGGER IF EXISTS event_no_change ON event",
    "DROP TRIGGER IF EXISTS event_data_no_update ON event_data",
    "DROP TRIGGER IF EXISTS event_data_no_delete ON event_data",
)


def create(_apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Install the triggers (a migration's forward step)."""
    sqlite = schema_editor.connection.vendor == "sqlite"
    _run(schema_editor, SQLITE_CREATE if sqlite else POSTGRES_CREATE)


def drop(_apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Remove the triggers (a migration's backward step, and a test database's flush)."""
    sqlite = schema_editor.connection.vendor == "sqlite"
    _run(schema_editor, SQLITE_DROP if sqlite else POSTGRES_DROP)


def _run(schema_editor: BaseDatabaseSchemaEditor, statements: tuple[str, ...]) -> None:
    for statement in statements:
        schema_editor.execute(statement, params=None)
