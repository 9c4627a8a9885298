"""Main lives once more on the database: run, outbox, sender, calls, letters together."""

from datetime import date
from decimal import Decimal

import pytest
from django.core import mail

from arfollow.shared.events import SYSTEM
from dunning import outcomes, runs
from dunning.models import (
    AttemptState,
    CallOutcome,
    Channel,
    ContactAttempt,
    FollowUp,
    FollowUpState,
    Promise,
    PromiseStatus,
    Task,
    TaskKind,
)
from dunning.outcomes import PromiseInput
from dunning.policy import Reason
from tests import make
from tests.stories.house import House, steps_taken

pytestmark = pytest.mark.django_db


def test_the_standard_protocol_keeps_its_nine_days_on_the_database() -> None:
    house = House()
    customer = make.customer("C-1")
    runs.enrol("p1", customer="C-1")
    make.invoice(customer, "1000.00", due=date(2025, 1, 6), issued=date(2025, 1, 6))
    house.live(date(2025, 1, 6), date(2025, 6, 10))
    taken = steps_taken()
    assert sorted({day for day, _, _ in taken}) == [
        "2025-01-28",
        "2025-02-04",
        "2025-02-20",
        "2025-03-07",
        "2025-03-24",
        "2025-04-07",
        "2025-05-06",
        "2025-05-21",
        "2025-06-05",
    ]
    assert ("2025-05-06", "d120", "letter") in taken
    assert [text for _, text, channel in taken if channel == "handover"] == ["d150"]


def test_who_pays_in_the_undo_window_gets_no_reminder() -> None:
    house = House()
    customer = make.customer()
    invoice = make.invoice(customer, due=date(2025, 3, 3))
    house.plan(date(2025, 3, 6))
    assert ContactAttempt.objects.filter(state=AttemptState.PLANNED).count() == 1
    make.payment(customer, "100.00", date(2025, 3, 6), invoice)
    house.send(date(2025, 3, 6))
    assert mail.outbox == []
    attempt = ContactAttempt.objects.exclude(state=AttemptState.SKIPPED).get()
    assert (attempt.state, attempt.reason) == (AttemptState.CANCELLED, Reason.PAID)


def test_who_pays_one_of_two_in_the_undo_window_is_asked_for_the_other() -> None:
    house = House()
    customer = make.customer()
    invoices = [make.invoice(customer, f"{n}00.00", due=date(2025, 3, 3)) for n in (1, 2)]
    house.plan(date(2025, 3, 6))
    make.credit_note(customer, "100.00", date(2025, 3, 6), invoice=invoices[0])
    house.send(date(2025, 3, 6))
    assert len(mail.outbox) == 1
    assert "200.00" in mail.outbox[0].body
    assert "300.00" not in mail.outbox[0].body


def test_a_broken_promise_comes_back_as_a_call() -> None:
    house = House(calls=None)
    customer = make.customer()
    make.invoice(customer, due=date(2025, 3, 3))
    house.live(date(2025, 3, 6), date(2025, 3, 7))
    given = PromiseInput(due_on=date(2025, 3, 20))
    outcomes.add_promise(customer.pk, given, actor=SYSTEM, today=date(2025, 3, 10))
    house.live(date(2025, 3, 10), date(2025, 3, 25))
    assert Promise.objects.get().status == PromiseStatus.BROKEN
    call = ContactAttempt.objects.get(channel=Channel.CALL)
    assert (f"{call.planned_on}", call.kind) == ("2025-03-25", "promise_follow_up")
    assert house.reports[date(2025, 3, 24)].reasons in ({}, {"promised": 1})


def test_a_kept_promise_ends_quietly() -> None:
    house = House()
    customer = make.customer()
    invoice = make.invoice(customer, due=date(2025, 3, 3))
    house.day(date(2025, 3, 6))
    given = PromiseInput(due_on=date(2025, 3, 14))
    outcomes.add_promise(customer.pk, given, actor=SYSTEM, today=date(2025, 3, 7))
    make.payment(customer, "100.00", date(2025, 3, 14), invoice)
    house.live(date(2025, 3, 14), date(2025, 3, 31))
    assert Promise.objects.get().status == PromiseStatus.KEPT
    assert FollowUp.objects.get().state == FollowUpState.CLOSED
    assert len(mail.outbox) == 1


def test_the_machine_off_for_five_days_catches_up_with_one_step() -> None:
    house = House(calls=None)
    customer = make.customer()
    make.invoice(customer, due=date(2025, 3, 3))
    house.day(date(2025, 3, 4))
    house.live(date(2025, 3, 12), date(2025, 3, 14))
    assert steps_taken() == [("2025-03-12", "d3", "email")]
    assert len(mail.outbox) == 1


def test_a_call_that_reached_nobody_is_tried_on_two_days_and_then_done() -> None:
    house = House(calls=CallOutcome.NO_ANSWER)
    customer = make.customer()
    make.invoice(customer, due=date(2025, 3, 3))
    house.live(date(2025, 3, 6), date(2025, 3, 28))
    call = ContactAttempt.objects.filter(channel=Channel.CALL, step_key="d10").first()
    assert call is not None
    assert call.state in (AttemptState.SENT, AttemptState.SKIPPED)


def test_thirty_invoices_leave_in_one_message_whose_total_ties_to_the_cent() -> None:
    house = House()
    customer = make.customer()
    for number in range(30):
        make.invoice(customer, f"{100 + number}.10", due=date(2025, 3, 3))
    house.day(date(2025, 3, 6))
    assert len(mail.outbox) == 1
    total = sum((Decimal(f"{100 + number}.10") for number in range(30)), Decimal(0))
    assert f"{total:,.2f}" in mail.outbox[0].body


def test_an_invoice_paid_in_part_keeps_its_history_and_is_asked_for_the_rest() -> None:
    house = House()
    customer = make.customer()
    invoice = make.invoice(customer, "500.00", due=date(2025, 3, 3))
    house.live(date(2025, 3, 6), date(2025, 3, 12))
    make.payment(customer, "200.00", date(2025, 3, 12), invoice)
    house.live(date(2025, 3, 13), date(2025, 3, 31))
    assert [step for _, step, _ in steps_taken()] == ["d3", "d10", "d17"]
    assert "300.00" in mail.outbox[-1].body


def test_a_gentle_ladder_ends_with_a_task_for_the_owner() -> None:
    house = House()
    owner = make.user()
    customer = make.customer("C-3", owner=owner)
    runs.enrol("p3", customer="C-3")
    make.invoice(customer, due=date(2025, 3, 3), chased_to="d3", chased_on=date(2025, 3, 6))
    house.live(date(2025, 3, 17), date(2025, 7, 31))
    assert len(mail.outbox) == 6
    task = Task.objects.get(kind=TaskKind.LADDER_END)
    assert task.assigned_to == owner
    assert FollowUp.objects.get().state == FollowUpState.FINISHED
