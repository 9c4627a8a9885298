"""SQLite under everybody's work at once: two senders, the web, an importer (D11, F-14).

Nothing is shortened here: synchronous=FULL and the busy timeout are the product's own. What is
counted as locked is every statement that SQLite refused, also where the program went on.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import InternalError, OperationalError, ProgrammingError
from django.db.backends.signals import connection_created
from django.db.models import Q, QuerySet
from django.test import Client
from django.urls import reverse

from arfollow.staff.models import User
from customers.models import Customer
from dunning.dispatch import send_some, sweep
from dunning.models import Promise
from invoices.imports.apply import Request, import_ledger
from invoices.models import Invoice, Payment
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.plain import plainly
from tests.faults.harness.processes import Child, fork
from tests.faults.harness.races import after_the_payment
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import recover, still_open
from tests.faults.harness.world import LATE, World
from tests.rules.lists import own

SENDERS = 2
BAR = 250  # milliseconds: the 95th percentile of a write, on a quiet machine
FILE_ROWS = 12
EVERY = 3.0  # seconds from one import to the next
GRACE = 120
BACKLOG = 60
STANDING = "L-"


@dataclass
class Figures:
    """What one process of the soak did and met."""

    locked: int = 0
    complaints: list[str] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def execute(self, go_on: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        """Around every statement: counts a refused one, times how long a lock was waited for."""
        began = time.monotonic()
        try:
            return go_on(sql, params, many, context)
        except (OperationalError, ProgrammingError, InternalError) as error:
            if "locked" in str(error) or "busy" in str(error):
                self.locked += 1
            else:
                self.complaints.append(f"{type(error).__name__}: {error}"[:200])
            raise
        finally:
            if sql.startswith("BEGIN"):
                self.waits.append(time.monotonic() - began)

    def watch(self, sender: object = None, *, connection: Any, **_more: object) -> None:
        """Each new connection writes as durably as the product does, and is counted."""
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA synchronous=FULL")
        connection.execute_wrappers.append(self.execute)


class Ear(logging.Handler):
    """Hears every error of a process's log."""

    def __init__(self, figures: Figures) -> None:
        super().__init__(logging.ERROR)
        self.figures = figures

    def emit(self, record: logging.LogRecord) -> None:
        said = self.format(record)
        self.figures.locked += "is locked" in said
        self.figures.complaints.append(said[:200])


def soak(world: World, seconds: int) -> Result:
    """Everybody works for so long; then everything is accounted for."""
    world.reset()
    world.crowd(20)
    world.plan()
    stop = world.place / "soak-stop"
    stop.unlink(missing_ok=True)
    work: dict[str, Callable[[Path, Figures], None]] = {
        "web": partial(at_the_screen, world),
        "importer": partial(import_on, world),
    } | {f"sender-{number}": send_on for number in range(SENDERS)}
    children = {name: working(world, name, act, stop) for name, act in work.items()}
    time.sleep(seconds)
    stop.touch()
    ends = {name: child.wait(GRACE) for name, child in children.items()}
    seen = {name: told(world, name) for name in work}
    recover(world)
    found = accounted(world, seen, ends)
    found.notes.append(_figures(seen))
    text = f"{SENDERS} senders, the web, an importer for {seconds} s; {_figures(seen)}"
    return Result("everybody writes at once", text, "", 1, found)


def working(world: World, name: str, act: Callable[[Path, Figures], None], stop: Path) -> Child:
    """One process; what it met stands in a file of its own, also when it falls."""

    def work() -> None:
        figures = Figures()
        connection_created.connect(figures.watch, weak=False)
        root = logging.getLogger()
        root.handlers, root.level = [Ear(figures)], logging.ERROR
        plainly()
        try:
            act(stop, figures)
        finally:
            _file(world, name).write_text(json.dumps(vars(figures)))

    return fork(work, borrow=False, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=60)


def _file(world: World, name: str) -> Path:
    return world.place / f"soak-{name}.json"


def told(world: World, name: str) -> Figures:
    """And forget it."""
    words = json.loads(_file(world, name).read_text())
    _file(world, name).unlink()
    return Figures(**(words | {"done": Counter(words["done"])}))


# --- Who works ------------------------------------------------------------------------------------


def send_on(stop: Path, figures: Figures) -> None:
    """Pass after pass."""
    while not stop.exists():
        sweep()
        send_some()
        figures.done["passes"] += 1
        time.sleep(0.1)


def import_on(world: World, stop: Path, figures: Figures) -> None:
    """A new list every three seconds, and the run that follows it."""
    for number in count():
        if stop.exists():
            return
        while still_open() > BACKLOG and not stop.exists():
            time.sleep(0.5)  # a busy machine: more would only wait longer
        began = time.monotonic()
        import_ledger(
            Request(f"{number}.csv", _list(world, number), world.today, source=f"soak-{number}")
        )
        figures.writes.append(time.monotonic() - began)
        figures.done["rows"] += FILE_ROWS
        world.plan()
        time.sleep(max(0.0, EVERY - (time.monotonic() - began)))


