"""How often is too often: previews, files, imports, refused webhooks (ASVS 2.4.1, 15.2.2)."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from arfollow.staff.counting import wait_for
from arfollow.staff.models import RateCount
from arfollow.staff.rates import DONE, SHOWN, caller
from dunning.models import DeliveryEvent
from tests.pages.conftest import member
from tests.pages.test_access_matrix import TABLE
from tests.repo.test_settings import PRODUCTION, setting

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EXPORT = "/customers/?export=csv"
SECRET = "hook:secret"
urlpatterns = [path("anymail/", include("anymail.urls"))]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def few(settings: Any) -> None:
    settings.RATES_PER_MINUTE = {"preview": 4, "export": 3, "import": 2, "webhook": 3}


@pytest.fixture
def ruth(client: Client, few: None, clock: time_machine.Traveller) -> Client:
    client.force_login(member("manager"))
    return client


def statuses(ask: Callable[[], Any], times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def test_the_rates_leave_room_for_quick_people() -> None:
    rates = setting("RATES_PER_MINUTE", **PRODUCTION)
    assert rates == {"preview": 240, "export": 30, "import": 10, "webhook": 60}


def test_what_is_too_much_is_said_with_the_time_to_wait(
    ruth: Client, clock: time_machine.Traveller
) -> None:
    assert statuses(lambda: ruth.get(EXPORT), 4) == [200, 200, 200, 429]
    clock.shift(20 * SECOND)
    refused = ruth.get(EXPORT)
    assert refused.headers["Retry-After"] == "40"
    assert "very many files" in refused.content.decode()
    assert "40 seconds" in refused.content.decode()
    clock.shift(40 * SECOND)
    assert ruth.get(EXPORT).status_code == 200


def test_each_account_and_each_thing_has_its_own_count(ruth: Client) -> None:
    statuses(lambda: ruth.get(EXPORT), 4)
    assert ruth.get("/customers/").status_code == 200
    assert ruth.get("/policies/preview/").status_code != 429
    other = Client()
    other.force_login(member("collector"))
    assert other.get(EXPORT).status_code == 200


def test_previews_and_imports_have_a_rate_too(ruth: Client) -> None:
    assert statuses(lambda: ruth.get("/policies/preview/"), 5)[3:] == [200, 429]
    assert statuses(lambda: ruth.post("/imports/upload/", {}), 3) == [422, 422, 429]
    assert ruth.get("/imports/upload/").status_code == 200, "looking at the form is free"


def test_a_program_gets_json_and_a_frame_what_it_may_show(ruth: Client) -> None:
    statuses(lambda: ruth.get(EXPORT), 3)
    program = ruth.get(EXPORT, headers={"Accept": "application/json"})
    assert (program.status_code, program.json()["retry_after"]) == (429, 60)
    frame = ruth.get(EXPORT, headers={"Sec-Fetch-Dest": "iframe"})
    assert frame.status_code == 429
    assert "frame-ancestors 'self'" in frame.headers["Content-Security-Policy"]


def test_every_address_that_is_counted_is_one_of_ours() -> None:
    assert set(SHOWN) | set(DONE) <= set(TABLE)


def test_a_use_is_one_statement(few: None) -> None:
    wait_for("x", "export", most=9, now=NOON)
    with CaptureQueriesContext(connection) as asked:
        wait_for("x", "export", most=9, now=NOON)
    assert len(asked) == 1
    assert RateCount.objects.get().count == 2


def test_a_clock_set_back_closes_nobody_out(db: None) -> None:
    for _ in range(3):
        wait_for("x", "export", most=2, now=NOON)
    assert wait_for("x", "export", most=2, now=NOON - timedelta(hours=2)) == 0


def test_old_counts_are_forgotten(db: None) -> None:
    wait_for("caller 192.0.2.1", "webhook", most=2, now=NOON)
    wait_for("caller 192.0.2.2", "webhook", most=2, now=NOON + timedelta(days=2))
    assert [each.who for each in RateCount.objects.all()] == ["caller 192.0.2.2"]


@pytest.mark.django_db(transaction=True)
def test_many_at_the_same_instant_are_counted_each() -> None:
    def use(_: int) -> bool:
        try:
            return wait_for("x", "export", most=10, now=NOON) == 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(use, range(40))) == 10


@pytest.fixture
def call(settings: Any, few: None, clock: time_machine.Traveller) -> Callable[..., Any]:
    settings.ANYMAIL = settings.ANYMAIL | {"WEBHOOK_SECRET": [SECRET]}
    settings.ROOT_URLCONF = __name__

    def post(secret: str, number: int = 0, ip: str = "192.0.2.1") -> Any:
        event = {"RecordType": "Delivery", "MessageID": f"pm-{number}", "Recipient": "a@b.example"}
        return Client(REMOTE_ADDR=ip).post(
            "/anymail/postmark/tracking/", json.dumps(event), "application/json",
            headers={"authorization": f"Basic {b64encode(secret.encode()).decode()}"},
        )  # fmt: skip

    return post


def test_calls_without_the_secret_are_slowed_down(call: Callable[..., Any]) -> None:
    assert statuses(lambda: call("hook:guess"), 4) == [400, 400, 400, 429]
    assert call("hook:guess").headers["Retry-After"] == "60"
    assert call("hook:guess", ip="192.0.2.9").status_code == 400


def test_no_event_is_lost_by_it_however_many_come(call: Callable[..., Any]) -> None:
    """A provider behind the same address, or with a storm of repeats, gets through."""
    statuses(lambda: call("hook:guess"), 5)
    assert {call(SECRET, number).status_code for number in range(20)} == {200}
    assert DeliveryEvent.objects.count() == 20


@pytest.mark.parametrize(
    ("ip", "counted"), [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64")]
)
def test_one_house_is_one_caller(ip: str, counted: str) -> None:
    assert caller(RequestFactory().get("/", REMOTE_ADDR=ip)) == counted
