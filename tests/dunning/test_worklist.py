"""The worklist: everything a person has to do, once, the most pressing first."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from arfollow.staff.models import User
from dunning import worklist
from dunning.models import ContactAttempt, Promise, Task
from dunning.worklist import Scope
from tests import make
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call, ring

pytestmark = pytest.mark.django_db
END_OF_DAY = datetime(2026, 3, 3, tzinfo=UTC)


def scope(owner: User | None = None, **fields: Any) -> Scope:
    return Scope(today=MONDAY, until=END_OF_DAY, owner=owner, approver=True, **fields)


def kinds(**fields: Any) -> list[str]:
    return [row.kind for row in worklist.page(scope(**fields)).rows]


def attempt(line: Line, state: str, channel: str = "email", **fields: Any) -> ContactAttempt:
    made = planned_call(line, channel=channel, automatic=False)
    made.items.update(step_key=uuid.uuid4().hex[:12])
    ContactAttempt.objects.filter(pk=made.pk).update(state=state, **fields)
    return made


def task(line: Line, kind: str = "decide", **fields: Any) -> Task:
    values = {"title": "Decide", "due_on": MONDAY, "dedupe_key": uuid.uuid4().hex} | fields
    return Task.objects.create(customer=line.customer, kind=kind, **values)


def everything(line: Line) -> None:
    """One of each kind of work, made in another order than it is shown."""
    task(line)
    attempt(line, "planned", "letter", tone="final")
    attempt(line, "planned", "call")
    attempt(line, "held", "letter", held_for="approval", tone="final")
    line.customer.inbound.create(received_at=MORNING, subject="Our records differ")
    attempt(line, "unknown")
    task(line, "call_back", title="Call Pat back as agreed")
    attempt(line, "planned", "call", kind="promise_follow_up")
    attempt(line, "held", held_for="address")
    dispute = make.dispute(line.newer, "10.00", on=MONDAY)
    dispute.target_date = MONDAY
    dispute.save()


SHOWN = [
    "unknown",
    "reply",
    "approval",
    "agreed",
    "broken",
    "call",
    "letter",
    "no_address",
    "dispute",
    "task",
]


def test_the_most_pressing_work_comes_first() -> None:
    everything(ring())
    assert kinds() == SHOWN


def test_every_row_says_what_to_do_and_where() -> None:
    everything(ring())
    for row in worklist.page(scope()).rows:
        assert row.label
        assert row.url_name
        assert row.customer is not None


def test_counts_per_tab_add_up_to_everything() -> None:
    everything(ring())
    found = worklist.counts(scope())
    assert found[""] == len(SHOWN) == sum(number for tab, number in found.items() if tab)
    assert found["calls"] == 3


def test_a_tab_shows_its_kind_only() -> None:
    everything(ring())
    assert kinds(kind="calls") == ["agreed", "broken", "call"]


def test_approvals_are_shown_to_approvers_only() -> None:
    attempt(ring(), "held", "letter", held_for="approval")
    own = Scope(today=MONDAY, until=END_OF_DAY)
    assert worklist.page(own).rows == []
    assert kinds() == ["approval"]


def test_my_list_has_my_customers_and_those_without_an_owner() -> None:
    mine, other = ring(), ring()
    nobodys = ring()
    nobodys.customer.owner = None
    nobodys.customer.save()
    for line in (mine, other, nobodys):
        task(line)
    shown = worklist.page(scope(mine.caller)).rows
    assert {row.customer for row in shown} == {mine.customer, nobodys.customer}


def test_a_task_given_to_me_is_mine_whoever_owns_the_customer() -> None:
    line, me = ring(), make.user()
    task(line, assigned_to=me)
    assert len(worklist.page(scope(me)).rows) == 1


def test_search_takes_a_name_or_a_number() -> None:
    line, other = ring(), ring()
    task(line)
    task(other)
    for text in (line.customer.name, line.customer.number):
        assert [row.customer for row in worklist.page(scope(text=text)).rows] == [line.customer]


def test_what_is_not_due_yet_is_not_shown() -> None:
    line = ring()
    attempt(line, "planned", "call", due_at=END_OF_DAY + timedelta(hours=9))
    task(line, due_on=MONDAY + timedelta(days=1))
    assert kinds() == []


def test_a_reply_or_an_unknown_delivery_is_not_listed_twice() -> None:
    line = ring()
    lost = attempt(line, "unknown")
    task(line, "check_delivery", attempt=lost)
    line.customer.inbound.create(received_at=MORNING)
    task(line, "read_reply")
    assert kinds() == ["unknown", "reply"]


def test_an_automatic_reply_is_no_work() -> None:
    ring().customer.inbound.create(received_at=MORNING, auto_reply=True)
    assert kinds() == []


def test_older_work_comes_before_newer_of_its_kind() -> None:
    line = ring()
    newer = task(line, due_on=MONDAY)
    older = task(line, due_on=MONDAY - timedelta(days=4))
    rows = worklist.page(scope()).rows
    assert [row.url_pk for row in rows] == [older.pk, newer.pk]
    assert [row.age for row in rows] == [4, 0]


def test_a_row_names_the_money_the_promise_and_the_last_contact() -> None:
    line = ring()
    made = attempt(line, "sent", done_on=MONDAY, message_id="<a@b>")
    Promise.objects.create(
        customer=line.customer, made_on=MONDAY, due_on=MONDAY, currency="USD", amount=Decimal(5)
    )
    task(line)
    row = worklist.page(scope()).rows[0]
    assert [(m.currency, m.overdue, m.count, m.oldest) for m in row.money] == [
        ("USD", Decimal(1000), 2, 40)
    ]
    assert row.last_contact == made
    assert row.promise is not None


def test_pages_lead_on_without_gap_or_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    line = ring()
    for number in range(7):
        task(line, due_on=MONDAY - timedelta(days=number % 3))
        attempt(line, "planned", "call")
    monkeypatch.setattr(worklist, "PER_PAGE", 4)
    seen: list[tuple[str, int, str]] = []
    after = ""
    for _ in range(4):
        page = worklist.page(scope(), after=worklist.read_place(after))
        seen += [(row.kind, row.url_pk, row.query) for row in page.rows]
        after = page.after
    assert after == ""
    assert len(seen) == len(set(seen)) == 14


def test_a_place_that_is_none_shows_the_first_page() -> None:
    for text in ("", "x", "1~2~3~4", "50~2026-03-02~call~x"):
        assert worklist.read_place(text) is None


def test_the_number_of_queries_does_not_grow() -> None:
    for _ in range(2):
        everything(ring())
    with CaptureQueriesContext(
        connection,
    ) as few:
        worklist.page(scope())
    for _ in range(4):
        everything(ring())
    with CaptureQueriesContext(connection) as many:
        worklist.page(scope())
    assert len(few) == len(many) <= 9
