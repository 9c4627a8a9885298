"""The tests stand on their own: own database, own files, no network (L30)."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from pytest_socket import SocketConnectBlockedError

from tests.conftest import refuse_foreign_database
from tests.environment import RUN_DIR


@pytest.mark.django_db
def test_l30_the_database_in_use_is_a_test_database() -> None:
    name = Path(str(connection.settings_dict["NAME"])).name
    assert name.startswith("test")


@pytest.mark.parametrize("name", ["arfollow", "var/arfollow.sqlite3", "postgres", "latest"])
def test_l30_a_database_not_made_for_tests_ends_the_run(name: str) -> None:
    with pytest.raises(pytest.exit.Exception):
        refuse_foreign_database(name)


@pytest.mark.parametrize("name", ["test_arfollow", "/anywhere/test.sqlite3", "test_postgres_gw1"])
def test_a_database_made_for_tests_is_accepted(name: str) -> None:
    refuse_foreign_database(name)


def test_l30_the_database_of_the_surroundings_is_ignored() -> None:
    """Whatever DATABASE_URL says outside, the run replaces it before Django reads it."""
    asked = "import os, tests.environment; print(os.environ['DATABASE_URL'])"
    result = subprocess.run(
        [sys.executable, "-c", asked],
        env={"DATABASE_URL": "sqlite:///precious.sqlite3", "PATH": "/usr/bin:/bin"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "precious" not in result.stdout
    assert "arfollow-test-" in result.stdout


def test_files_of_the_tests_stay_out_of_the_project() -> None:
    for place in (settings.VAR_DIR, settings.MEDIA_ROOT, settings.MAIL_DIR):
        assert settings.BASE_DIR not in Path(place).parents
    assert RUN_DIR in settings.VAR_DIR.parents


@pytest.mark.filterwarnings("ignore:A test tried to use socket")  # it says so twice
def test_no_test_reaches_beyond_this_machine() -> None:
    with pytest.raises(SocketConnectBlockedError), socket.socket() as line:
        line.connect(("192.0.2.1", 80))


@pytest.mark.django_db
def test_the_cache_table_comes_with_the_migrations() -> None:
    cache.set("something", "kept")
    assert cache.get("something") == "kept"
