"""``kill -9`` at named points, from the planning to the last line of the record (F-01 to F-09)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.processes import Child, fork
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import LEASE, recover, send
from tests.faults.harness.world import World

CUSTOMERS = 2
SPARE = 10  # on a busy machine a short lease may run out before the point is reached


@dataclass(frozen=True, slots=True)
class Point:
    """Where the process dies; ``unknown`` is how many messages each death may leave in doubt."""

    name: str
    text: str
    unknown: int
    by_sink: bool = False
    planning: bool = False
    once_a_pass: bool = False


POINTS = (
    Point("C0", "in the planning transaction", 0, planning=True, once_a_pass=True),
    Point("C1", "planned", 0, planning=True, once_a_pass=True),
    Point("C2a", "in the claim's transaction", 0, once_a_pass=True),
    Point("C2", "claimed", 0, once_a_pass=True),
    Point("C3", "rendered and frozen", 0),
    Point("C3a", "in the last look's transaction", 0),
    Point("C4", "sending is committed", 1),
    Point("connect", "SMTP: connected", 1, by_sink=True, once_a_pass=True),
    Point("MAIL", "SMTP: MAIL FROM received", 1, by_sink=True),
    Point("RCPT", "SMTP: RCPT TO received", 1, by_sink=True),
    Point("DATA", "SMTP: DATA received", 1, by_sink=True),
    Point("half", "SMTP: part of the text received", 1, by_sink=True),
    Point("dot", "SMTP: whole text taken, not answered", 1, by_sink=True),
    Point("answer", "SMTP: 250 answered", 1, by_sink=True),
    Point("C5", "taken by the other side", 1),
    Point("C6", "the answer is read", 1),
    Point("C7", "in the transaction that records it", 1),
    Point("C8", "recorded", 0),
)


def kill_at(world: World, point: Point, channel: str, tries: int) -> Result:
    """So many senders, one after the other, each killed there; then the recovery of all."""
    world.reset()
    wanted, died = [], 0
    for number in range(tries + SPARE):
        if died == tries:
            break
        wanted += [customer.pk for customer in world.people(CUSTOMERS, channel)]
        died += _die(world, point, 1 if point.once_a_pass else 1 + number % CUSTOMERS)
    world.plan()  # the day's next run; what was planned stays as it is
    recover(world)
    found = judge(world, most_unknown=died * point.unknown)
    nobody_forgotten(found, world, wanted)
    all_died(found, died, tries)
    return Result(f"kill -9 at {point.name}", point.text, channel, died, found)


def kill_everywhere(world: World, channel: str, points: Sequence[Point] = POINTS) -> Result:
    """Once at every point, with one recovery for all."""
    world.reset()
    wanted, died = [], 0
    for point in points:
        for _ in range(1 + SPARE):
            wanted += [customer.pk for customer in world.people(CUSTOMERS, channel)]
            if _die(world, point, 1):
                died += 1
                break
    world.plan()
    recover(world)
    found = judge(world, most_unknown=sum(point.unknown for point in points))
    nobody_forgotten(found, world, wanted)
    all_died(found, died, len(points))
    return Result("kill -9 at each point", f"{len(points)} points", channel, died, found)


def all_died(found: Judgement, died: int, tries: int) -> None:
    """A kill that never happened proves nothing."""
    if died < tries:
        found.blame("wrong", range(tries - died), "processes that never came to their point:")


def _die(world: World, point: Point, nth: int) -> bool:
    if not point.planning:
        world.plan()
    with _armed(world, point, nth) as crash_at:
        child = _start(world, point, crash_at)
        child.wait()
    return child.killed


@contextmanager
def _armed(world: World, point: Point, nth: int) -> Iterator[str]:
    order = {"at": point.name, "nth": nth, "do": "kill"}
    with world.sink.ordered(**order) if point.by_sink else nullcontext():
        yield "" if point.by_sink else f"{point.name}:{nth}"


def _start(world: World, point: Point, crash_at: str) -> Child:
    act = world.plan if point.planning else send
    return fork(act, CRASH_AT=crash_at, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=LEASE)
