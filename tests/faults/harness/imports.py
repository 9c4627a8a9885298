"""The import command beside runs and senders, killed in the middle, twice at once
(F-14, F-40, F-54, F-55).

The processes are forked like the senders; what they run is ``manage.py import_ledger`` itself,
from its options to its answer.
"""

import json
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from dunning.models import AttemptItem, AttemptState
from invoices.models import Dispute, ImportBatch, ImportRow, Invoice, Payment
from invoices.services.check import breaches
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.plain import plainly
from tests.faults.harness.processes import Child, fork
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import recover, tick
from tests.faults.harness.world import World
from tests.rules.lists import own

FILLING = 250  # rows of other customers, so that the import lasts as long as many messages
MAY_HAVE_LEFT = (AttemptState.SENDING, AttemptState.SENT, AttemptState.UNKNOWN)
LEASE = 20


def meanwhile(world: World, customers: int) -> Result:
    """A third of them has paid, a third disputes, says the file that comes in while we write."""
    world.reset()
    wanted = [row.pk for row in world.people(customers)]
    file = _file(world, "ledger.csv", world.place)
    world.plan()
    go = _starting_line(world)
    children = [_sender(world, go), _sender(world, go), _importer(world, go, file, "one")]
    children.append(fork(partial(_after, go, world.plan), borrow=False))
    _race(go, children)
    recover(world)
    found = judge(world, most_unknown=0)
    nobody_forgotten(found, world, wanted[2::3])
    found.blame("wrong", _left_after_the_import(), "left after the import had said otherwise:")
    _blame_the_ledger(found)
    named = len(wanted) - len(wanted[2::3])
    text = f"{named} of {customers} pay or dispute by file while messages leave"
    return Result("import during a run", text, "", named, found)


def killed(world: World, tries: int) -> Result:
    """The import dies by SIGKILL somewhere between its first and its last row; again, it works."""
    world.reset()
    wanted = [row.pk for row in world.people(3)]
    world.plan()
    found, died = Judgement(), 0
    for number in range(tries):
        file = _file(world, f"ledger-{number}.csv", world.place, filling=f"K{number}")
        before, lasts = _rows(), _dry(world, file)
        died += _killed_after(world, file, lasts * (number + 0.5) / tries, before, found)
    recover(world)
    seen = judge(world, most_unknown=0)
    nobody_forgotten(seen, world, wanted[2::3])
    _blame_the_ledger(seen)
    seen.wrong += found.wrong
    seen.notes += found.notes
    text = f"at {tries} moments between its first and last row; then imported in full"
    return Result("kill -9 of an import", text, "", died, seen)


def twice(world: World, tries: int) -> Result:
    """Two people import the same file at the same moment, while a sender works."""
    world.reset()
    wanted = [row.pk for row in world.people(3)]
    world.plan()
    found = Judgement()
    for number in range(tries):
        file = _file(world, f"twice-{number}.csv", world.place, filling=f"T{number}")
        go = _starting_line(world)
        children = [_importer(world, go, file, name) for name in ("left", "right")]
        _race(go, [_sender(world, go), *children])
        answers = [json.loads((world.place / name).read_text()) for name in ("left", "right")]
        told = [_was_told(answer) for answer in answers]
        found.blame("doubled", [answers] * (sum(told) != 1), "not exactly one was told:")
        once = ImportBatch.objects.filter(file_name=file.name).count()
        found.blame("doubled", [file.name] * (once != 1), f"imported {once} times:")
    recover(world)
    seen = judge(world, most_unknown=0)
    nobody_forgotten(seen, world, wanted[2::3])
    _blame_the_ledger(seen)
    seen.doubled += found.doubled
    seen.notes += found.notes
    return Result("the same file twice at once", "the second is told", "", tries, seen)


# --- the processes ------------------------------------------------------------------------------


def _starting_line(world: World) -> Path:
    go = world.place / "go"
    go.unlink(missing_ok=True)
    return go


def _race(go: Path, children: Iterable[Child]) -> None:
    go.touch()
    for child in children:
        if child.wait():
            raise RuntimeError(f"a process of the race ended with {child.code}")


def _after(go: Path, act: Callable[[], object]) -> None:
    while not go.exists():
        time.sleep(0.001)
    act()


def _sender(world: World, go: Path) -> Child:
    settings = {"MAILERS": world.sink.mailers, "SEND_LEASE_SECONDS": LEASE}
    return fork(partial(_after, go, _send_plainly), borrow=False, **settings)


def _send_plainly() -> None:
    plainly()
    for _ in range(3):
        tick()


