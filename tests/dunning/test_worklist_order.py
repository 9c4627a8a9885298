"""Who comes first, what is for today, and what a list is narrowed to."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from arfollow.shared.workdays import Calendar
from arfollow.staff.models import User
from customers.models import Customer
from dunning import worklist
from dunning.briefing.team import team
from dunning.models import (
    CallOutcome,
    ContactAttempt,
    CustomerFollowUp,
    Exposure,
    Priority,
    Promise,
    Task,
)
from dunning.worklist import LATER, TODAY, Scope, renew, share_of
from dunning.worklist.sources import AGE, AMOUNT, WAITING
from invoices.models import Invoice
from invoices.services import record_payment
from tests import make
from tests.dunning.calling import MONDAY, MORNING, Line, planned_call, ring

pytestmark = pytest.mark.django_db
END_OF_DAY = datetime(2026, 3, 3, tzinfo=UTC)


def scope(owner: User | None = None, **fields: Any) -> Scope:
    values = {"today": MONDAY, "until": END_OF_DAY, "owner": owner, "approver": True} | fields
    return Scope(**values)


def call(line: Line, **fields: Any) -> ContactAttempt:
    """A planned call; its item is nobody else's step."""
    made = planned_call(line, automatic=False, **fields)
    made.items.update(step_key=uuid.uuid4().hex[:12])
    return made


def owes(amount: str, *, days: int = 40, **fields: Any) -> Line:
    """A line to a customer who owes one amount."""
    line = ring(**fields)
    Invoice.objects.filter(customer=line.customer).delete()
    line.older = make.invoice(line.customer, amount, MONDAY - timedelta(days=days))
    line.newer = line.older
    return line


def order(*lines: Line, **fields: Any) -> list[int]:
    """The places of these customers in the list."""
    renew(MONDAY)
    shown = [row.customer for row in worklist.page(scope(**fields)).rows]
    return [[line.customer for line in lines].index(customer) for customer in shown if customer]


# --- the order ------------------------------------------------------------------------------


def test_the_larger_amount_is_called_first() -> None:
    small, large = owes("200.00"), owes("900.00")
    for line in (small, large):
        call(line)
    assert order(small, large) == [1, 0]


def test_the_older_of_two_equal_amounts_is_called_first() -> None:
    newer, older = owes("500.00", days=20), owes("500.00", days=80)
    for line in (newer, older):
        call(line)
    assert order(newer, older) == [1, 0]


def test_a_broken_promise_moves_a_customer_up() -> None:
    one, other = owes("500.00"), owes("500.00")
    for line in (one, other):
        call(line)
    assert order(one, other) == [0, 1]
    broken(other)
    assert order(one, other) == [1, 0]


def broken(line: Line, *, on: date = MONDAY) -> None:
    Promise.objects.create(
        customer=line.customer, made_on=on - timedelta(days=9), due_on=on, currency="USD",
        amount=Decimal(5), status="broken", settled_on=on,
    )  # fmt: skip
    touched(line)


def touched(line: Line) -> None:
    Customer.objects.filter(pk=line.customer.pk).update(ledger_seq=F("ledger_seq") + 1)


def test_work_of_all_kinds_is_in_one_order_of_priority() -> None:
    small, large = owes("100.00"), owes("900.00")
    call(small)
    task(large)
    assert [row.kind for row in listed()] == ["task", "call"]


def listed(**fields: Any) -> list[worklist.Work]:
    renew(MONDAY)
    return worklist.page(scope(**fields)).rows


def task(line: Line, kind: str = "decide", **fields: Any) -> Task:
    values = {"title": "Decide", "due_on": MONDAY, "dedupe_key": uuid.uuid4().hex} | fields
    return Task.objects.create(customer=line.customer, kind=kind, **values)


def test_what_stops_everything_comes_before_the_largest_debtor() -> None:
    small, large = owes("1.00"), owes("900.00")
    call(large)
    small.customer.inbound.create(received_at=END_OF_DAY - timedelta(hours=12), subject="Copy?")
    assert [row.kind for row in listed()] == ["reply", "call"]


def test_an_agreed_hour_comes_before_other_calls() -> None:
    small, large = owes("1.00"), owes("900.00")
    call(large)
    task(small, "call_back", due_at=END_OF_DAY - timedelta(hours=9))
    rows = listed()
    assert [row.kind for row in rows] == ["agreed", "call"]
    assert rows[0].hour is not None


@pytest.mark.parametrize(
    ("sort", "first"), [(AMOUNT, "large"), (AGE, "old"), (WAITING, "waits")]
)  # fmt: skip
def test_another_order_can_be_asked_for(sort: str, first: str) -> None:
    lines = {
        "large": owes("900.00", days=5), "old": owes("50.00", days=170),
        "waits": owes("60.00", days=6),
    }  # fmt: skip
    for name, line in lines.items():
        call(line, planned_on=MONDAY - timedelta(days=3 if name == "waits" else 0))
    assert listed(sort=sort)[0].customer == lines[first].customer


