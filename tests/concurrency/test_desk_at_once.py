"""Two people, or two tabs, at the same instant: one call, one payment, one verdict (L18)."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from arfollow.shared.errors import ServiceError
from arfollow.shared.models import Event
from dunning.models import CallOutcome, CallRecord, ContactAttempt, Hold, Promise, Task
from dunning.outcomes import PromiseInput, add_promise, finish_task, settle_promises
from invoices.models import Dispute, Payment
from invoices.services import open_dispute, record_payment
from tests.dunning.calling import MONDAY, planned_call, ring

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """Do all of them in threads that start together; refusals are answers too."""
    barrier = threading.Barrier(len(deeds))
    answers: list[Any] = [None] * len(deeds)

    def run(number: int, deed: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answers[number] = deed()
        except ServiceError as refusal:
            answers[number] = refusal
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(number, deed)) for number, deed in enumerate(deeds)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def refusals(answers: list[Any]) -> int:
    return sum(isinstance(answer, ServiceError) for answer in answers)


def test_one_form_in_two_tabs_logs_one_call() -> None:
    line, token = ring(), uuid.uuid4()
    answers = at_once(
        *[lambda: line.call(CallOutcome.SAYS_PAID, call_token=token) for _ in range(4)]
    )
    assert refusals(answers) == 0
    assert len({answer.pk for answer in answers}) == 1
    assert CallRecord.objects.count() == Hold.objects.count() == 1


def test_two_people_who_log_the_same_planned_call_make_it_once() -> None:
    line = ring()
    planned = planned_call(line)
    answers = at_once(*[lambda: line.call(CallOutcome.REFUSES, attempt=planned) for _ in range(2)])
    assert refusals(answers) == 1
    assert CallRecord.objects.count() == 1
    planned.refresh_from_db()
    assert planned.state == "sent"


def test_a_call_back_is_kept_once() -> None:
    line = ring()
    line.call(CallOutcome.VOICEMAIL)
    task = line.tasks()["call_back"]
    at_once(*[lambda: finish_task(task.pk, actor=line.actor, result="done") for _ in range(3)])
    assert Task.objects.get(pk=task.pk).status == "done"
    assert _events("task.closed", line.customer.pk) == 1


def _events(verb: str, customer_id: int) -> int:
    return Event.objects.filter(verb=verb, customer_id=customer_id).count()


def test_the_same_promise_from_two_tabs_is_one() -> None:
    line = ring()
    wanted = PromiseInput(due_on=MONDAY + timedelta(days=4))
    at_once(
        *[
            lambda: add_promise(line.customer.pk, wanted, actor=line.actor, today=MONDAY)
            for _ in range(3)
        ]
    )
    assert Promise.objects.count() == 1


def test_the_same_payment_from_two_tabs_is_booked_once() -> None:
    line, token = ring(), str(uuid.uuid4())

    def book() -> Payment:
        return record_payment(
            line.customer.pk, actor=line.actor, received_on=MONDAY, currency="USD",
            amount=Decimal("100.00"), external_id=token,
        )  # fmt: skip

    assert refusals(at_once(book, book, book)) == 2
    assert Payment.objects.count() == 1


def test_two_disputes_at_once_never_exceed_what_is_open() -> None:
    line = ring()

    def dispute() -> Dispute:
        return open_dispute(
            line.older.pk, Decimal("300.00"), reason="price", raised_on=MONDAY, actor=line.actor
        )

    assert refusals(at_once(dispute, dispute)) == 1
    line.older.refresh_from_db()
    assert line.older.disputed_amount == Decimal(300)


def test_two_runs_that_settle_at_once_settle_a_promise_once() -> None:
    line = ring()
    wanted = PromiseInput(due_on=MONDAY)
    add_promise(line.customer.pk, wanted, actor=line.actor, today=MONDAY)
    over = MONDAY + timedelta(days=10)
    answers = at_once(*[lambda: settle_promises(over) for _ in range(3)])
    assert sum(answer.broken for answer in answers) == 1
    assert _events("promise.settled", line.customer.pk) == 1


def test_a_legal_stop_while_a_call_is_logged_leaves_nothing_planned() -> None:
    line = ring()
    planned_call(line, channel="email", step_key="firm")
    at_once(
        lambda: line.call(CallOutcome.INSOLVENT),
        lambda: line.call(CallOutcome.NOT_RECEIVED),
    )
    line.customer.refresh_from_db()
    assert line.customer.legal_stop == "insolvent"
    ladder = ContactAttempt.objects.filter(customer=line.customer, kind="ladder")
    assert not ladder.filter(state="planned").exists()
