"""The outbox on the screen: what leaves next and when, and what to do where it went wrong."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from arfollow.shared import clock
from dunning.models import AttemptState, ContactAttempt, Task, TaskKind
from dunning.views.slots import in_words
from tests import make, outbox
from tests.outbox import MORNING, SLOT
from tests.pages.conftest import PageAs, member

# Both databases answer these addresses in the access matrix: once is enough here.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def _in_the_morning() -> Iterator[None]:
    with time_machine.travel(MORNING):
        yield


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("manager"))
    return client


def reminder(number: str, **fields: Any) -> ContactAttempt:
    customer = make.customer(number)
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(10)), **fields)


def gone_wrong(attempt: ContactAttempt, kind: str) -> None:
    """A row as the machine leaves it; the moves themselves have their own tests."""
    fields = {
        "failed": {"state": "failed", "live": False, "reason": "refused_content",
                   "reason_text": "The message was refused.", "due_at": None},
        "bounced": {"state": "sent", "live": False, "provider_status": "bounced",
                    "sent_at": clock.now(), "done_on": attempt.local_date, "message_id": "<m>"},
        "unknown": {"state": "unknown", "error": "silence after the text", "message_id": "<m>"},
    }[kind]  # fmt: skip
    ContactAttempt.objects.filter(pk=attempt.pk).update(created_at=clock.now(), **fields)
    if not fields.get("live", True):
        attempt.items.update(live=False)


@pytest.mark.usefixtures("_in_the_morning")
def test_messages_stand_under_the_moment_they_leave_with_the_time_until_then(desk: Client) -> None:
    outbox.company()
    for number in range(3):
        reminder(f"C-{number}")
    text = desk.get("/outbox/").content.decode()
    assert "3 messages" in text
    assert text.count('class="slot"') == 1
    assert "in 4 h 0 min" in text


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=3), "in 3 days"),
        (timedelta(hours=3, minutes=20), "in 3 h 20 min"),
        (timedelta(minutes=5), "in 5 min"),
        (timedelta(), "now"),
        (-timedelta(hours=1), "now"),
    ],
)
def test_the_time_until_a_slot_is_plain_words(ahead: timedelta, words: str) -> None:
    assert in_words(SLOT + ahead, SLOT) == words


@pytest.mark.usefixtures("_in_the_morning")
def test_a_slot_counts_also_what_stands_on_the_next_page(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dunning.views.outbox.Outbox.per_page", 2)
    outbox.company()
    for number in range(5):
        reminder(f"C-{number}")
    assert "5 messages</span>" in desk.get("/outbox/").content.decode()


ACTIONS = {
    "unknown": {"It arrived", "Send again", "Drop it"},
    "failed": {"Send again", "Call instead"},
    "bounced": {"Correct the address", "Send again", "Call instead"},
}


@pytest.mark.usefixtures("_in_the_morning")
@pytest.mark.parametrize("kind", ACTIONS)
def test_each_problem_has_the_actions_that_fit_it(desk: Client, kind: str) -> None:
    outbox.company()
    gone_wrong(reminder("C-1"), kind)
    text = desk.get("/outbox/?show=problems").content.decode()
    every = {words for group in ACTIONS.values() for words in group}
    assert {words for words in every if f">{words}<" in text} == ACTIONS[kind]


@pytest.mark.usefixtures("_in_the_morning")
def test_who_only_reads_sees_problems_without_buttons(client: Client) -> None:
    outbox.company()
    gone_wrong(reminder("C-1"), "bounced")
    client.force_login(member("read_only"))
    text = client.get("/outbox/?show=problems").content.decode()
    assert "C-1" in text
    assert "Call instead" not in text


@pytest.mark.usefixtures("_in_the_morning")
@pytest.mark.parametrize("show", ["next", "problems", "held", "approval", "done"])
def test_the_number_of_queries_does_not_grow_with_the_rows(desk: Client, show: str) -> None:
    outbox.company()
    kinds = ("failed", "bounced", "unknown")
    desk.get("/profile/")  # the first click of a session puts it on its owner's list
    counts = []
    for start in (0, 10):
        for number in range(start, start + 6):
            attempt = reminder(f"C-{number}")
            if show == "problems":
                gone_wrong(attempt, kinds[number % 3])
        with CaptureQueriesContext(connection) as queries:
            desk.get(f"/outbox/?show={show}")
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("_in_the_morning")
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_outbox_is_exported_as_it_is_filtered(desk: Client, kind: str) -> None:
    outbox.company()
    reminder("C-1")
    reminder("C-2")
    answer = desk.get(f"/outbox/?q=C-2&export={kind}")
    raw = b"".join(answer.streaming_content)
    assert 'filename="outbox.' in answer["Content-Disposition"]
    if kind == "csv":
        lines = raw.decode("utf-8-sig").splitlines()
        assert len(lines) == 2
        assert "C-2" in lines[1]
        assert "Friendly" in lines[1]


@pytest.mark.usefixtures("_in_the_morning")
def test_what_is_counted_is_found_by_an_index() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the plan's words are SQLite's")
    sql, params = outbox_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "attempt_by_report" in plan


def outbox_sql() -> tuple[str, Any]:
    rows = ContactAttempt.objects.filter(
        provider_status__in=["bounced", "complained", "rejected"], created_at__gte=SLOT
    )
    return rows.order_by().values("pk").query.sql_with_params()


# --- in a browser ---------------------------------------------------------------------------


@pytest.fixture
def ledger(transactional_db: None) -> dict[str, ContactAttempt]:
    outbox.company()
    now = clock.now()
    today = now.date()
    made = {}
    for number, kind in enumerate(("waits", "failed", "bounced", "unknown")):
        customer = make.customer(f"C-{number}", f"{kind.title()} Ltd")
        invoice = make.invoice(customer, "400.00", today - timedelta(days=10))
        made[kind] = outbox.queued(customer, invoice, planned_on=today, now=now)
        if kind != "waits":
            gone_wrong(made[kind], kind)
    return made


@pytest.mark.browser
def test_somebody_walks_the_outbox(
    ledger: dict[str, ContactAttempt], page_as: PageAs, axe_check: Callable[[Any], None]
) -> None:
    page = page_as("manager")
    page.goto("/outbox/")
    countdown = page.locator(".next-slot [data-countdown]")
    assert countdown.inner_text().startswith("in ")
    page.get_by_role("link", name="Look at the message to Waits Ltd").click()
    page.frame_locator("iframe").get_by_text("400.00").first.wait_for()
    page.goto("/outbox/?show=problems")
    axe_check(page)
    page.get_by_role("button", name="It arrived for Unknown Ltd").click()
    page.get_by_text("It counts as arrived.").wait_for()
    page.get_by_role("button", name="Call instead for Failed Ltd").click()
    page.get_by_text("A call to Failed Ltd is on the list.").wait_for()
    page.get_by_role("link", name="Correct the address for Bounced Ltd").click()
    page.get_by_label("E-mail address").fill("right@example.test")
    page.get_by_role("button", name="Save the contact").click()
    page.get_by_role("button", name="Send again for Bounced Ltd").click()
    page.get_by_text("leaves again within a minute").wait_for()
    page.get_by_text("No problems").wait_for()
    assert outbox.state(ledger["unknown"]) == AttemptState.SENT
    assert Task.objects.filter(kind=TaskKind.CALL_BACK, attempt=ledger["failed"]).exists()
    again = ContactAttempt.objects.get(reason="sent_again")
    assert [to.address for to in again.recipients.all()] == ["right@example.test"]
    page.goto("/outbox/")
    page.get_by_role("link", name="Stop the message to Waits Ltd").click()
    page.get_by_label("Why").fill("They just called")
    page.get_by_role("button", name="Cancel it").click()
    page.get_by_text("is cancelled").wait_for()
    assert outbox.state(ledger["waits"]) == AttemptState.CANCELLED


@pytest.mark.browser
def test_the_outbox_can_be_used_by_everybody(
    ledger: dict[str, ContactAttempt], look_at: Callable[..., None]
) -> None:
    for path in ("/outbox/", "/outbox/?show=problems", "/settings/sending/"):
        look_at(path, "manager")
    look_at(f"/outbox/{ledger['bounced'].pk}/", "manager")


@pytest.mark.browser
def test_without_a_script_the_time_until_a_slot_is_there_too(
    ledger: dict[str, ContactAttempt], page_as: PageAs
) -> None:
    page = page_as("collector", script=False)
    page.goto("/outbox/")
    assert page.locator(".next-slot time").inner_text().startswith("in ")
    page.goto("/outbox/?show=problems")
    page.get_by_role("button", name="Call instead for Bounced Ltd").click()
    page.get_by_text("A call to Bounced Ltd is on the list.").wait_for()
