"""The world of the model-based test: clocks that may jump, a mail server that may fail, a
process that may die at any named point, and the product's own ticks in between."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from django.db.models import Func
from django.db.models.functions import Now

from arfollow.shared import clock, faults
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company
from customers.models import Customer
from dunning import tasks, worklist
from dunning.delivery import email, letters
from dunning.delivery.base import Ambiguous, DeliveryError, Frozen, NotTaken, Receipt, Refused
from dunning.dispatch import record, sender
from dunning.models import ContactAttempt, Letter
from dunning.outbox import adopt_if_new
from dunning.wording import Notice, Text
from tests import make, outbox

ANSWERS: dict[str, Callable[[], DeliveryError | None]] = {
    "taken": lambda: None,
    "busy": lambda: NotTaken("451 try again later"),
    "down": lambda: NotTaken("connection refused", is_outage=True),
    "refused": lambda: Refused("550 no such user", reason="refused_address"),
    "key": lambda: Refused("401 bad key", reason="refused_key", is_config=True),
    "silent": lambda: Ambiguous("no answer; it was not taken"),
    "dropped": lambda: Ambiguous("no answer; it was taken"),
}
TAKEN = frozenset({"taken", "dropped"})


class Death(BaseException):
    """The process is gone: nothing after the named point happens."""


@dataclass(frozen=True, slots=True)
class Key:
    """What may be said once: one step of one item."""

    invoice: int
    instalment: int
    step: str
    action: str
    repeat: int
    cycle: int


@dataclass(slots=True)
class Departure:
    """One message past its point of no return, as it was at that moment."""

    attempt: int
    customer: int
    channel: str
    capped: bool
    day: date
    at: datetime
    keys: frozenset[Key]
    addresses: tuple[str, ...]
    taken: int = 0


@dataclass
class World:
    """One installation, its clock and its mail server."""

    now: datetime
    zone: str = "UTC"
    answers: list[str] = field(default_factory=list)
    die_at: str = ""
    acts: dict[str, Callable[[], None]] = field(default_factory=dict)
    departures: list[Departure] = field(default_factory=list)
    begun: set[tuple[int, str]] = field(default_factory=set)
    taken: dict[str, int] = field(default_factory=dict)
    look: Callable[[ContactAttempt], Departure] | None = None
    dead: bool = False
    wrong: list[str] = field(default_factory=list)
    skew: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        outbox.company(time_zone=self.zone, country="US", region="", agency_name="Coastal Ltd")
        adopt_if_new()
        self.boss = actor_of(make.user("manager"))
        self.other = actor_of(make.user("manager"))

    # --- time -----------------------------------------------------------------------------

    @contextmanager
    def at(self) -> Iterator[None]:
        """This moment, for people and for the database."""
        with clock.at(self.now):
            yield

    @contextmanager
    def by_its_clock(self) -> Iterator[None]:
        """This moment as the machine at work has it: ``skew`` off the database's."""
        with clock.at(self.now + self.skew):
            yield

    @property
    def today(self) -> date:
        """Our own date."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def database_now(self, node: Func, compiler: Any, connection: Any, **_: Any) -> Any:
        """The database's clock in SQL, for `Now()`."""
        return "%s", [str(self.now.astimezone(UTC).replace(tzinfo=None))]

    # --- the other side -------------------------------------------------------------------

    def deliver(self, backend: object, frozen: Frozen, _fence: object) -> Receipt | DeliveryError:
        """The mail server: takes a message, refuses it, or leaves us in doubt."""
        how = self.answers.pop(0) if self.answers else "taken"
        if how in TAKEN:
            self.taken[frozen.attempt] = self.taken.get(frozen.attempt, 0) + 1
            self.departures[-1].taken += 1
        error = ANSWERS[how]()
        return error or Receipt("sink", f"sink-{frozen.attempt}")

    def point(self, name: str) -> None:
        """What happens at a named point of the product: somebody acts, or we die."""
        if threading.current_thread() is not threading.main_thread():
            self.dead = self.dead or name == self.die_at  # felt by the sender at once
            return
        if name == "C4":
            self._departs(self._just_begun())
        if name == "L12":
            gone = [one.attempt for one in self.departures]
            posted = Letter.objects.exclude(posted_on=None).exclude(attempt__in=gone)
            self._departs(posted.get().attempt)
        act = self.acts.pop(name, None)
        if act is not None:
            act()
        if self.dead or (name and name == self.die_at):
            self.dead, self.die_at = False, ""
            raise Death(name)

    def _just_begun(self) -> ContactAttempt:
        """What this sender has just put on its way; a dead one's may still be *sending* too, and
        after the clock went back even look younger."""
        rows = ContactAttempt.objects.filter(state="sending")
        (row,) = (row for row in rows if (row.pk, row.worker) not in self.begun)
        self.begun.add((row.pk, row.worker))
        return row

    def _departs(self, row: ContactAttempt) -> None:
        assert self.look is not None
        self.departures.append(self.look(row))

    # --- the beat's ticks, as the tasks are ------------------------------------------------

    def tick(self) -> None:
        """The planner's minute."""
        with self.by_its_clock():
            tasks.plan_due()

    def send(self) -> None:
        """One pass of a sender."""
        with self.by_its_clock():
            tasks.send_some()

    def sweep(self) -> None:
        """One pass of the sweeper."""
        with self.by_its_clock():
            tasks.sweep()

    def alive(self, work: Callable[[], None]) -> bool:
        """Do it; False where the process died of it."""
        try:
            work()
        except Death:
            return False
        finally:
            self.die_at, self.dead, self.acts, self.answers = "", False, {}, []
            self.skew = timedelta(0)
        return True

    def decide(self, work: Callable[[], object]) -> bool:
        """What a person asks for; False where the product refuses it with a sentence."""
        with self.at():
            try:
                work()
            except ServiceError:
                return False
        return True


def paper(notice: Notice, *, text: Text) -> bytes:
    """A letter without the typesetter, who has tests of their own: its facts are its bytes."""
    return b"%PDF-" + repr((notice, text)).encode()


@contextmanager
def made_of(world: World) -> Iterator[World]:
    """The world in the place of the real clocks, faults, mail server and typesetter."""
    standing = SimpleNamespace(monotonic=lambda: 0.0)  # a slow machine changes no story
    with (
        patch.object(faults, "point", world.point),
        patch.object(clock, "drift_from", lambda other: clock.now() - other),
        patch.object(email, "deliver", world.deliver),
        patch.object(sender, "time", standing),
        patch.object(record, "jittered", lambda wait, *_: wait),
        patch.object(worklist, "renew", lambda today: None),  # an order on the screen
        patch.object(letters, "render_letter", paper),
        patch.object(letters, "page_count", lambda data: 1),
        patch.object(Now, "as_sqlite", lambda node, c, x, **o: world.database_now(node, c, x, **o)),
    ):
        yield world


def zone_of(customer: Customer) -> ZoneInfo:
    """The customer's zone, ours where none is known."""
    return ZoneInfo(customer.time_zone or Company.load().time_zone)
