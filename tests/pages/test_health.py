"""What a container or a load balancer is told."""

import socket
import time
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from arfollow.shared import clock
from dunning.dispatch import circuit
from dunning.models import ContactAttempt, Heartbeat, Installation, Run
from tests import make

pytestmark = pytest.mark.django_db


def sender_seen(*, minutes_ago: int, name: str = "sender") -> None:
    moment = clock.now() - timedelta(minutes=minutes_ago)
    Heartbeat.objects.update_or_create(name=name, defaults={"at": moment})


def all_well() -> None:
    sender_seen(minutes_ago=1)
    sender_seen(minutes_ago=1, name="planner")
    sender_seen(minutes_ago=1, name="sweeper")


def test_the_process_is_alive_without_a_log_in_and_without_the_database(client: Client) -> None:
    with patch("arfollow.health.connection.cursor", side_effect=OperationalError("gone")):
        answer = client.get("/livez")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_it_is_ready_when_everything_is_there(client: Client) -> None:
    all_well()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body.values()) == {"ok"}
    assert set(body) == {"status", "database", "migrations", "broker", "beat", "sender", "sweeper",
                         "instance", "mail", "due", "last_run", "unknown"}  # fmt: skip


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


def test_a_broker_that_answers_nothing_keeps_the_probe_waiting_for_a_second(
    client: Client, settings: Any
) -> None:
    """Longer, and a container is taken out of service for want of a doorbell (F-12)."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 30}
        began = time.monotonic()
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["broker"] == "OperationalError"
    assert time.monotonic() - began < 10


def test_a_sender_that_was_never_seen_or_fell_silent_degrades(client: Client) -> None:
    assert client.get("/readyz").json()["sender"] == "never seen"
    sender_seen(minutes_ago=3)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["sender"]) == (200, "silent")
    assert answer.json()["status"] == "degraded"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_no_answer_is_kept_by_a_cache_in_between(client: Client, path: str) -> None:
    assert "no-store" in client.get(path).headers["Cache-Control"]


# --- what an operator is woken by --------------------------------------------------------------


def degraded(client: Client, name: str) -> str:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    return str(answer.json()[name])


def test_a_beat_that_ticks_no_more_is_seen_though_the_sender_works(client: Client) -> None:
    all_well()
    sender_seen(minutes_ago=6, name="planner")
    assert degraded(client, "beat") == "silent"


def test_a_sweeper_that_fell_silent_is_seen_though_the_others_work(client: Client) -> None:
    all_well()
    sender_seen(minutes_ago=6, name="sweeper")
    assert degraded(client, "sweeper") == "silent"


def test_a_database_of_another_installation_is_named_before_anybody_wonders(
    client: Client,
) -> None:
    """D9: a copy sends nothing; its operator is told why."""
    all_well()
    Installation.objects.update_or_create(pk=1, defaults={"instance_id": "another machine"})
    assert degraded(client, "instance") == "not ours"


def test_a_provider_that_takes_nothing_is_named(client: Client) -> None:
    all_well()
    circuit.note_trouble(clock.now(), timedelta(minutes=1), why="secret address")
    assert degraded(client, "mail") == f"{circuit.provider()} takes nothing"


def test_a_message_long_after_its_time_is_an_alarm(client: Client) -> None:
    all_well()
    waiting(due_at=clock.now() - timedelta(minutes=10))
    assert client.get("/readyz").json()["due"] == "ok"
    waiting(due_at=clock.now() - timedelta(minutes=20))
    assert degraded(client, "due") == "late"


def test_an_unknown_delivery_is_counted(client: Client) -> None:
    all_well()
    waiting(state="unknown")
    assert degraded(client, "unknown") == "1 to decide"


@pytest.mark.parametrize(
    ("status", "said"), [("ok", "ok"), ("warning", "ok"), ("failed", "failed")]
)
def test_a_failed_run_is_an_alarm(client: Client, status: str, said: str) -> None:
    all_well()
    now = clock.now()
    Run.objects.create(date=now.date(), status=status, started_at=now, finished_at=now)
    assert client.get("/readyz").json()["last_run"] == said


def waiting(state: str = "planned", **fields: Any) -> None:
    customer = make.customer()
    today = clock.today()
    ContactAttempt.objects.create(
        customer=customer, channel="email", tone="friendly", state=state, planned_on=today,
        local_date=today, dedupe_key=customer.number, **fields,
    )  # fmt: skip
