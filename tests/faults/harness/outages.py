"""A broker that is empty, dead, silent or was never there, while people work (D6, F-10 to F-13)."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from customers.models import Customer
from invoices.models import Payment
from tests.faults.harness.brokers import WAIT, bring_forward
from tests.faults.harness.family import Family, Redis, free_port
from tests.faults.harness.oracle import judge, nobody_forgotten, written_to
from tests.faults.harness.processes import until
from tests.faults.harness.races import after_the_payment
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import LEASE, recover, still_open
from tests.faults.harness.web import Web
from tests.faults.harness.world import ROOT, World

PAYERS = 3
BACK_AFTER = 60  # seconds, D6: from the broker's return until everything due has left
PACE = 0.05


@dataclass(frozen=True, slots=True)
class Outage:
    """What happens to the broker, how it ends, and the seconds the web may take meanwhile."""

    name: str
    begin: Callable[[Redis], None]
    end: Callable[[Redis], None]
    limit: float


DEAD = Outage("broker dead, people work", Redis.die, Redis.come_back, 3)
SILENT = Outage("broker hangs, people work", Redis.hang, Redis.go_on, 5)


def away(world: World, outage: Outage, seconds: int, messages: int) -> Result:
    """Nobody can be rung for so long; payments are posted, what is left goes out afterwards."""
    world.reset()
    rows = world.crowd(messages)
    world.plan()
    with (
        Redis.running() as way,
        Family(world, way.url, plain=True) as family,
        Web(world, family.env) as web,
    ):
        family.worker()
        family.beat()
        with world.sink.ordered(at="DATA", do="wait", seconds=PACE):
            until(lambda: _moved(lambda: _gone(world) > 0.3 * messages), WAIT)
            outage.begin(way)
            began = time.monotonic()
            late, told = _meanwhile(world, web, messages)
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
            last = world.crowd(PAYERS)
            world.plan()
            outage.end(way)
        took = _time_until(lambda: not still_open())
    found = _judged(world, [*rows, *late[PAYERS:], *last], late[:PAYERS])
    _degraded(found, told)
    _web(found, web, outage.limit)
    slow = [f"{took:.0f} s"] * (took > BACK_AFTER)
    found.blame("wrong", slow, "from its return until everything had left:")
    found.notes.append(f"web at most {web.slowest:.2f} s, everything had left after {took:.1f} s")
    text = f"{seconds} s; {PAYERS} payments through the web, each page within {outage.limit:g} s"
    return Result(outage.name, text, "Redis protocol", PAYERS, found)


def _meanwhile(world: World, web: Web, messages: int) -> tuple[list[Customer], dict[str, str]]:
    """More messages fall due, some of their customers pay; what /readyz says of the broker."""
    late = world.crowd(max(messages // 2, PAYERS + 2))
    world.plan()
    for customer in late[:PAYERS]:
        web.pay(customer)
    return late, web.ready()


def _gone(world: World) -> int:
    return len(world.sink.log())


def _moved(condition: Callable[[], bool]) -> bool:
    bring_forward()
    return condition()


def _time_until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    until(lambda: _moved(condition), WAIT)
    return time.monotonic() - began


def _judged(world: World, wanted: list[Customer], payers: list[Customer]) -> Judgement:
    recover(world)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, [row.pk for row in wanted])
    paid = set(Payment.objects.values_list("customer_id", flat=True))
    found.blame("lost", {row.pk for row in payers} - paid, "payments that were not kept:")
    found.blame("wrong", after_the_payment(), "sent after it was paid:")
    return found


def _degraded(found: Judgement, told: dict[str, str]) -> None:
    """A missing broker degrades us; taking the web away for it would help nobody."""
    right = (told["code"], told["status"]) == ("200", "degraded") and told["broker"] != "ok"
    said = [f"{told['code']} {told['status']}, broker {told['broker']}"] * (not right)
    found.blame("wrong", said, "/readyz said")


def _web(found: Judgement, web: Web, limit: float) -> None:
    found.blame("wrong", web.refusals, "a person was refused:")
    slow = [f"{web.slowest:.1f} s"] * (web.slowest > limit)
    found.blame("wrong", slow, "a person waited for")


def emptied(world: World, times: int, messages: int) -> Result:
    """FLUSHALL with work due, again and again, the first time with ticks in the queue; the next
    tick finds what is due."""
    world.reset()
    rows: list[Customer] = []
    thrown, waits = 0, []
    with Redis.running() as way, Family(world, way.url, plain=True) as family:
        family.beat()
        until(lambda: way.waiting() >= 3, WAIT)
        for number in range(times):
            rows += world.crowd(messages)
            world.plan()
            thrown += way.waiting()
            way.empty()
            if number == 0:
                family.worker(children=1)
            due = messages * (number + 1)
            waits.append(_time_until(lambda due=due: _gone(world) >= due))
    found = _judged(world, rows, [])
    found.blame("wrong", ["nothing"] * (not thrown), "the queue held")
    slow = [f"{wait:.0f} s" for wait in waits if wait > BACK_AFTER]
    found.blame("wrong", slow, "after FLUSHALL until everything had left:")
    found.notes.append(f"{thrown} ticks thrown away, everything had left after {max(waits):.1f} s")
    text = "FLUSHALL with work due"
    return Result("broker emptied", text, "Redis protocol", times, found)


def never_there(world: World, customers: int) -> Result:
    """Nobody ever started a broker: ``run_dunning`` and ``send_due``, as cron runs them, suffice.

    Worker and beat wait for it without falling.
    """
    world.reset()
    rows = world.people(customers)
    found = Judgement()
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    with Family(world, nowhere) as family, Web(world, family.env) as web:
        waiting = [family.worker(children=1), family.beat()]
        _manage(family, "run_dunning")
        for customer in rows[:PAYERS]:
            web.pay(customer)
        _manage(family, "send_due", "--now", world.moment(minutes=2).isoformat())
        sent = written_to(world)
        _degraded(found, web.ready())
        _web(found, web, DEAD.limit)
        fallen = [each.args for each in waiting if each.poll() is not None]
    seen = _judged(world, rows[PAYERS:], rows[:PAYERS])
    seen.blame("lost", {row.pk for row in rows[PAYERS:]} - sent, "not sent by send_due:")
    seen.blame("wrong", sent & {row.pk for row in rows[:PAYERS]}, "sent after the payment:")
    seen.blame("wrong", fallen, "fell for want of a broker:")
    seen.wrong += found.wrong
    seen.notes += [*found.notes, f"web at most {web.slowest:.2f} s"]
    text = f"cron sends, {PAYERS} payments through the web, each page within {DEAD.limit:g} s"
    return Result("broker never started", text, "", customers, seen)


def _manage(family: Family, *words: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *words],
        env=family.env | {"SEND_LEASE_SECONDS": str(10 * LEASE)},
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
