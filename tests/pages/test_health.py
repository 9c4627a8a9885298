"""What a container or a load balancer is told."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from arfollow.shared import clock
from dunning.models import Heartbeat

pytestmark = pytest.mark.django_db


def sender_seen(*, minutes_ago: int) -> None:
    moment = clock.now() - timedelta(minutes=minutes_ago)
    Heartbeat.objects.update_or_create(name="sender", defaults={"at": moment})


def test_the_process_is_alive_without_a_log_in_and_without_the_database(client: Client) -> None:
    with patch("arfollow.health.connection.cursor", side_effect=OperationalError("gone")):
        answer = client.get("/livez")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_it_is_ready_when_everything_is_there(client: Client) -> None:
    sender_seen(minutes_ago=1)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body.values()) == {"ok"}
    assert set(body) == {"status", "database", "migrations", "broker", "sender"}


def test_it_is_not_ready_without_the_database_and_gives_nothing_away(client: Client) -> None:
    trouble = OperationalError("could not connect to db.internal with password hunter2")
    with patch("arfollow.health.connection.cursor", side_effect=trouble):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "OperationalError"
    assert b"hunter2" not in answer.content


def test_it_is_not_ready_while_migrations_are_pending(client: Client) -> None:
    with patch.object(MigrationExecutor, "migration_plan", return_value=[("dunning", "x")]):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "1 pending"


def test_without_its_broker_it_is_degraded_but_stays_in_service(client: Client) -> None:
    """The work is in the database; taking the web away would help nobody."""
    with patch("arfollow.health.Connection", side_effect=ConnectionRefusedError):
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["broker"] == "ConnectionRefusedError"


def test_a_sender_that_was_never_seen_or_fell_silent_degrades(client: Client) -> None:
    assert client.get("/readyz").json()["sender"] == "never seen"
    sender_seen(minutes_ago=3)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["sender"]) == (200, "silent")
    assert answer.json()["status"] == "degraded"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_no_answer_is_kept_by_a_cache_in_between(client: Client, path: str) -> None:
    assert "no-store" in client.get(path).headers["Cache-Control"]
