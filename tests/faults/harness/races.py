"""Money, people and clocks that come in between (F-40, F-45, F-49, two tabs)."""

import time
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import time_machine

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, actor_of
from arfollow.staff.models import User
from customers.models import Customer
from dunning import outbox as product
from dunning import tasks
from dunning.delivery import render as rendering
from dunning.delivery.mime import EmailContent
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    MessageTemplate,
    Run,
    RunStatus,
    Task,
)
from dunning.outbox import moves
from invoices.models import Payment
from invoices.services import record_payment
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.plain import plainly
from tests.faults.harness.processes import fork
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import recover, send, tick
from tests.faults.harness.world import World


def payments_meanwhile(world: World, customers: int) -> Result:
    """Half of them pay while the run plans and two senders send."""
    world.reset()
    wanted = world.people(customers)
    payers = wanted[::2]
    world.plan()
    sending = {"MAILERS": world.sink.mailers, "SEND_LEASE_SECONDS": 20}
    children = [
        fork(_send_plainly, borrow=False, **sending),
        fork(_send_plainly, borrow=False, **sending),
        fork(partial(_pay, world, [row.pk for row in payers]), borrow=False),
        fork(world.plan, borrow=False),
    ]
    for child in children:
        child.wait()
    recover(world)
    found = judge(world, most_unknown=0)
    others = {row.pk for row in wanted} - {row.pk for row in payers}
    nobody_forgotten(found, world, others)
    found.blame("wrong", after_the_payment(), "sent after it was paid:")
    text = f"{len(payers)} of {customers} pay while messages leave"
    return Result("payments during a run", text, "", len(payers), found)


def _send_plainly() -> None:
    plainly()
    for _ in range(3):
        tick()


def _pay(world: World, customers: list[int]) -> None:
    for pk in customers:
        row = Customer.objects.get(pk=pk)
        record_payment(
            pk, actor=SYSTEM, received_on=world.today, currency=row.currency,
            amount=row.invoices.get().amount,
        )  # fmt: skip
        time.sleep(0.02)


def after_the_payment() -> list[int]:
    """Attempts whose point of no return lies after the payment of all they ask for."""
    paid = dict(Payment.objects.values_list("customer_id", "recorded_at"))
    rows = ContactAttempt.objects.filter(
        customer__in=paid, state__in=(AttemptState.SENT, AttemptState.UNKNOWN)
    )
    return [row.pk for row in rows if row.sending_at and row.sending_at > paid[row.customer_id]]


SEEN = ("the friendly e-mail (de) cannot be made", "The text could not be made")
"""The run's words: when it plans, and when the sender renders."""


def template_fails(world: World, customers: int) -> Result:
    """The text of one customer cannot be made; everybody else gets theirs."""
    world.reset()
    crowd = world.crowd(customers)
    odd = crowd[customers // 2]
    Customer.objects.filter(pk=odd.pk).update(language="de")
    MessageTemplate.objects.create(
        channel="email", tone="friendly", kind="", language="de", version=1, current=True,
        subject="Konto", body="{{ there.is.no.such.thing }}",
    )  # fmt: skip
    world.plan()
    fork(_send_others_plainly, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=60).wait(1200)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, [row.pk for row in crowd if row != odd])
    named = Task.objects.filter(customer=odd, kind="check_delivery", status="open")
    found.blame("hidden", [] if named.exists() else [odd.number], "nobody is told of:")
    silent = [what for what in SEEN if not _said(odd, what)]
    found.blame("hidden", silent, "the run does not warn of a text")
    told = ", ".join(named.values_list("title", flat=True)[:1])
    text = f"1 of {customers}; the others go out, the run warns and a task names it"
    return Result("a text that fails", text, "", 1, found, reported=told)


def _said(customer: Customer, what: str) -> bool:
    """Whether the run that planned it warns of that customer alone, in these words."""
    name = f"Customer {customer.number}: "
    run = Run.objects.filter(attempts__customer=customer, status=RunStatus.WARNING).first()
    said = run.warnings if run else []
    return any(text.startswith(name) and what in text for text in said)


def _send_others_plainly() -> None:
    """The real renderer for the one text in question, which then fails for real."""
    real = rendering.render
    plainly()
    quick = rendering.render

    def either(attempt: ContactAttempt, *, today: date) -> EmailContent:
        return (real if attempt.customer.language == "de" else quick)(attempt, today=today)

    rendering.render = either
    send()


def two_tabs(world: World, tries: int) -> Result:
    """Several people approve, release or settle the same thing at the same moment."""
    world.reset()
    found, go = Judgement(), world.place / "go"
    wanted = []
    for _ in range(tries):
        [customer] = world.people(1)
        wanted.append(customer.pk)
        world.plan()
        attempt = ContactAttempt.objects.get(customer=customer, channel=Channel.EMAIL)
        moves.hold([attempt.pk], "approval", text="Waits for approval.")
        go.unlink(missing_ok=True)
        clicks = [fork(partial(_approve, attempt.pk, go), borrow=False) for _ in range(3)]
        go.touch()
        done = [click.wait() for click in clicks]
        found.blame("doubled", ["approved"] * (done.count(0) - 1), "more than once:")
    recover(world, step=16)
    seen = judge(world, most_unknown=0)
    nobody_forgotten(seen, world, wanted)
    seen.doubled += found.doubled
    seen.notes += found.notes
    return Result("two tabs", "the same approval clicked three times at once", "", tries, seen)


def _approve(attempt: int, go: Path) -> None:
    by = actor_of(User.objects.get(username="owner"))
    while not go.exists():
        time.sleep(0.001)
    try:
        product.approve(attempt, actor=by)
    except ServiceError:
        raise SystemExit(3) from None


def wrong_clock(world: World, tries: int) -> Result:
    """A worker hours ahead or behind: nothing leaves before its slot, no lease is stolen."""
    world.reset()
    wanted = []
    found = Judgement()
    for number in range(tries):
        wanted += [customer.pk for customer in world.people(1)]
        world.plan()
        ContactAttempt.objects.filter(state="planned").update(
            due_at=clock.now() + timedelta(hours=1)
        )
        hours = (5, 24, -5, 24 * 365)[number % 4]
        before = len(world.sink.log())
        fork(partial(_work_at, hours), MAILERS=world.sink.mailers).wait()
        early = len(world.sink.log()) - before
        found.blame("wrong", [f"{hours} h"] * early, "sent before its slot by a clock off by")
    ContactAttempt.objects.filter(state="planned").update(due_at=clock.now())
    recover(world)
    seen = judge(world, most_unknown=0)
    nobody_forgotten(seen, world, wanted)
    seen.wrong += found.wrong
    seen.notes += found.notes
    return Result("a clock that is off", "by hours, a day, a year", "", tries, seen)


def _work_at(hours: int) -> None:
    """What the beat asks of a worker whose machine has that time."""
    with time_machine.travel(clock.now() + timedelta(hours=hours), tick=True):
        tasks.sweep()
        tasks.send_some()
