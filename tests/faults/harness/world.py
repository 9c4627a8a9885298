"""One database, one mail server, and the customers of a fault."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from arfollow.shared import clock
from arfollow.shared.mailurl import mailer_from_url
from arfollow.staff.models import Company, Role, User
from customers.models import Contact, Customer
from dunning import outbox, runs
from dunning.dispatch import send_some
from dunning.models import Enrolment, Policy
from dunning.models.stored import store_version
from dunning.policy import Action, Channel, Step, Tone
from dunning.policy import Policy as PlainPolicy
from invoices.models import Invoice
from tests import make
from tests import outbox as planned
from tests.faults.harness.sink import line_of

ROOT = Path(settings.BASE_DIR)
LATE = 5
STEPS = {
    "email": Step("d3", 3, Tone.FRIENDLY, (Action("email", Channel.EMAIL),)),
    "internal": Step("d3", 3, Tone.INTERNAL, (Action("internal", Channel.INTERNAL, role="owner"),)),
    "letter": Step("d3", 3, Tone.FIRM, (Action("letter", Channel.LETTER),)),
}


class World:
    """Everything of one fault; ``reset`` begins a new one."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.sink = SinkProcess(place / "sink")
        self.kind = "sqlite" if settings.ON_SQLITE else "postgres"
        self.numbers = 0
        self.zone = zone_where_it_is_noon()

    def build(self) -> None:
        """Migrate once; every reset copies it."""
        call_command("migrate", verbosity=0)
        connections.close_all()
        if self.kind == "sqlite":
            _compact(self._file())
            shutil.copyfile(self._file(), self.place / "template.sqlite3")
        else:
            self._admin(f'CREATE DATABASE "{self._name()}_template" TEMPLATE "{self._name()}"')

    def reset(self, **company: Any) -> None:
        """An empty database with our company in it; the sink forgets its orders and its log."""
        connections.close_all()
        if self.kind == "sqlite":
            for suffix in ("-wal", "-shm"):
                Path(f"{self._file()}{suffix}").unlink(missing_ok=True)
            shutil.copyfile(self.place / "template.sqlite3", self._file())
        else:
            name = self._name()
            self._admin(
                f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)',
                f'CREATE DATABASE "{name}" TEMPLATE "{name}_template"',
            )
        self.sink.forget()
        self._furnish(company)

    def warm(self) -> None:
        """Send once from here, so that what is forked has all modules and caches already."""
        self.reset()
        self.people(1)
        self.plan()
        settings.MAILERS = self.sink.mailers
        send_some(seconds=None)

    def _furnish(self, company: dict[str, Any]) -> None:
        times = {"send_window_start": 0, "send_window_end": 24, "send_every_day": True}
        pace = {"continuous_slots": True, "undo_seconds": 0, "storm_floor": 10**6}
        zone = {"time_zone": self.zone, "send_rate": None}
        make.company(**(times | pace | zone | company))
        owner = make.user(Role.MANAGER, "owner")
        for channel, step in STEPS.items():
            row = Policy.objects.create(key=channel, name=f"One {channel}")
            store_version(row, PlainPolicy(name=row.name, description="", steps=(step,)))
        outbox.adopt_if_new()
        self.owner_id = owner.pk

    def _file(self) -> Path:
        return Path(settings.DATABASES["default"]["NAME"])

    def _name(self) -> str:
        return str(settings.DATABASES["default"]["NAME"])

    def _admin(self, *statements: str) -> None:
        asked = connection.get_connection_params() | {"dbname": "postgres"}
        known = {key: asked[key] for key in ("dbname", "user", "host", "port") if key in asked}
        with psycopg.connect(**known, autocommit=True) as line:
            for statement in statements:
                line.execute(statement)  # type: ignore[call-overload]  # names of our own

    # --- Who owes what --------------------------------------------------------------------------

    @property
    def today(self) -> date:
        """The firm's date."""
        return clock.today(self.zone)

    def people(self, count: int, channel: str = "email") -> list[Customer]:
        """New customers with one late invoice each, whose policy asks for one thing now."""
        policy = Policy.objects.get(key=channel)
        owner = User.objects.get(pk=self.owner_id)
        made = []
        for _ in range(count):
            self.numbers += 1
            customer = make.customer(f"F-{self.numbers:05d}", owner=owner)
            Enrolment.objects.create(policy=policy, customer=customer)
            make.invoice(customer, "400.00", self.today - timedelta(days=LATE))
            made.append(customer)
        return made

    def crowd(self, count: int) -> list[Customer]:
        """Many customers at once, straight into their tables; the default policy writes."""
        numbers = [f"M-{self.numbers + n:06d}" for n in range(count)]
        self.numbers += count
        Customer.objects.bulk_create(
            Customer(number=n, name=f"Customer {n}", owner_id=self.owner_id) for n in numbers
        )
        rows = list(Customer.objects.filter(number__in=numbers).order_by("number"))
        Contact.objects.bulk_create(
            Contact(customer=row, email=f"{row.number.lower()}@example.test", primary=True)
            for row in rows
        )
        due = self.today - timedelta(days=LATE)
        Invoice.objects.bulk_create(
            Invoice(
                customer=row, number=f"I-{row.number}", external_id=f"I-{row.number}",
                currency="USD", issue_date=due - timedelta(days=30), due_date=due,
                next_due_date=due, amount=400, open_amount=400,
            )
            for row in rows
        )  # fmt: skip
        return rows

    def plan(self) -> None:
        """The day's run, some minutes ago, so that its slots have come."""
        with clock.at(self.moment(minutes=-5)):
            runs.run(self.today)

    def plan_letters(self) -> None:
        """One letter for each of the letter's customers; again and again it stays one."""
        rows = Customer.objects.filter(enrolment__policy__key="letter").order_by("pk")
        drafts = [
            planned.draft(
                row,
                *row.invoices.all(),
                channel="letter",
                tone=Tone.FIRM,
                planned_on=self.today,
                pay_by=self.today + timedelta(days=14),
            )  # fmt: skip
            for row in rows
        ]
        outbox.plan(drafts, now=self.moment(minutes=-5), company=Company.load())

    def moment(self, **later: int) -> datetime:
        """Now, or some time before or after."""
        return clock.now() + timedelta(**later)


