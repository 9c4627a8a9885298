"""The queue's settings are pinned: each was chosen because another value loses or doubles work."""

import pytest
from django.conf import settings

from arfollow.celery import app
from dunning import tasks
from tests.repo.test_settings import setting

REDIS = {"CELERY_BROKER_URL": "redis://:password@127.0.0.1:6379/0"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accept_content", ["json"]),
        ("task_serializer", "json"),
        ("task_ignore_result", True),
        ("result_backend", None),
        ("task_acks_late", False),
        ("task_soft_time_limit", 40),
        ("task_time_limit", 60),
        ("worker_prefetch_multiplier", 1),
        ("worker_max_tasks_per_child", 200),
        ("worker_max_memory_per_child", 300_000),
        ("worker_cancel_long_running_tasks_on_connection_loss", True),
        ("worker_soft_shutdown_timeout", 25),
        ("worker_enable_soft_shutdown_on_idle", True),
    ],
)
def test_the_worker_is_configured_as_decided(name: str, value: object) -> None:
    assert app.conf[name] == value


def test_no_message_waits_for_an_acknowledgement() -> None:
    """While Redis hangs one would time out and keep its place of the prefetch for good: the
    worker is deaf when Redis answers again (F-12, found by a hang of sixty seconds)."""
    queues = app.amqp.queues
    assert {name: queue.no_ack for name, queue in queues.items()} == {"celery": True}
    assert app.conf.task_default_queue == "celery"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("visibility_timeout", 600),
        ("socket_timeout", 5),
        ("socket_connect_timeout", 2),
        ("retry_on_timeout", False),
        ("health_check_interval", 25),
        ("unacked_restore_interval", 10),
        ("unacked_restore_throttle", 1),
    ],
)
def test_redis_never_hangs_a_process_and_gives_messages_back_soon(name: str, value: object) -> None:
    assert setting("CELERY_BROKER_TRANSPORT_OPTIONS", **REDIS)[name] == value  # type: ignore[index]


def test_the_visibility_timeout_is_the_same_in_all_three_places() -> None:
    """With a shared broker the shortest would win."""
    seen = {
        setting("CELERY_BROKER_TRANSPORT_OPTIONS", **REDIS)["visibility_timeout"],  # type: ignore[index]
        setting("CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS", **REDIS)["visibility_timeout"],  # type: ignore[index]
        setting("CELERY_VISIBILITY_TIMEOUT", **REDIS),
    }
    assert seen == {600}


def test_leases_outlast_the_longest_task_and_the_longest_hand_over() -> None:
    longest = settings.CELERY_TASK_TIME_LIMIT + settings.SEND_DEADLINE_SECONDS
    assert longest < settings.SEND_LEASE_SECONDS


def test_beat_wakes_planner_sender_and_sweeper_each_minute() -> None:
    schedule = settings.CELERY_BEAT_SCHEDULE
    assert {entry["task"] for entry in schedule.values()} >= {
        "dunning.tasks.plan_due",
        "dunning.tasks.morning",
        "dunning.tasks.send_some",
        "dunning.tasks.sweep",
    }
    assert setting("TICK_SECONDS") == 60
    assert all(entry["schedule"] <= 60 for entry in schedule.values())


def test_everything_beat_asks_for_exists() -> None:
    asked = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks.__name__ in {name.rpartition(".")[0] for name in asked}
    assert asked <= set(app.tasks)


def test_a_tick_that_nobody_took_expires_before_the_next() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["options"]["expires"] <= entry["schedule"]
