"""Processes that send from the test database at the same time, and what arrived from them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from customers.models import Contact, Customer
from dunning.models import AttemptRecipient, ContactAttempt
from dunning.outbox import adopt_if_new, plan
from invoices.models import Invoice
from tests import outbox
from tests.make import TODAY

ROOT = Path(settings.BASE_DIR)


def environment(mail: Path, **extra: str) -> dict[str, str]:
    """What a process needs to work on the test database."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.racing_settings",
        "RACE_DATABASE": str(connection.settings_dict["NAME"]),
        "MAIL_URL": f"file://{mail}",
        "PYTHONPATH": str(ROOT),
        **extra,
    }


def start(go: Path, moment: datetime, mail: Path, **extra: str) -> "subprocess.Popen[str]":
    """One racer, imported and waiting for the go file."""
    racer = subprocess.Popen(
        [sys.executable, "-m", "tests.racer", str(go), moment.isoformat()],
        env=environment(mail, **extra),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert racer.stdout is not None
    ready = racer.stdout.readline()
    assert ready == "ready\n", racer.stderr.read() if racer.stderr else ""
    return racer


@contextmanager
def racing(
    number: int, moment: datetime, place: Path, **extra: str
) -> Iterator[list["subprocess.Popen[str]"]]:
    """So many racers, started at the same instant; ended with the block."""
    go = place / "go"
    racers = [start(go, moment, place / "mail", **extra) for _ in range(number)]
    go.touch()
    try:
        yield racers
    finally:
        for racer in racers:
            if racer.poll() is None:
                racer.kill()
            racer.wait()


def tallies(racers: Sequence["subprocess.Popen[str]"]) -> list[dict[str, int]]:
    """What each did; a racer that fell shows its error."""
    found = []
    for racer in racers:
        out, err = racer.communicate(timeout=100)
        assert racer.returncode == 0, err
        found.append(json.loads(out))
    return found


def arrived(place: Path) -> list[str]:
    """The Message-ID of every message in the mail directory."""
    files = sorted((place / "mail").glob("*.eml"))
    heads = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [str(head["Message-ID"]).strip() for head in heads]


def many(count: int, **fields: Any) -> list[ContactAttempt]:
    """One due reminder for each of so many customers, written set by set."""
    company = outbox.company(**fields)
    numbers = [f"R-{n:04d}" for n in range(count)]
    Customer.objects.bulk_create(Customer(number=n, name=f"Customer {n}") for n in numbers)
    customers = list(Customer.objects.filter(number__in=numbers).order_by("number"))
    Contact.objects.bulk_create(
        Contact(customer=c, email=f"{c.number.lower()}@example.test", primary=True)
        for c in customers
    )
    due = outbox.late(10)
    Invoice.objects.bulk_create(
        Invoice(
            customer=c, number=f"I-{c.number}", external_id=f"I-{c.number}", currency="USD",
            issue_date=outbox.late(40), due_date=due, next_due_date=due, amount=100,
            open_amount=100,
        )
        for c in customers
    )  # fmt: skip
    invoices = {i.customer_id: i for i in Invoice.objects.filter(customer__in=customers)}
    people = {p.customer_id: p for p in Contact.objects.filter(customer__in=customers)}
    adopt_if_new()
    drafts = []
    for customer in customers:
        draft = outbox.draft(customer, invoices[customer.pk], planned_on=TODAY)
        person = people[customer.pk]
        assert draft.recipients == [] or isinstance(draft.recipients[0], AttemptRecipient)
        assert person.email
        drafts.append(draft)
    return plan(drafts, now=outbox.MORNING, company=company)
