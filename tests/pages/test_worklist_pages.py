"""The worklist as a page: the address is the view; several rows are changed as previewed."""

import csv
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from openpyxl import load_workbook

from arfollow.shared.models import Event
from arfollow.staff.models import Absence, User
from customers.models import Customer
from dunning.models import ContactAttempt, Hold, SavedView, Task, TaskStatus
from dunning.outcomes import HoldInput, add_hold
from invoices.models import Invoice
from tests import make
from tests.dunning.calling import MONDAY, Line, planned_call, ring
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def _on_a_monday() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(member("manager"))
    return client


@pytest.fixture
def collector(client: Client) -> Client:
    client.force_login(member("collector"))
    return client


def task(line: Line, **fields: Any) -> Task:
    values = {"kind": "decide", "title": "Decide", "due_on": MONDAY, "dedupe_key": uuid.uuid4().hex}
    return Task.objects.create(customer=line.customer, **(values | fields))


def call(line: Line, **fields: Any) -> ContactAttempt:
    made = planned_call(line, automatic=False, **fields)
    made.items.update(step_key=uuid.uuid4().hex[:12])
    return made


def demand(line: Line) -> list[ContactAttempt]:
    """The two halves of a final demand that waits for approval."""
    made = [call(line, channel=channel, tone="final") for channel in ("email", "letter")]
    ids = [each.pk for each in made]
    ContactAttempt.objects.filter(pk__in=ids).update(state="held", held_for="approval")
    return made


def page(client: Client, query: str = "?who=all") -> str:
    answer = client.get(f"/worklist/{query}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\u00a0", " ").split())


def said(answer: Any) -> str:
    return " ".join(str(each) for each in get_messages(answer.wsgi_request))


# --- the address is the view ----------------------------------------------------------------


def test_the_row_says_in_words_why_it_stands_there(boss: Client) -> None:
    call(ring())
    assert "USD 1,000.00, 40 days late, never paid yet" in page(boss)


@pytest.mark.parametrize(
    "query",
    ["?who=x", "?least=much", "?days=-3", "?sort=password", "?when=never", "?kind=x", "?after=1~2"],
)
def test_an_address_that_cannot_be_read_still_shows_a_list(boss: Client, query: str) -> None:
    page(boss, query)