class SinkProcess:
    """The mail server beside us."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.harness.sink", str(place)], cwd=ROOT
        )
        port = place / "port"
        while not port.exists():
            time.sleep(0.02)
        self.port = int(port.read_text())

    @property
    def mailers(self) -> dict[str, Any]:
        """Django's MAILERS for a process that sends here."""
        return {"default": mailer_from_url(self.url)}

    @property
    def url(self) -> str:
        """MAIL_URL of a process that sends here."""
        return f"smtp://127.0.0.1:{self.port}"

    @contextmanager
    def ordered(self, **order: Any) -> Iterator[None]:
        """Do harm until the end of the block."""
        draft = self.place / "orders.part"
        draft.write_text(json.dumps(order | {"serial": time.monotonic_ns()}))
        draft.rename(self.place / "orders")
        (self.place / "killed").unlink(missing_ok=True)
        try:
            yield
        finally:
            (self.place / "orders").unlink()

    def killed(self) -> int:
        """Whether somebody was killed by the present order."""
        return int((self.place / "killed").exists())

    def forget(self) -> None:
        """An empty log."""
        (self.place / "log").unlink(missing_ok=True)

    def keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Only these lines of the log: what is accounted for otherwise is not judged again."""
        lines = [json.dumps(line) + "\n" for line in self.log() if wanted(line)]
        (self.place / "log").write_text("".join(lines))

    def add(self, body: bytes) -> None:
        """A message that arrived on another way."""
        with (self.place / "log").open("a") as log:
            log.write(json.dumps(line_of("taken", body)) + "\n")

    def log(self) -> list[dict[str, Any]]:
        """Every message that came as far as its last byte."""
        try:
            lines = (self.place / "log").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def zone_where_it_is_noon() -> str:
    """A fixed offset where midnight is far away, so that no fault runs into the next day."""
    hour = datetime.now(ZoneInfo("UTC")).hour
    west = hour - 12  # "Etc/GMT+5" is five hours west of Greenwich
    return f"Etc/GMT{west:+d}" if west else "UTC"


def _compact(file: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
