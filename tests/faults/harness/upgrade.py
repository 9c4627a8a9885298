"""The next version migrates a long ledger while this one is at work (F-71).

Senders, a colleague at the screen, an importer with its runs, a probe and (on PostgreSQL) somebody
who dumps the database run the program as it is. Beside them the migrations of ``newer`` are
applied, killed again and again on their way, finished, used by a sender of the next version, and
taken back.
"""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client

from customers.models import Customer
from dunning.models import AttemptState, ContactAttempt, CustomerFollowUp
from dunning.policy import Tone
from invoices.models import Invoice
from tests.faults.harness.newer import NEWER, NUMBER, OLDER, become_newer
from tests.faults.harness.processes import done, fork
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import recover
from tests.faults.harness.soak import (
    GRACE,
    STANDING,
    Figures,
    accounted,
    at_the_screen,
    import_on,
    send_on,
    told,
    working,
)
from tests.faults.harness.world import World

BAR = 2.0  # seconds that anybody may wait for a lock of the migration
PATIENCE = 300
EACH = 100  # invoices of a customer of the long ledger
MIGRATING = "the next version"
CHANGE = re.compile(r"ALTER|CREATE|DROP|UPDATE|INSERT INTO \"new__")
BOTH = 1  # seconds that senders of both versions work side by side
INTO = (0.0, 0.01, 0.05)  # seconds after the statement began in which a migration dies
LOOK = 0.02
LOCKS = {
    "postgres": (f" (bar {BAR:g})", "a lock for each table"),
    "sqlite": ("", "one lock for all"),
}

type Work = dict[str, Callable[[Path, Figures], None]]


@dataclass(frozen=True, slots=True)
class Size:
    """How long the ledger is, how many upgrades, in which of its statements a migration dies, and
    for how many seconds somebody dumps the database, again and again."""

    invoices: int
    upgrades: int
    deaths: Sequence[int]
    dump: float = 0
    customers: int = 20


LONG = {
    "postgres": Size(100_000, 3, (2, 3, 5, 8, 13, 34, 89), dump=4),
    "sqlite": Size(100_000, 2, (2, 5, 8, 13, 89)),  # each time it writes its tables anew
}
SHORT = Size(500, 1, (6,), customers=8)


def upgraded(world: World, size: Size) -> Result:
    """All upgrades but the last are taken back."""
    world.reset()
    world.crowd(size.customers)
    world.plan()
    _long_ledger(world, size.invoices)
    own = Judgement()
    _expect(own, _newer_says(world) == ("503", f"{NUMBER} pending"), "a new web before it: ready")
    died, took = Deaths(), 0.0
    with _working(world, _old(world, size)) as old:
        for number in range(size.upgrades):
            if number:
                _seconds_of(_take_back)
            _die(died, size.deaths, number)
            took = max(took, _seconds_of(_go_forward))
            _is_whole(own, world, size.invoices)
            with _working(world, {"newer": _send_newer}) as new:
                time.sleep(BOTH)
            own.blame("wrong", _troubles(new), "with the next version:")
    recover(world)
    found = accounted(world, old.seen, old.ends)
    found.wrong += own.wrong
    found.notes += own.notes
    return _result(world, found, old, (size, died, took))


def _result(
    world: World, found: Judgement, old: "Shift", figures: tuple[Size, "Deaths", float]
) -> Result:
    size, died, took = figures
    blamed = ContactAttempt.objects.filter(state=AttemptState.FAILED)
    found.blame("wrong", blamed.values_list("error", flat=True), "a message was blamed:")
    wait, click = old.longest_wait(), max(old.seen["web"].writes)
    late = [f"{wait:.2f} s"] * (wait > BAR and world.kind == "postgres")
    found.blame("wrong", late, "somebody waited for the migration:")
    found.blame("wrong", ["none"] * (not died.number), "killed migrations:")
    bar, which = LOCKS[world.kind]
    said = f"longest wait for a lock {wait:.2f} s{bar}, longest click {click:.2f} s"
    found.notes.append(f"{said}, {died}; the one that came through took {took:.1f} s")
    text = (
        f"{size.upgrades} with {size.invoices:,} invoices, {died.number} migrations killed; {said}"
    )
    extra = {"wait": round(wait, 3), "click": round(click, 3), "migration": round(took, 1)}
    return Result("an upgrade under load", text, which, size.upgrades, found, extra=extra)


def _expect(found: Judgement, fact: object, why: str) -> None:
    found.blame("wrong", [] if fact else [why], "")


# --- A long ledger --------------------------------------------------------------------------------


