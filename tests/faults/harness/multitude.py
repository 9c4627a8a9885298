"""Many planners and senders at once, and the switch that stops them (F-20, F-22, F-30)."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from arfollow.shared.events import SYSTEM
from customers.models import Customer
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    SendSwitch,
    SwitchScope,
)
from dunning.outbox import switches
from invoices.models import Invoice
from tests.faults.harness.brokers import WAIT, bring_forward
from tests.faults.harness.family import Family, broker_of
from tests.faults.harness.oracle import BY_MACHINE, judge, nobody_forgotten
from tests.faults.harness.plain import plainly
from tests.faults.harness.processes import Child, done, fork, until
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import LEASE, recover, still_open, tick
from tests.faults.harness.world import World

BEATS = 5
TICK = 3
SENDERS = 3
LONG = 600
LATE = (3, 9, 20, 45, 90)  # days


# --- Five beats are as good as one ----------------------------------------------------------------


def five_beats(world: World, broker: str, customers: int) -> Result:
    """The same customers for one pass and for five beats with two workers: the same messages."""
    world.reset()
    _mixed(world, customers)
    world.plan()
    fork(_once, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=60).wait(LONG)
    alone = _messages()
    world.reset()
    wanted = _mixed(world, customers)
    with broker_of(broker) as way, Family(world, way.url, plain=True) as family:
        for _ in range(BEATS):
            family.beat()
        for _ in range(2):
            family.worker(children=1)
        until(lambda: _moved(lambda: _messages().total() >= alone.total() and not still_open()),
              WAIT)  # fmt: skip
        time.sleep(2 * TICK)  # for what one beat more might add
    recover(world)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, [row.pk for row in wanted])
    many = _messages()
    found.blame("lost", (alone - many).elements(), "in one pass, but not with five beats:")
    found.blame("doubled", (many - alone).elements(), "with five beats, but not in one pass:")
    text = f"{alone.total()} messages to {len(wanted)} customers are the same as in one pass"
    return Result(f"{BEATS} beats", text, broker, len(wanted), found)


def _mixed(world: World, customers: int) -> list[Customer]:
    """Early and late ones, for e-mail, letters and internal notices."""
    rows = world.crowd(customers)
    for number, row in enumerate(rows):
        due = world.today - timedelta(days=LATE[number % len(LATE)])
        Invoice.objects.filter(customer=row).update(
            issue_date=due - timedelta(days=30), due_date=due, next_due_date=due
        )
    return rows + world.people(3, "internal")


def _messages() -> Counter[tuple[object, ...]]:
    """What each customer got or gets, whoever planned it: by their place in the crowd."""
    everybody = Customer.objects.order_by("pk").values_list("pk", flat=True)
    place = {pk: at for at, pk in enumerate(everybody)}
    keys = ("channel", "tone", "state", "kind")
    items = AttemptItem.objects.values_list(
        "attempt__customer", *(f"attempt__{key}" for key in keys), "step_key", "action_key", "cycle"
    )
    return Counter((place[customer], *rest) for customer, *rest in items)


def _moved(condition: Callable[[], bool]) -> bool:
    bring_forward()
    return condition()


# --- Two planners, two senders --------------------------------------------------------------------


def planners_and_senders(world: World, customers: int) -> Result:
    """Two of each from one start signal."""
    world.reset()
    wanted = [row.pk for row in world.crowd(customers)]
    go = world.place / "go-multitude"
    go.unlink(missing_ok=True)
    sending = {"MAILERS": world.sink.mailers, "SEND_LEASE_SECONDS": 60}
    planners = [_waiting(go, world.plan) for _ in range(2)]
    senders = [_waiting(go, partial(_send_all, customers), **sending) for _ in range(2)]
    go.touch()
    began = time.monotonic()
    for child in (*planners, *senders):
        child.wait(LONG)
    took = time.monotonic() - began
    recover(world)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    found.notes.append(f"{customers} messages in {took:.0f} s")
    text = f"{customers} customers, one start signal"
    return Result("2 planners, 2 senders", text, "", customers, found)


def _waiting(go: Path, act: Callable[[], object], **overrides: object) -> Child:
    def when_told() -> None:
        while not go.exists():
            time.sleep(0.001)
        act()

    return fork(when_told, borrow=False, **overrides)


def _send_all(customers: int) -> None:
    plainly()
    until(lambda: tick() or _count(AttemptState.SENT) >= customers, LONG, pause=0.05)


def _count(*states: AttemptState) -> int:
    return ContactAttempt.objects.filter(state__in=states, channel__in=BY_MACHINE).count()


# --- The kill switch ------------------------------------------------------------------------------


def switch_flipped(world: World, scope: SwitchScope, customers: int) -> Result:
    """Flipped while three senders send: from its commit on nothing goes on its way (D8).

    A sender that starts afterwards sends nothing either; switched on again, everything leaves.
    """
    world.reset()
    wanted = [row.pk for row in world.crowd(customers)]
    world.plan()
    target = _target(scope)
    stop = world.place / "stop-multitude"
    stop.unlink(missing_ok=True)
    sending = {"MAILERS": world.sink.mailers, "SEND_LEASE_SECONDS": 60}
    senders = [fork(partial(_go_on, stop), borrow=False, **sending) for _ in range(SENDERS)]
    until(lambda: len(world.sink.log()) * 3 > customers, LONG, pause=0.01)
    row = switches.switch_off(scope, target, actor=SYSTEM, reason="a fault")
    at_flip = len(world.sink.log())
    seen = _while_it_is_on(world, row, at_flip)
    switches.switch_on_again(row.pk, actor=SYSTEM)
    until(lambda: _moved(lambda: _count(AttemptState.SENT) >= customers), LONG, pause=0.3)
    stop.touch()
    for sender in senders:
        sender.wait(LONG)
    recover(world)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    found.wrong += seen.wrong
    found.notes += seen.notes
    text = f"in the middle of {customers}, {SENDERS} senders; then on again"
    return Result("kill switch", text, scope.label.lower(), customers, found)


def _target(scope: SwitchScope) -> str:
    if scope == SwitchScope.POLICY:
        versions = ContactAttempt.objects.values_list("policy_version__policy__key", flat=True)
        return str(versions.first())
    return Channel.EMAIL if scope == SwitchScope.CHANNEL else ""


def _while_it_is_on(world: World, switch: SendSwitch, at_flip: int) -> Judgement:
    """Its row is written when no last look is under way any more, and before its commit."""
    seen = Judgement()
    until(lambda: not still_open(), LONG, pause=0.1)
    done(_once, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=LEASE)
    after = ContactAttempt.objects.filter(sending_at__gt=switch.set_at)
    seen.blame("wrong", after.values_list("pk", flat=True), "sent after the switch:")
    more = len(world.sink.log()) - at_flip
    seen.blame("wrong", [more] * (more > SENDERS), "arrived after the switch:")
    held = _count(AttemptState.HELD)
    seen.blame("wrong", ["none"] * (not held), "held by the switch:")
    seen.notes.append(f"{held} held, {more} were on their way")
    return seen


def _once() -> None:
    plainly()
    tick()


def _go_on(stop: Path) -> None:
    plainly()
    while not stop.exists():
        tick()
        time.sleep(0.1)
