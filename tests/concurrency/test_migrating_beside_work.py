"""A migration that has to wait does not let everybody wait behind it (F-71)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands import migrate as django_migrate
from django.db import connection, transaction

from arfollow.shared.management.commands import migrate
from invoices.models import Invoice

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
DUMP, A_MOMENT = 1.5, 0.5  # seconds


@pytest.fixture(autouse=True)
def a_migration_that_needs_the_invoices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(self: object, *args: Any, **options: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE invoices_invoice IN ACCESS EXCLUSIVE MODE")

    monkeypatch.setattr(django_migrate.Command, "handle", handle)
    monkeypatch.setattr(migrate, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr(migrate, "PAUSE", 0.2)


def in_a_thread(act: Any) -> Thread:
    def work() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = Thread(target=work)
    thread.start()
    return thread


@contextmanager
def dumped(seconds: float) -> Iterator[None]:
    """Somebody reads the invoices in one long transaction, as a backup does."""
    begun, finished = Event(), Event()

    def dump() -> None:
        with transaction.atomic():
            Invoice.objects.count()
            begun.set()
            finished.wait(seconds)

    thread = in_a_thread(dump)
    begun.wait(10)
    yield
    finished.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_who_comes_after_the_migration_does_not_wait_for_the_backup_before_it(capsys) -> None:
    waits: list[float] = []

    def read() -> None:
        for _ in range(10):
            began = time.monotonic()
            Invoice.objects.count()
            waits.append(time.monotonic() - began)
            time.sleep(0.05)

    with dumped(DUMP):
        reader = in_a_thread(read)
        call_command("migrate")
        reader.join()
    assert "Somebody is using the table" in capsys.readouterr().out
    assert max(waits) < A_MOMENT


def test_it_gives_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "PATIENCE", 0)
    with dumped(10), pytest.raises(CommandError, match="Nothing is half done"):
        call_command("migrate")


def test_afterwards_the_session_waits_as_it_did_before() -> None:
    call_command("migrate")
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)
