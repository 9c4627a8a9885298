"""/metrics tells what an operator is woken by, from rows, to nobody without a right to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from arfollow.shared import clock
from arfollow.staff.models import Role
from dunning.dispatch import circuit
from dunning.models import ContactAttempt, Heartbeat, SendSwitch, Task
from tests import make

pytestmark = pytest.mark.django_db
TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def attempt(state: str, **fields: Any) -> ContactAttempt:
    customer = make.customer()
    return ContactAttempt.objects.create(
        customer=customer,
        channel="email",
        tone="friendly",
        state=state,
        planned_on=clock.today(),
        local_date=clock.today(),
        dedupe_key=customer.number,
        **fields,
    )


def figures(client: Client, token: str = TOKEN) -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    lines = answer.content.decode().splitlines()
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
        for line in lines
        if not line.startswith("#")
    }


def test_nobody_reads_it_without_the_token(client: Client) -> None:
    assert client.get("/metrics").status_code == 403
    wrong = client.get("/metrics", headers={"Authorization": "Bearer 0123456789abcdeX"})
    assert wrong.status_code == 403


def test_an_empty_token_opens_nothing(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 200), (Role.COLLECTOR, 403)])
def test_an_admin_reads_it_by_log_in(client: Client, role: str, status: int) -> None:
    client.force_login(make.user(role))
    assert client.get("/metrics").status_code == status


def test_waiting_messages_are_counted_by_state_and_channel(client: Client) -> None:
    attempt(state="planned")
    attempt(state="planned")
    attempt(state="unknown")
    found = figures(client)
    assert found['arfollow_attempts_open{channel="email",state="planned"}'] == 2
    assert found['arfollow_attempts_open{channel="email",state="unknown"}'] == 1


def test_held_messages_are_counted_by_what_holds_them(client: Client) -> None:
    attempt(state="held", held_for="storm")
    attempt(state="held", held_for="stale")
    found = figures(client)
    assert found['arfollow_attempts_held{cause="storm"}'] == 1
    assert found['arfollow_attempts_held{cause="stale"}'] == 1


def test_a_message_that_should_have_left_shows_its_age(client: Client) -> None:
    assert figures(client)["arfollow_oldest_due_seconds"] == 0
    attempt(state="planned", due_at=clock.now() - timedelta(hours=1))
    assert 3600 <= figures(client)["arfollow_oldest_due_seconds"] < 3700


def test_a_message_whose_slot_is_to_come_is_not_late(client: Client) -> None:
    attempt(state="planned", due_at=clock.now() + timedelta(hours=1))
    assert figures(client)["arfollow_oldest_due_seconds"] == 0


def test_a_silent_sender_is_seen_by_its_heartbeat(client: Client) -> None:
    Heartbeat.objects.create(name="sender", at=clock.now() - timedelta(minutes=10))
    assert figures(client)['arfollow_heartbeat_age_seconds{name="sender"}'] >= 600


def test_brakes_and_tasks_are_counted(client: Client) -> None:
    SendSwitch.objects.create(scope="channel", target="email", reason="provider trouble")
    make.company(paused=True)
    today = clock.today()
    Task.objects.create(kind="find_number", title="Find it", due_on=today, dedupe_key="x")
    found = figures(client)
    assert found['arfollow_brakes_on{scope="channel"}'] == 1
    assert found['arfollow_brakes_on{scope="company_pause"}'] == 1
    assert found['arfollow_tasks_open{kind="find_number"}'] == 1


def test_an_open_circuit_and_what_became_of_messages_are_told(client: Client) -> None:
    now = clock.now()
    assert figures(client)['arfollow_circuit_open_seconds{provider="locmem"}'] == 0
    circuit.note_trouble(now - timedelta(minutes=5), timedelta(minutes=1))
    attempt(state="unknown", sending_at=now - timedelta(hours=2))
    for status in ("delivered", "bounced", ""):
        attempt(state="sent", sent_at=now, done_on=now.date(), message_id=f"<{status}@x>",
                provider_status=status)  # fmt: skip
    found = figures(client)
    assert found['arfollow_circuit_open_seconds{provider="locmem"}'] >= 300
    assert found["arfollow_oldest_unknown_seconds"] >= 7200
    for reported in ("delivered", "bounced", "nothing"):
        name = f'arfollow_attempts_sent_recently{{channel="email",reported="{reported}"}}'
        assert found[name] == 1


def test_it_names_no_customer_and_no_address(client: Client) -> None:
    attempt(state="unknown")
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert b"@" not in answer.content


def test_it_costs_the_same_few_queries_however_much_waits(
    client: Client, django_assert_num_queries: Any
) -> None:
    make.company()
    for _ in range(5):
        attempt(state="planned")
    with django_assert_num_queries(13):
        figures(client)