@pytest.mark.parametrize("sort", ["", AMOUNT, AGE, WAITING])
def test_pages_lead_on_in_every_order(sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        line = owes(f"{100 + number % 2}.00", days=30 + number % 3)
        call(line)
        task(line, due_on=MONDAY - timedelta(days=number % 2))
    renew(MONDAY)
    monkeypatch.setattr(worklist, "PER_PAGE", 3)
    wanted = [row.mark for row in worklist.everything(scope(sort=sort))]
    seen, after = [], ""
    for _ in range(4):
        page = worklist.page(scope(sort=sort), after=worklist.read_place(after))
        seen += [row.mark for row in page.rows]
        after = page.after
    assert seen == wanted
    assert len(set(seen)) == 10


def test_a_row_says_why_it_stands_there() -> None:
    line = owes("10286.80", days=63)
    broken(line)
    broken(line, on=MONDAY - timedelta(days=30))
    call(line)
    said = listed()[0].priority.replace("\u00a0", " ")
    assert said == "USD 10,286.80, 63 days late, never paid yet, broke 2 promises"


def test_a_final_demand_by_mail_and_letter_is_one_row() -> None:
    line = ring()
    for channel in ("email", "letter"):
        made = call(line, channel=channel, tone="final")
        ContactAttempt.objects.filter(pk=made.pk).update(state="held", held_for="approval")
    rows = listed()
    assert [row.label for row in rows] == ["Approve: final demand by e-mail and letter"]
    assert worklist.counts(scope())["approvals"] == 1


def test_a_final_demand_whose_letter_is_gone_is_the_mails_row() -> None:
    made = call(ring(), channel="email", tone="final")
    ContactAttempt.objects.filter(pk=made.pk).update(state="held", held_for="approval")
    assert [row.label for row in listed()] == ["Approve: final demand by e-mail"]


# --- the projection -------------------------------------------------------------------------


def test_a_payment_brings_the_priority_up_to_date() -> None:
    line = owes("500.00")
    owes("500.00")
    renew(MONDAY)
    before = Priority.objects.get(customer=line.customer).score
    record_payment(
        line.customer.pk, actor=line.actor, received_on=MONDAY, currency="USD",
        amount=Decimal(200),
    )  # fmt: skip
    assert renew(MONDAY) == 1
    after = Priority.objects.get(customer=line.customer)
    assert after.overdue == Decimal(300)
    assert after.score < before


def test_who_owes_nothing_overdue_has_no_priority_and_no_exposure() -> None:
    line = owes("500.00")
    renew(MONDAY)
    record_payment(
        line.customer.pk, actor=line.actor, received_on=MONDAY, currency="USD",
        amount=Decimal(500),
    )  # fmt: skip
    renew(MONDAY)
    assert not Priority.objects.exists()
    assert not Exposure.objects.exists()


def test_renewing_twice_finds_nothing_behind() -> None:
    owes("500.00")
    assert renew(MONDAY) == 1
    assert renew(MONDAY) == 0
    assert renew(MONDAY + timedelta(days=1)) == 1


def test_a_page_renews_only_so_many_at_once() -> None:
    for _ in range(3):
        owes("500.00")
    assert renew(MONDAY, at_most=2) == 2
    assert renew(MONDAY) == 1


def test_what_is_in_query_does_not_make_a_customer_pressing() -> None:
    line = owes("500.00")
    make.dispute(line.older, "450.00", on=MONDAY)
    touched(line)
    renew(MONDAY)
    row = Exposure.objects.get()
    assert (row.overdue, row.disputed) == (Decimal(50), Decimal(450))
    assert Priority.objects.get().overdue == Decimal(50)


def test_the_record_of_promises_feeds_the_priority() -> None:
    line = owes("500.00")
    CustomerFollowUp.objects.update_or_create(
        customer=line.customer, defaults={"promise_reliability": 95}
    )
    renew(MONDAY)
    assert Priority.objects.get().reliability == 95


def test_a_promise_broken_more_than_a_year_ago_is_forgotten() -> None:
    line = owes("500.00")
    broken(line, on=MONDAY - timedelta(days=366))
    renew(MONDAY)
    assert Priority.objects.get().broken == 0


def test_the_largest_currency_for_its_kind_stands_for_the_customer() -> None:
    line = owes("500.00")
    make.invoice(line.customer, "90000.00", MONDAY - timedelta(days=5), currency="JPY")
    for _ in range(3):
        make.invoice(ring().customer, "900000.00", MONDAY - timedelta(days=5), currency="JPY")
    touched(line)
    renew(MONDAY)
    assert Priority.objects.get(customer=line.customer).currency == "USD"


# --- filters --------------------------------------------------------------------------------


def test_only_mine_leaves_out_what_nobody_owns() -> None:
    mine, nobodys = owes("10.00"), owes("20.00")
    nobodys.customer.owner = None
    nobodys.customer.save()
    for line in (mine, nobodys):
        task(line)
    me = mine.caller
    assert len(listed(owner=me)) == 2
    assert [row.customer for row in listed(owner=me, only=True)] == [mine.customer]
    assert [row.customer for row in listed(nobody=True)] == [nobodys.customer]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"least": Decimal("300.00")}, [1]),
        ({"least": Decimal("300.01")}, []),
        ({"days": 80}, [0]),
        ({"days": 81}, []),
        ({"currency": "USD"}, [1, 0]),
        ({"currency": "EUR"}, []),
        ({"currency": "USD", "least": Decimal(50), "days": 80}, [0]),
    ],
)
def test_the_list_is_narrowed_by_what_is_owed(fields: dict[str, Any], found: list[int]) -> None:
    lines = (owes("100.00", days=80), owes("300.00", days=40))
    for line in lines:
        task(line)
    assert order(*lines, **fields) == found