def _importer(world: World, go: Path, file: Path, answer: str) -> Child:
    return fork(partial(_after, go, partial(_import, world, file, answer)), borrow=False)


def _import(world: World, file: Path, answer: str, *options: str) -> None:
    """The command, as from a terminal; its answer is kept beside the file."""
    out = StringIO()
    call_command(
        "import_ledger", str(file), "--as-of", f"{world.today}", "--json", *options, stdout=out
    )
    (world.place / answer).write_text(out.getvalue())


def _dry(world: World, file: Path) -> float:
    """How long such an import takes here now, in seconds: it reads and plans and writes."""
    began = time.monotonic()
    _import(world, file, "dry", "--dry-run")
    return max(time.monotonic() - began, 0.05) * 2  # writing takes about as long as planning


def _killed_after(
    world: World, file: Path, seconds: float, before: tuple[int, ...], found: Judgement
) -> int:
    """Kill it then; every row or none may be there. Afterwards it goes in; 1 where it died."""
    child = fork(partial(_import, world, file, "killed"), borrow=False)
    end = time.monotonic() + seconds
    while time.monotonic() < end and child.poll() is None:
        time.sleep(0.001)
    child.signal(signal.SIGKILL)
    child.wait()
    there = ImportBatch.objects.filter(file_name=file.name).exists()
    half = not there and _rows() != before
    found.blame("wrong", [file.name] * half, "half an import stayed:")
    _import(world, file, "again")
    answer = json.loads((world.place / "again").read_text())
    complete = Invoice.objects.filter(number__startswith=f"{file.stem}-").count() == FILLING
    found.blame("lost", [file.name] * (not complete), "rows missing after the second import:")
    found.blame("doubled", [file.name] * (there and not _was_told(answer)), "not told:")
    return int(child.killed)


def _was_told(answer: dict[str, object]) -> bool:
    return "this file was imported before" in json.dumps(answer["warnings"])


def _rows() -> tuple[int, ...]:
    tables = (Invoice, Payment, Dispute, ImportBatch, ImportRow)
    return tuple(table._default_manager.count() for table in tables)


# --- the file -----------------------------------------------------------------------------------


def _file(world: World, name: str, place: Path, *, filling: str = "X") -> Path:
    """What the books say: the first of three customers has paid, the next disputes, the third
    still owes; and a crowd of others whose invoices are not due yet."""
    file = place / name
    file.write_bytes(own(*_own_rows(world), *_others(world, file.stem, filling)))
    return file


def _own_rows(world: World) -> Iterator[dict[str, str]]:
    rows = Invoice.objects.filter(customer__number__startswith="F-").select_related("customer")
    for number, invoice in enumerate(rows.order_by("customer")):
        paid = {"paid_amount": f"{invoice.amount}", "paid_date": f"{world.today}"}
        more = (paid, {"disputed": "yes"}, {})[number % 3]
        yield {
            "customer_number": invoice.customer.number,
            "customer_name": invoice.customer.name,
            "invoice_number": invoice.number,
            "issue_date": f"{invoice.issue_date}",
            "due_date": f"{invoice.due_date}",
            "amount": f"{invoice.amount}",
            **more,
        }


def _others(world: World, stem: str, filling: str) -> Iterator[dict[str, str]]:
    for number in range(FILLING):
        yield {
            "customer_number": f"{filling}-{number // 4:05d}",
            "customer_name": f"Customer {filling} {number // 4}",
            "invoice_number": f"{stem}-{number:05d}",
            "issue_date": f"{world.today - timedelta(days=3)}",
            "due_date": f"{world.today + timedelta(days=40)}",
            "amount": "75.50",
        }


# --- what may not be ----------------------------------------------------------------------------


def _left_after_the_import() -> list[str]:
    """Messages that went on their way for an item after the import had paid or disputed it."""
    paid = dict(Payment.objects.values_list("allocations__invoice", "recorded_at"))
    disputed = dict.fromkeys(Dispute.objects.values_list("invoice", flat=True), _committed())
    known: dict[int, datetime] = disputed | paid
    items = AttemptItem.objects.filter(
        invoice__in=known, completes=True, attempt__state__in=MAY_HAVE_LEFT
    ).exclude(attempt__sending_at=None)
    rows = items.values_list("attempt", "invoice", "attempt__sending_at")
    return [f"{attempt} for {invoice}" for attempt, invoice, at in rows if at > known[invoice]]


def _committed() -> datetime:
    """When the import had all its locks and had written all but its own record."""
    return ImportBatch.objects.latest("imported_at").imported_at


def _blame_the_ledger(found: Judgement) -> None:
    found.blame("wrong", [str(one) for one in breaches()], "check_ledger:")
