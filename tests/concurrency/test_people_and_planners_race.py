"""The same thing at the same instant from several sides happens once (L1, L18)."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role
from dunning import outbox as product
from dunning.models import AttemptItem, AttemptState, Channel, ContactAttempt, Placement, Tone
from tests import make, outbox
from tests.outbox import MORNING, SLOT, send_some

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run all from one starting line, each on its own connection; answers or ServiceErrors."""
    line, answers = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        try:
            line.wait(timeout=30)
            answers.append(act())
        except ServiceError as refusal:
            answers.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(answers) == len(acts), "one of them fell"
    return answers


def refusals(answers: list[object]) -> int:
    return sum(isinstance(answer, ServiceError) for answer in answers)


def waiting(**fields: object) -> ContactAttempt:
    outbox.company()
    customer = make.customer("C-1")
    return outbox.queued(customer, make.invoice(customer, "400.00", outbox.late(20)), **fields)


def test_l01_four_planners_plan_a_step_once() -> None:
    outbox.company()
    customer = make.customer("C-1")
    invoice = make.invoice(customer, "400.00", outbox.late(20))
    company = Company.load()
    drafts = [outbox.draft(customer, invoice) for _ in range(4)]
    product.adopt()
    at_once(*(lambda d=d: product.plan([d], now=MORNING, company=company) for d in drafts))
    assert ContactAttempt.objects.count() == 1
    assert AttemptItem.objects.filter(live=True, completes=True).count() == 1


def test_l18_two_tabs_approve_once() -> None:
    attempt = waiting(channel=Channel.HANDOVER, tone=Tone.INTERNAL, needs_approval=True)
    by = actor_of(make.user(Role.MANAGER))
    answers = at_once(*([lambda: product.approve(attempt.pk, actor=by, now=MORNING)] * 2))
    assert refusals(answers) == 1
    assert Placement.objects.count() == 1


def test_l18_send_again_pressed_twice_makes_one_new_attempt() -> None:
    attempt = waiting()
    send_some()
    ContactAttempt.objects.filter(pk=attempt.pk).update(
        state=AttemptState.UNKNOWN, sent_at=None, done_on=None
    )
    by = actor_of(make.user(Role.MANAGER))
    again = lambda: product.settle_unknown(attempt.pk, "send_again", actor=by, now=SLOT)  # noqa: E731
    assert refusals(at_once(again, again, again)) == 2
    assert ContactAttempt.objects.count() == 2


def test_cancelling_while_it_is_sent_either_stops_it_or_comes_too_late() -> None:
    attempt = waiting()
    by = actor_of(make.user())
    answers = at_once(
        lambda: product.cancel(attempt.pk, actor=by, reason="spoke to them"), send_some
    )
    state = outbox.state(attempt)
    assert (state, refusals(answers)) in [(AttemptState.CANCELLED, 0), (AttemptState.SENT, 1)]