def test_what_is_due_another_day_is_later_and_not_today() -> None:
    line = owes("100.00")
    call(line, due_at=END_OF_DAY + timedelta(hours=9))
    task(line, due_on=MONDAY + timedelta(days=1))
    task(line)
    assert [row.kind for row in listed(when=TODAY)] == ["task"]
    assert sorted(row.kind for row in listed(when=LATER)) == ["call", "task"]


# --- calls a day (rule 5) -------------------------------------------------------------------


def capacity(number: int) -> User:
    make.company()
    return make.user("collector", calls_a_day=number)


def of(me: User | None, amount: str) -> Line:
    line = owes(amount)
    line.customer.owner = me
    line.customer.save()
    call(line)
    return line


def shared(me: User, when: str) -> list[str]:
    renew(MONDAY)
    base = scope(me)
    share = share_of(me, base)
    rows = worklist.page(replace(base, when=when, share=share.chosen)).rows
    return [str(row.money[0].overdue) for row in rows]


def test_today_holds_as_many_calls_as_there_is_room_for_the_most_pressing() -> None:
    me = capacity(2)
    for amount in ("100.00", "300.00", "200.00"):
        of(me, amount)
    assert shared(me, TODAY) == ["300.00", "200.00"]
    assert shared(me, LATER) == ["100.00"]
    share = share_of(me, scope(me))
    assert (share.today, share.capacity, share.later) == (2, 2, 1)


def test_a_call_made_takes_room_of_the_day() -> None:
    me = capacity(2)
    first, *_ = [of(me, amount) for amount in ("300.00", "200.00", "100.00")]
    renew(MONDAY)
    planned = ContactAttempt.objects.get(customer=first.customer)
    first.caller = me
    first.call(CallOutcome.VOICEMAIL, attempt=planned)
    share = share_of(me, scope(me))
    assert (share.made, len(share.chosen), share.later) == (1, 1, 1)
    assert share.today == 2


def test_my_own_customers_take_the_room_before_nobodys() -> None:
    me = capacity(2)
    of(None, "900.00")
    of(me, "100.00")
    of(None, "800.00")
    renew(MONDAY)
    share = share_of(me, scope(me))
    assert share.own == 1
    assert sorted(shared(me, TODAY)) == ["100.00", "900.00"]


def test_the_share_does_not_change_with_the_other_filters() -> None:
    me = capacity(1)
    of(me, "100.00")
    of(me, "900.00")
    renew(MONDAY)
    assert share_of(me, scope(me, least=Decimal(1), sort=AGE, text="x")) == share_of(me, scope(me))


def test_who_makes_no_calls_has_none_today_but_all_other_work() -> None:
    me = capacity(0)
    line = of(me, "100.00")
    task(line)
    assert len(shared(me, TODAY)) == 1
    assert share_of(me, scope(me)).later == 1


def test_today_and_later_together_are_everything() -> None:
    me = capacity(2)
    for number in range(5):
        task(of(me, f"{number + 1}00.00"), due_on=MONDAY + timedelta(days=number % 2))
    renew(MONDAY)
    chosen = share_of(me, scope(me)).chosen
    found = [
        {row.mark for row in worklist.everything(scope(me, when=when, share=chosen))}
        for when in (TODAY, LATER)
    ]
    assert not found[0] & found[1]
    assert len(found[0] | found[1]) == 10


def test_the_share_costs_the_same_however_much_there_is() -> None:
    me = capacity(3)
    of(me, "100.00")
    with CaptureQueriesContext(connection) as few:
        share_of(me, scope(me))
    for _ in range(6):
        of(me, "100.00")
    with CaptureQueriesContext(connection) as many:
        share_of(me, scope(me))
    assert len(many) <= len(few) <= 5


def test_the_dashboard_counts_the_calls_that_the_worklist_shows() -> None:
    me = capacity(3)
    first, *_ = [of(me, f"{number + 1}00.00") for number in range(5)]
    of(None, "900.00")
    renew(MONDAY)
    first.caller = me
    with time_machine.travel(MORNING):
        first.call(
            CallOutcome.VOICEMAIL, attempt=ContactAttempt.objects.get(customer=first.customer)
        )
    renew(MONDAY)
    share = share_of(me, scope(me))
    row = next(
        one for one in team(MONDAY, zone="UTC", calendar=Calendar("XX")) if one.capacity == 3
    )
    assert (row.today, row.capacity) == (share.made + share.own, share.capacity) == (3, 3)
    assert (row.made, row.later) == (1, 2)