def test_the_next_page_keeps_the_filter(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dunning.worklist.PER_PAGE", 1)
    line = ring()
    task(line)
    task(line)
    found = page(boss, "?who=all&days=10&sort=age")
    assert "who=all&amp;days=10&amp;sort=age&amp;after=" in found


def test_what_is_later_is_a_link_away(collector: Client) -> None:
    me = User.objects.get(pk=collector.session["_auth_user_id"])
    User.objects.filter(pk=me.pk).update(calls_a_day=1)
    for _ in range(3):
        line = ring()
        Customer.objects.filter(pk=line.customer.pk).update(owner=me)
        call(line)
    found = page(collector, "")
    assert "Calls today: 1 of 1" in found
    assert "2 later" in found
    assert page(collector, "?when=later&kind=calls").count('<th scope="row">') == 2


def test_everybodys_list_counts_nobodys_calls(boss: Client) -> None:
    call(ring())
    assert "Calls today" not in page(boss)


def test_the_customers_of_an_absent_colleague_are_on_the_list_of_the_cover(
    collector: Client,
) -> None:
    me = User.objects.get(pk=collector.session["_auth_user_id"])
    line = ring()
    call(line)
    away = line.caller
    assert line.customer.name not in page(collector, "")
    Absence.objects.create(user=away, covered_by=me, starts_on=MONDAY, ends_on=MONDAY)
    found = page(collector, "")
    assert line.customer.name in found
    assert "Calls today: 1 of 40" in found


# --- exports --------------------------------------------------------------------------------


def test_the_export_holds_what_the_filter_shows(boss: Client) -> None:
    large, small = ring(), ring()
    Invoice.objects.filter(pk=small.newer.pk).delete()
    for line in (large, small):
        task(line)
    answer = boss.get("/worklist/?who=all&least=500&export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    lines = list(csv.DictReader(StringIO(text)))
    assert [row["Number"] for row in lines] == [large.customer.number]
    assert lines[0]["Overdue"] == "1000.00"
    assert lines[0]["To do"] == "Decide what comes next"


def test_an_exported_name_runs_no_formula(boss: Client) -> None:
    line = ring()
    Customer.objects.filter(pk=line.customer.pk).update(name="=HYPERLINK(1)")
    task(line)
    answer = boss.get("/worklist/?who=all&export=xlsx")
    sheet = load_workbook(BytesIO(b"".join(answer.streaming_content))).active  # type: ignore[attr-defined]
    assert sheet is not None
    assert sheet["A2"].value == "'=HYPERLINK(1)"
    assert sheet["G2"].value == 1000


def test_the_export_goes_beyond_the_page(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dunning.worklist.PER_PAGE", 2)
    monkeypatch.setattr("dunning.worklist.PER_PART", 2)
    line = ring()
    for _ in range(5):
        task(line)
    answer = boss.get("/worklist/?who=all&export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert len(list(csv.reader(StringIO(text)))) == 6


# --- several rows at once -------------------------------------------------------------------


def bulk(client: Client, action: str, *rows: str, **fields: Any) -> Any:
    data = {"action": action, "row": rows, "next": "/worklist/?who=all"} | fields
    return client.post("/worklist/bulk/", data)


def confirm(client: Client, action: str, *rows: str, **fields: Any) -> Any:
    """The preview, then its button."""
    shown = bulk(client, action, *rows, given="1", **fields)
    assert shown.status_code == 200
    return bulk(client, action, *rows, given="1", seen=shown.context["seen"], **fields)


def mark(row: Task | ContactAttempt, kind: str) -> str:
    return f"{kind}~{row.pk}"


def words(shown: Any, name: str) -> list[tuple[str, str]]:
    return [(deed.work.customer.name, deed.text) for deed in shown.context[name]]


def test_the_preview_changes_nothing(boss: Client) -> None:
    line = ring()
    row = task(line)
    before = Event.objects.count()
    shown = bulk(boss, "done", mark(row, "task"))
    assert words(shown, "changes") == [(line.customer.name, "Done: Decide")]
    row.refresh_from_db()
    assert row.status == TaskStatus.OPEN
    assert Event.objects.count() == before


def test_tasks_are_done_with_what_came_of_them_and_leave_a_trace(boss: Client) -> None:
    rows = [task(ring()), task(ring())]
    answer = confirm(boss, "done", *(mark(row, "task") for row in rows), result="Looked into")
    assert answer["Location"] == "/worklist/?who=all"
    assert "2 rows are changed" in said(answer)
    for row in rows:
        row.refresh_from_db()
        assert (row.status, row.result) == (TaskStatus.DONE, "Looked into")
    assert Event.objects.filter(verb="task.closed").count() == 2


def test_the_preview_names_what_will_be_refused_and_why(boss: Client) -> None:
    line = ring()
    shown = bulk(boss, "done", mark(task(line), "task"), mark(call(line), "call"))
    assert len(shown.context["changes"]) == 1
    assert words(shown, "refusals") == [(line.customer.name, "A call is done by logging it.")]


def test_one_that_fails_keeps_no_other_back_and_is_named(boss: Client) -> None:
    good, gone = task(ring()), task(ring())
    rows = [mark(good, "task"), mark(gone, "task")]
    shown = bulk(boss, "postpone", *rows, given="1", until=str(TUESDAY))
    Task.objects.filter(pk=gone.pk).update(due_on=TUESDAY)
    answer = bulk(
        boss, "postpone", *rows, given="1", until=str(TUESDAY), seen=shown.context["seen"]
    )
    assert "1 row is changed" in said(answer)
    assert f"Not changed: {gone.customer.name}" in said(answer)  # type: ignore[union-attr]
    good.refresh_from_db()
    assert good.due_on == TUESDAY


def test_another_entry_is_previewed_before_it_is_done(boss: Client) -> None:
    row = task(ring())
    shown = bulk(boss, "postpone", mark(row, "task"), given="1", until=str(TUESDAY))
    later = str(MONDAY + timedelta(days=3))
    again = bulk(
        boss, "postpone", mark(row, "task"), given="1", until=later, seen=shown.context["seen"]
    )
    assert again.status_code == 200
    assert "Look again" in again.content.decode()
    row.refresh_from_db()
    assert row.due_on == MONDAY


def test_a_postponed_task_comes_back_on_its_day(boss: Client) -> None:
    row = task(ring(), due_at=NOON)
    confirm(boss, "postpone", mark(row, "task"), until=str(TUESDAY), note="They asked for it")
    row.refresh_from_db()
    assert (row.due_on, row.due_at) == (TUESDAY, None)
    assert Event.objects.filter(verb="task.postponed").exists()


def test_a_postponed_call_waits_but_not_beyond_the_day_it_lapses(boss: Client) -> None:
    row = call(ring())
    confirm(boss, "postpone", mark(row, "call"), until=str(TUESDAY))
    row.refresh_from_db()
    assert row.due_at == datetime(2026, 3, 3, tzinfo=UTC)
    assert row.state == "planned"
    shown = bulk(boss, "postpone", mark(row, "call"), given="1", until=str(date(2026, 3, 9)))
    assert "lapses on" in words(shown, "refusals")[0][1]


def test_a_call_that_lapses_today_is_not_put_off(boss: Client) -> None:
    week_ago = MONDAY - timedelta(days=7)
    row = call(ring(), planned_on=week_ago, local_date=week_ago)
    shown = bulk(boss, "postpone", mark(row, "call"))
    assert "Too old to wait" in words(shown, "refusals")[0][1]


@pytest.mark.parametrize("until", [MONDAY, MONDAY - timedelta(days=1), MONDAY + timedelta(days=99)])
def test_only_a_later_day_within_reason_is_taken(boss: Client, until: date) -> None:
    shown = bulk(boss, "postpone", mark(task(ring()), "task"), given="1", until=str(until))
    assert shown.context["changes"] == []


def test_a_reply_cannot_be_put_off(boss: Client) -> None:
    line = ring()
    reply = line.customer.inbound.create(received_at=NOON, subject="Hello")
    shown = bulk(boss, "postpone", f"reply~{reply.pk}")
    assert words(shown, "refusals") == [
        (line.customer.name, "Only calls and tasks can be postponed.")
    ]


def test_customers_are_given_to_somebody_once_each(boss: Client) -> None:
    line, tom = ring(), make.user("collector", first_name="Tom")
    rows = [mark(task(line), "task"), mark(call(line), "call")]
    confirm(boss, "assign", *rows, owner=tom.pk)
    line.customer.refresh_from_db()
    assert line.customer.owner == tom
    assert Event.objects.filter(verb="customer.changed").count() == 1


def test_a_hold_has_a_reason_and_an_end(boss: Client) -> None:
    line = ring()
    confirm(boss, "hold", mark(call(line), "call"), reason="ours", until=str(TUESDAY), note="Audit")
    hold = Hold.objects.get()
    assert (hold.reason, hold.ends_on, hold.note) == ("ours", TUESDAY, "Audit")
    assert bulk(boss, "hold", mark(call(line), "call"), given="1", reason="ours").status_code == 422
    assert Hold.objects.count() == 1


def test_who_is_on_hold_longer_is_left_alone(boss: Client) -> None:
    line = ring()
    wanted = HoldInput("other", MONDAY + timedelta(days=30))
    add_hold(line.customer.pk, wanted, actor=line.actor, today=MONDAY)
    shown = bulk(boss, "hold", mark(call(line), "call"))
    assert "On hold already" in words(shown, "refusals")[0][1]


def test_a_final_demand_is_approved_as_one(boss: Client) -> None:
    mail, letter = demand(ring())
    answer = confirm(boss, "approve", mark(letter, "approval"))
    assert "1 row is changed" in said(answer)
    for row in (mail, letter):
        row.refresh_from_db()
        assert row.state == "planned"


def test_a_collector_is_not_offered_to_approve_and_cannot(collector: Client) -> None:
    _, letter = demand(ring())
    assert "Approve" not in page(collector)
    answer = bulk(collector, "approve", mark(letter, "approval"))
    assert answer.status_code == 302
    letter.refresh_from_db()
    assert letter.state == "held"


def test_four_eyes_refuse_the_authors_own_edit_in_the_preview(boss: Client) -> None:
    me = User.objects.get(pk=boss.session["_auth_user_id"])
    make.user("manager")
    _, letter = demand(ring())
    ContactAttempt.objects.filter(pk=letter.pk).update(edited_by=me)
    shown = bulk(boss, "approve", mark(letter, "approval"))
    assert "another approver" in words(shown, "refusals")[0][1]
    letter.refresh_from_db()
    assert letter.state == "held"


def test_half_a_final_demand_is_never_approved(boss: Client) -> None:
    """Where one half is refused the other is taken back with it."""
    me = User.objects.get(pk=boss.session["_auth_user_id"])
    make.user("manager")
    mail, letter = demand(ring())
    ContactAttempt.objects.filter(pk=mail.pk).update(edited_by=me)
    confirm(boss, "approve", mark(letter, "approval"))
    letter.refresh_from_db()
    assert letter.state == "held"


@pytest.mark.parametrize("rows", [[], ["task~99999"], ["x"], ["call~x"], ["~"], ["nothing~1"]])
def test_rows_that_are_not_there_change_nothing(boss: Client, rows: list[str]) -> None:
    answer = bulk(boss, "done", *rows)
    assert answer.status_code == 302
    assert "Nothing is selected" in said(answer)


def test_a_row_that_is_gone_is_said_to_be(boss: Client) -> None:
    shown = bulk(boss, "done", mark(task(ring()), "task"), "task~99999")
    assert "Some rows are gone" in shown.content.decode()


def test_the_way_back_stays_on_this_site(boss: Client) -> None:
    answer = bulk(boss, "done", next="https://evil.example/")
    assert answer["Location"] == "/worklist/"


# --- saved views ----------------------------------------------------------------------------


def save(client: Client, name: str, query: str, **fields: Any) -> Any:
    return client.post("/worklist/views/save/", {"name": name, "query": query} | fields)


def test_a_view_is_the_filter_without_its_place(boss: Client) -> None:
    answer = save(boss, "Big and old", "least=5000&days=60&after=1~2&nonsense=1&who=all")
    view = SavedView.objects.get()
    assert view.query == "who=all&least=5000&days=60"
    assert answer["Location"] == f"/worklist/?{view.query}"
    found = page(boss, f"?{view.query}")
    assert "Big and old" in found
    assert 'aria-current="page">Big and old' in found


def test_a_view_opens_by_its_link(boss: Client) -> None:
    save(boss, "Old", "days=60")
    view = SavedView.objects.get()
    assert boss.get(f"/worklist/views/{view.pk}/")["Location"] == "/worklist/?days=60"


def test_the_same_name_takes_the_new_filter(boss: Client) -> None:
    save(boss, "Old", "days=60")
    save(boss, "Old", "days=90")
    assert SavedView.objects.get().query == "days=90"


def test_my_view_is_mine_and_a_shared_one_is_everybodys(client: Client) -> None:
    client.force_login(member("manager"))
    save(client, "Kept to myself", "days=60")
    save(client, "For all", "days=90", shared="on")
    client.force_login(member("read_only"))
    found = page(client, "views/")
    mine = SavedView.objects.get(name="Kept to myself")
    assert "For all</a>" in found
    assert f"/worklist/views/{mine.pk}/" not in found
    assert client.get(f"/worklist/views/{mine.pk}/").status_code == 404


def test_only_a_manager_shares(collector: Client) -> None:
    save(collector, "For all", "days=90", shared="on")
    assert not SavedView.objects.get().shared


def test_a_shared_view_is_deleted_by_its_maker_or_a_manager(client: Client) -> None:
    view = SavedView.objects.create(owner=make.user("manager"), name="A", query="", shared=True)
    client.force_login(member("collector"))
    client.post(f"/worklist/views/{view.pk}/delete/")
    assert SavedView.objects.exists()
    client.force_login(member("manager"))
    client.post(f"/worklist/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_a_view_without_a_name_is_not_kept(boss: Client) -> None:
    answer = save(boss, " ", "days=60")
    assert "Give the view a name" in said(answer)
    assert not SavedView.objects.exists()


def test_the_list_of_views_says_what_each_shows(boss: Client) -> None:
    save(boss, "Old", "who=all&least=500&days=90&sort=age&kind=calls")
    found = page(boss, "views/")
    assert "Everyone’s; overdue at least 500" in found
    assert "Latest first; Calls" in found


def test_the_capacity_is_set_on_the_staff_form(client: Client) -> None:
    client.force_login(member("admin"))
    person = make.user("collector")
    assert "Calls a day" in client.get(f"/settings/staff/{person.pk}/").content.decode()