def _long_ledger(world: World, invoices: int) -> None:
    """Open invoices that are not due yet, and half as many messages of the past."""
    owes = range(invoices // EACH)
    Customer.objects.bulk_create(
        Customer(number=f"{STANDING}{n:06d}", name=f"Standing {n}", owner_id=world.owner_id)
        for n in owes
    )
    rows = list(Customer.objects.filter(number__startswith=STANDING))
    CustomerFollowUp.objects.bulk_create(
        CustomerFollowUp(customer=row, projected_seq=row.ledger_seq, decided_on=world.today)
        for row in rows
    )
    for start in range(0, len(rows), 100):
        some = rows[start : start + 100]
        Invoice.objects.bulk_create(_owed(world, row, n) for row in some for n in range(EACH))
        ContactAttempt.objects.bulk_create(
            _past(world, row, n) for row in some for n in range(EACH // 2)
        )


def _owed(world: World, customer: Customer, number: int) -> Invoice:
    due = world.today + timedelta(days=40)
    name = f"{customer.number}-{number}"
    return Invoice(
        customer=customer, number=name, external_id=name, currency="USD",
        issue_date=world.today, due_date=due, next_due_date=due, amount=400, open_amount=400,
    )  # fmt: skip


def _past(world: World, customer: Customer, number: int) -> ContactAttempt:
    day = world.today - timedelta(days=number + 1)
    return ContactAttempt(
        customer=customer, channel="letter", tone=Tone.FRIENDLY, state=AttemptState.CANCELLED,
        live=False, reason="paid", planned_on=day, local_date=day,
        dedupe_key=f"{customer.number}-{number}",
    )  # fmt: skip


# --- Who is at work -------------------------------------------------------------------------------


class Shift:
    """Who worked side by side, and what each of them met."""

    def __init__(self) -> None:
        self.seen: dict[str, Figures] = {}
        self.ends: dict[str, int] = {}

    def longest_wait(self) -> float:
        """Seconds; on SQLite for the one lock there is, on PostgreSQL for the migration's."""
        return max((wait for each in self.seen.values() for wait in each.waits), default=0.0)


@contextmanager
def _working(world: World, work: Work) -> Iterator[Shift]:
    """They work until the end of the block."""
    shift = Shift()
    stop = world.place / f"upgrade-stop-{next(iter(work))}"
    stop.unlink(missing_ok=True)
    children = {name: working(world, name, act, stop) for name, act in work.items()}
    try:
        yield shift
    finally:
        stop.touch()
        shift.ends = {name: child.wait(GRACE) for name, child in children.items()}
        shift.seen = {name: told(world, name) for name in work}


def _old(world: World, size: Size) -> Work:
    work: Work = {
        "web": partial(at_the_screen, world),
        "sender": send_on,
        "probe": _probe,
    }
    if size.upgrades > 1:
        work |= {"importer": partial(import_on, world), "another sender": send_on}
    if world.kind == "postgres":
        work["locks"] = _watch
        work |= {"dump": partial(_dump, size.dump)} if size.dump else {}
    return work


def _probe(stop: Path, figures: Figures) -> None:
    """A load balancer asks the web of the version from before: it must stay in service."""
    browser = Client(HTTP_HOST="localhost")
    while not stop.exists():
        answer = browser.get("/readyz")
        figures.done["asked"] += 1
        said = answer.json()
        if (answer.status_code, said["migrations"]) != (200, "ok"):
            figures.complaints.append(f"/readyz: {answer.status_code} {said}")
        time.sleep(0.3)


def _dump(seconds: float, stop: Path, figures: Figures) -> None:
    """As ``pg_dump`` holds them: every table, in one long transaction."""
    while not stop.exists():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            list(Invoice.objects.order_by("pk").values_list("pk")[:1])
            list(ContactAttempt.objects.order_by("pk").values_list("pk")[:1])
            time.sleep(seconds)
        figures.done["dumps"] += 1
        time.sleep(seconds)


WAITING = """
    SELECT max(extract(epoch FROM clock_timestamp() - waitstart))
    FROM pg_locks AS held
    WHERE NOT granted AND EXISTS (
        SELECT FROM pg_stat_activity AS other
        WHERE other.pid = ANY (pg_blocking_pids(held.pid)) AND other.application_name = %s
    )
"""


def _watch(stop: Path, figures: Figures) -> None:
    """How long anybody waits behind the migration, whether it has the lock or waits for it."""
    while not stop.exists():
        with connection.cursor() as cursor:
            cursor.execute(WAITING, [MIGRATING])
            (longest,) = cursor.fetchone()
        figures.done["looked"] += 1
        if longest:
            figures.waits.append(float(longest))
        time.sleep(LOOK)


def _send_newer(stop: Path, figures: Figures) -> None:
    become_newer()
    send_on(stop, figures)


def _troubles(shift: Shift) -> list[str]:
    fell = [f"{name} ended with {code}" for name, code in shift.ends.items() if code]
    met = [said for each in shift.seen.values() for said in each.complaints]
    locked = sum(each.locked for each in shift.seen.values())
    return [*fell, *met, *["locked"] * locked]


# --- The migration --------------------------------------------------------------------------------


def _seconds_of(migrating: Callable[[], None]) -> float:
    """To its good end; how long it took."""
    began = time.monotonic()
    if fork(migrating, borrow=False, MIGRATION_MODULES=NEWER).wait(PATIENCE):
        raise RuntimeError("the migration did not come to its end")
    return time.monotonic() - began


def _go_forward() -> None:
    os.environ["PGAPPNAME"] = MIGRATING
    call_command("migrate", verbosity=0, stdout=StringIO())


def _take_back() -> None:
    os.environ["PGAPPNAME"] = MIGRATING
    for app, name in OLDER.items():
        call_command("migrate", app, name, verbosity=0, stdout=StringIO())


@dataclass
class Deaths:
    """How many migrations were killed, and how many of them left something half built."""

    number: int = 0
    half: int = 0

    def __str__(self) -> str:
        return f"{self.number} were killed, {self.half} of them left an index or a check half built"


def _die(died: Deaths, statements: Sequence[int], number: int) -> None:
    """SIGKILL in the middle of one statement after the other, until it comes through."""
    for death, statement in enumerate(statements):
        act = partial(_go_until, statement, INTO[(death + number) % len(INTO)])
        child = fork(act, borrow=False, MIGRATION_MODULES=NEWER)
        child.wait(PATIENCE)
        if not child.killed:
            return
        died.number += 1
        if death % 2 == number % 2:
            _end_its_sessions()
        died.half += bool(_half_built())
        connections.close_all()


def _go_until(statement: int, moment: float) -> None:
    numbers = count(1)

    def execute(go_on: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if CHANGE.match(str(sql)) and next(numbers) == statement:
            threading.Timer(moment, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return go_on(sql, params, many, context)

    with connection.execute_wrapper(execute):
        _go_forward()


END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s
"""


def _end_its_sessions() -> None:
    """Its machine is gone too: what the server did for it stays half done."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(END_SESSIONS, [MIGRATING])


# --- What it left ---------------------------------------------------------------------------------


def _is_whole(found: Judgement, world: World, invoices: int) -> None:
    """Every row moved, nothing half built, and both versions of the web say that they can work."""
    _expect(found, _newer_says(world) == ("200", "ok"), "a new web after it: not ready")
    with connection.cursor() as cursor:
        for statement, rows in ((MOVED_INVOICES, invoices), (MOVED_ATTEMPTS, invoices // 2)):
            cursor.execute(statement)
            (moved,) = cursor.fetchone()
            _expect(found, moved >= rows, f"{moved} of {rows} rows moved")
    found.blame("wrong", _half_built(), "half built:")
    connections.close_all()


MOVED_INVOICES = "SELECT count(*) FROM invoices_invoice WHERE rank = 1 AND mark IS NOT NULL"
MOVED_ATTEMPTS = "SELECT count(*) FROM dunning_contactattempt WHERE rank = 1 AND mark IS NOT NULL"
HALF_BUILT = {
    "postgresql": """
        SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid
        UNION ALL SELECT conname FROM pg_constraint WHERE NOT convalidated
    """,
    "sqlite": "PRAGMA foreign_key_check",
}


def _half_built() -> list[str]:
    """Indexes and checks that the server does not use, on SQLite rows that refer to nothing."""
    with connection.cursor() as cursor:
        cursor.execute(HALF_BUILT[connection.vendor])
        return [str(row) for row in cursor.fetchall()]


def _newer_says(world: World) -> tuple[str, str]:
    """/readyz of a web of the next version: its status, and what it says of migrations."""
    place = world.place / "newer-readyz.json"
    done(partial(_ask, place), MIGRATION_MODULES=NEWER)
    code, said = json.loads(place.read_text())
    return str(code), str(said)


def _ask(place: Path) -> None:
    answer = Client(HTTP_HOST="localhost").get("/readyz")
    place.write_text(json.dumps([answer.status_code, answer.json()["migrations"]]))