def _list(world: World, number: int) -> bytes:
    due = world.today - timedelta(days=LATE)
    names = [f"S-{number:04d}-{row:03d}" for row in range(FILE_ROWS)]
    return own(
        *(
            {
                "customer_number": name, "customer_name": f"Soak {name}",
                "email": f"{name.lower()}@example.test", "invoice_number": f"I-{name}",
                "issue_date": f"{due - timedelta(days=30)}", "due_date": f"{due}",
                "amount": "400.00",
            }
            for name in names
        )
    )  # fmt: skip


def at_the_screen(world: World, stop: Path, figures: Figures) -> None:
    """A colleague at the screen, through the pages themselves: payments, promises, notes, for
    whoever came in last, while their message is on its way."""
    browser = Client(raise_request_exception=False, HTTP_HOST="localhost")
    browser.force_login(User.objects.get(username="owner"))
    browser.get(reverse("worklist"))  # the first page loads all templates
    seen: list[int] = []
    while not stop.exists():
        customer = _moving().exclude(pk__in=seen).values_list("pk", flat=True).last()
        if customer is None:
            time.sleep(0.5)
            continue
        name, fields = _forms(world)[len(seen) % 3]
        seen.append(customer)
        began = time.monotonic()
        answer = browser.post(reverse(name, args=[customer]), fields)
        figures.writes.append(time.monotonic() - began)
        figures.done[name] += answer.status_code == 302
        if answer.status_code != 302:
            figures.complaints.append(f"{name} answered {answer.status_code}")
        browser.get(reverse("customer-detail", args=[customer]))
        time.sleep(0.2)


def _moving() -> QuerySet[Customer]:
    """Whom this is about: not those who only make the tables long."""
    return Customer.objects.exclude(number__startswith=STANDING).order_by("pk")


def _forms(world: World) -> tuple[tuple[str, dict[str, Any]], ...]:
    paid = {
        "token": str(uuid4()), "amount": "400.00", "currency": "USD", "method": "transfer",
        "received_on": f"{world.today}", "reference": "",
    }  # fmt: skip
    promised = {"due_on": f"{world.today + timedelta(days=7)}", "amount": "", "note": "On Friday."}
    return (
        ("payment-add", paid),
        ("promise-add", promised),
        ("note-add", {"text": "They called; the accountant is back tomorrow."}),
    )


# --- What became of it ----------------------------------------------------------------------------


def accounted(world: World, seen: dict[str, Figures], ends: dict[str, int]) -> Judgement:
    """Everybody's work against what is there."""
    found = judge(world, most_unknown=0)
    agreed = Q(payments__isnull=False) | Q(promises__isnull=False)
    others = _moving().exclude(agreed).values_list("pk", flat=True)
    nobody_forgotten(found, world, others)
    found.blame("wrong", [name for name, code in ends.items() if code], "processes that fell:")
    found.blame("wrong", after_the_payment(), "sent after it was paid:")
    for name, figures in seen.items():
        found.blame("wrong", ["locked"] * figures.locked, f"{name}: refused by SQLite:")
        found.blame("wrong", figures.complaints, f"{name}:")
        found.blame("wrong", [] if figures.done else [name], "did nothing at all:")
    web = seen["web"].done
    _compare(found, "payments", Payment.objects.count(), web["payment-add"])
    _compare(found, "promises", Promise.objects.count(), web["promise-add"])
    imported = Invoice.objects.filter(number__startswith="I-S-").count()
    told_of = sum(figures.done["rows"] for figures in seen.values())
    _compare(found, "imported rows", imported, told_of)
    return found


def _compare(found: Judgement, what: str, kept: int, told: int) -> None:
    found.blame("lost", range(told - kept), f"{what} that were confirmed and are not there:")
    found.blame("doubled", range(kept - told), f"{what} that nobody made:")


def _figures(seen: dict[str, Figures]) -> str:
    """For the table. The bar of 250 ms is that of a quiet machine: reported, not judged."""
    waits = [wait for figures in seen.values() for wait in figures.waits]
    locked = sum(figures.locked for figures in seen.values())
    return (
        f"{len(waits)} transactions, {locked} refused as locked; p95 of a click that writes "
        f"{_p95(seen['web'].writes)} ms (bar {BAR}), of the wait for the lock {_p95(waits)} ms"
    )


def _p95(times: list[float]) -> int:
    """In milliseconds."""
    return round(sorted(times)[int(len(times) * 0.95)] * 1000) if times else 0
