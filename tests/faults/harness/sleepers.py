"""Senders that stand still past their lease and then go on (fencing, F-19)."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from arfollow.shared import faults
from dunning.delivery.ids import attempt_of
from dunning.models import AttemptState, ContactAttempt, Task, TaskStatus
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.plain import plainly
from tests.faults.harness.processes import Child, done, fork, until
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import LEASE, recover, send, tick
from tests.faults.harness.world import World

LEASES = 3
DEADLINE = 3  # seconds: shorter than the sleep, so that the sender gives its message up
BEFORE = ("C2", "C3")
AFTER = ("dot", "C4", "MAIL", "C5", "C6", "DATA")
BY_SINK = ("MAIL", "DATA", "dot")
LOOK = 2.0  # seconds that the mail server waits while we stop the sender
GOES = 10  # on a busy machine a short lease may run out before the point is reached


def asleep(world: World, tries: int, *, sending: bool) -> Result:
    """SIGSTOP for three leases, before or after the point of no return; then SIGCONT.

    Meanwhile the other senders' ticks go on. Whoever slept before it must find its message
    taken by somebody else; whoever slept after it finds it unknown, and what the mail server
    took then settles it. Where the deadline has passed before the text, it stays unknown.
    """
    world.reset()
    seen, wanted = Judgement(), list[int]()
    for number in range(tries):
        points = AFTER if sending else BEFORE
        deadline = DEADLINE if number % 2 else 20
        _sleep(world, seen, points[number % len(points)], wanted, deadline)
    recover(world)
    never = [pk for pk in wanted if not _taken(world, pk)]
    found = judge(world, most_unknown=len(never) if sending else 0)
    nobody_forgotten(found, world, wanted)
    found.wrong += seen.wrong
    found.notes += seen.notes
    name = "a sender sleeps while it sends" if sending else "a sender sleeps before it sends"
    text = "SIGSTOP for three leases, then it goes on"
    return Result(name, text, "", tries, found)


def _sleep(world: World, seen: Judgement, point: str, wanted: list[int], deadline: int) -> None:
    others = {"MAILERS": world.sink.mailers, "SEND_LEASE_SECONDS": LEASE}
    meant = AttemptState.SENT if point in BEFORE else AttemptState.UNKNOWN
    with _stopped(world, point, wanted, deadline) as sleeper:
        customer = wanted[-1]
        for _ in range(LEASES):
            time.sleep(LEASE)
            done(tick, **others)
        asleep_as = _state(customer)
    sleeper.wait()
    seen.blame("wrong", [asleep_as] * (asleep_as != meant), f"while it slept at {point}:")
    right = ("sent", 0) if _taken(world, customer) else ("unknown", 1)
    now = (_state(customer), _asked(customer))
    seen.blame("wrong", [now] * (now != right), f"not {right} after its sleep at {point}:")


@contextmanager
def _stopped(world: World, point: str, wanted: list[int], deadline: int) -> Iterator[Child]:
    """A sender that stands still there until the end of the block, with a customer of its own."""
    act = partial(_stop_at, "" if point in BY_SINK else point)
    seconds = {"SEND_LEASE_SECONDS": LEASE, "SEND_DEADLINE_SECONDS": deadline}
    with world.sink.ordered(at=point, do="wait", seconds=LOOK):
        for _ in range(GOES):
            wanted += [customer.pk for customer in world.people(1)]
            world.plan()
            sleeper = fork(act, borrow=False, MAILERS=world.sink.mailers, **seconds)
            if _stop(sleeper, by_sink=point in BY_SINK):
                break
        else:
            raise TimeoutError(f"no sender stood still at {point}")
        yield sleeper
    sleeper.signal(signal.SIGCONT)


def _stop(sleeper: Child, *, by_sink: bool) -> bool:
    """Whether it stands still before its end."""
    if by_sink:
        until(lambda: _on_its_way() > 0 or sleeper.poll() is not None, 30, pause=0.02)
        time.sleep(LOOK / 4)
        sleeper.signal(signal.SIGSTOP)
    until(lambda: sleeper.poll() is not None or _stands_still(sleeper), 30, pause=0.02)
    return sleeper.poll() is None


def _stop_at(wanted: str) -> None:
    """A pass that stops at the first such point, and waits for what it had given up."""

    def point(name: str) -> None:
        if name == wanted:
            faults.point = lambda _name: None
            os.kill(os.getpid(), signal.SIGSTOP)

    plainly()
    faults.point = point
    send()
    for thread in threading.enumerate():
        if thread.name.startswith("delivery-"):
            thread.join(20)


def _stands_still(child: Child) -> bool:
    stat = Path(f"/proc/{child.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def _state(customer: int) -> str:
    return str(ContactAttempt.objects.values_list("state", flat=True).get(customer=customer))


def _on_its_way() -> int:
    return ContactAttempt.objects.filter(state=AttemptState.SENDING).count()


def _taken(world: World, customer: int) -> bool:
    """Whether the mail server has the customer's message."""
    own = ContactAttempt.objects.values_list("uuid", flat=True).get(customer=customer)
    return own in {attempt_of(line["id"]) for line in world.sink.log() if line["what"] == "taken"}


def _asked(customer: int) -> int:
    tasks = Task.objects.filter(customer=customer, kind="check_delivery")
    return tasks.filter(status=TaskStatus.OPEN).count()
