"""Faults with a real Celery worker: deaths at each point, a broker that forgets, deployments."""

import signal
import subprocess
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from arfollow.shared import clock
from dunning.models import AttemptState, ContactAttempt
from tests.faults.harness.family import Family, Filesystem, Redis, broker_of
from tests.faults.harness.kills import Point
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.processes import until
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import recover, still_open
from tests.faults.harness.world import World

STOPS = 45
WAIT = 90
FEW = 10
PACE = 0.15  # seconds a message takes where a run should last


def kill_in_worker(world: World, broker: str, points: tuple[Point, ...]) -> Result:
    """One worker after the other dies at each point; Celery replaces it, beat goes on."""
    world.reset()
    order = world.place / "crash-order"
    died: list[str] = []
    wanted: list[int] = []
    with broker_of(broker) as way, Family(world, way.url, CRASH_ORDER=str(order)) as family:
        family.worker()
        family.beat()
        for point in sorted(points, key=lambda each: each.planning):
            wanted += _one_death(world, point, order, died)
        world.plan()  # a planner that dies leaves its slot taken: the next one is a minute away
        until(lambda: _forwarded() or not still_open(), WAIT)
    found = judge(world, most_unknown=sum(p.unknown for p in points if p.name in died))
    nobody_forgotten(found, world, wanted)
    missed = [point.name for point in points if point.name not in died]
    found.blame("wrong", missed, "no process came to its point, which proves nothing:")
    text = f"{len(points)} points, one after the other"
    return Result("kill -9 in a Celery worker", text, broker, len(died), found)


def _one_death(world: World, point: Point, order: Path, died: list[str]) -> list[int]:
    with ExitStack() as stack:
        if point.by_sink:
            stack.enter_context(world.sink.ordered(at=point.name, nth=1, do="kill", once=True))
        else:
            order.write_text(f"{point.name}:1")
        wanted = [customer.pk for customer in world.people(1)]
        if not point.planning:
            world.plan()
        if _happened(world, point, order, wanted):
            died.append(point.name)
        order.unlink(missing_ok=True)
    return wanted


def _happened(world: World, point: Point, order: Path, wanted: list[int]) -> bool:
    def over() -> bool:
        bring_forward()
        return world.sink.killed() >= 1 if point.by_sink else not order.exists()

    return until(over, WAIT)


def bring_forward() -> None:
    """A slot is a whole minute away at most; move it here rather than wait."""
    waiting = ContactAttempt.objects.filter(state=AttemptState.PLANNED, due_at__gt=clock.now())
    waiting.filter(tries=0).update(due_at=clock.now() - timedelta(minutes=1))


def broker_lost(world: World, broker: str, messages: int) -> Result:
    """The broker is killed while messages leave and comes back empty."""
    world.reset()
    wanted = [customer.pk for customer in world.crowd(messages)]
    world.plan()
    with broker_of(broker) as way, Family(world, way.url, plain=True) as family:
        family.worker()
        family.beat()
        for share in (0, 0.3, 0.6):
            until(lambda s=share: _gone(world) > s * messages or _forwarded(), WAIT)
            way.lose()
        until(lambda: _forwarded() or not still_open() and _gone(world) >= messages, WAIT)
    recover(world)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    return Result("broker killed, restarted empty", "three times while messages leave", broker,
                  3, found)  # fmt: skip


def _forwarded() -> bool:
    bring_forward()
    return False


def _gone(world: World) -> int:
    return len(world.sink.log())


def deployment(world: World, restarts: int) -> Result:
    """SIGTERM to the worker in the middle of a message; what it holds is finished or given back."""
    world.reset()
    wanted = [customer.pk for customer in world.crowd(restarts * 6)]
    world.plan()
    slow: list[str] = []
    with broker_of("filesystem") as way, Family(world, way.url, plain=True) as family:
        family.beat()
        with world.sink.ordered(at="DATA", do="wait", seconds=0.3):
            for _ in range(restarts):
                _rolled(world, family, slow)
        family.worker()
        until(lambda: _forwarded() or (not still_open() and _gone(world) >= len(wanted)), WAIT)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    found.blame("wrong", slow, "a worker did not stop in time:")
    return Result("SIGTERM in deployment", "a worker in the middle of a message", "", restarts,
                  found)  # fmt: skip


def _rolled(world: World, family: Family, slow: list[str]) -> None:
    before = _gone(world)
    worker = family.worker(children=1)
    until(lambda: _forwarded() or _gone(world) > before, WAIT, pause=0.05)
    time.sleep(0.1)
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    if not until(lambda: worker.poll() is not None, STOPS):
        slow.append(f"{time.monotonic() - began:.0f} s")


def rolling(world: World, broker: str, restarts: int, messages: int) -> Result:
    """A new worker beside the old one, then SIGTERM to the old one, again and again (F-18)."""
    world.reset()
    wanted = [customer.pk for customer in world.crowd(messages)]
    world.plan()
    told: list[subprocess.Popen[bytes]] = []
    with broker_of(broker) as way, Family(world, way.url, plain=True) as family:
        family.beat()
        worker = family.new_worker()
        with world.sink.ordered(at="DATA", do="wait", seconds=PACE):
            for number in range(restarts):
                share = messages * (number + 1) // (restarts + 2)
                until(lambda s=share: _forwarded() or _gone(world) > s, 2 * WAIT, pause=0.05)
                newer = family.new_worker()
                wanted += _more_to_send(world)
                worker.send_signal(signal.SIGTERM)
                told, worker = [*told, worker], newer
        until(lambda: _forwarded() or (not still_open() and _gone(world) >= len(wanted)), 4 * WAIT)
        until(lambda: all(each.poll() is not None for each in told), STOPS)
        slow = [f"{each.pid}" for each in told if each.poll() is None]
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    found.blame("wrong", slow, "a worker did not stop in time:")
    text = f"{restarts} workers replaced in a run of {messages}"
    return Result("rolling restarts", text, broker, restarts, found)


def _more_to_send(world: World) -> list[int]:
    """Where workers start slowly the run would be over before its last restart."""
    more = []
    if still_open() < FEW:
        more = [customer.pk for customer in world.crowd(FEW)]
        world.plan()
    before = _gone(world)
    until(lambda: _forwarded() or _gone(world) > before, WAIT, pause=0.05)
    return more


def crowd_at_once(world: World, customers: int, beats: int = 2, workers: int = 3) -> Result:
    """Everything due at once, two beats and three workers: the same messages as with one."""
    world.reset()
    wanted = [customer.pk for customer in world.crowd(customers)]
    found = Judgement()
    with broker_of("Redis protocol") as way, Family(world, way.url, plain=True) as family:
        for _ in range(beats):
            family.beat()
        for _ in range(workers):
            family.worker(children=1)
        everything = until(
            lambda: _forwarded() or _gone(world) >= customers and not still_open(), 1200, pause=2
        )
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted)
    if not everything:
        found.notes.append("not everything left in the time given")
    text = f"{customers} customers due at once"
    return Result(f"{beats} beats, {workers} workers", text, "Redis protocol", customers, found)


__all__ = ["Filesystem", "Redis", "broker_lost", "crowd_at_once", "deployment", "kill_in_worker"]
