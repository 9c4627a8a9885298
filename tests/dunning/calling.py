"""A customer on the telephone: what the tests of call outcomes share."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from arfollow.shared.events import Actor, actor_of
from arfollow.staff.models import User
from customers.models import Contact, Customer
from dunning.models import (
    AttemptItem,
    CallOutcome,
    Channel,
    ContactAttempt,
    ItemPart,
    Task,
    TaskStatus,
)
from dunning.outcomes import Answer, CallInput, record_call
from invoices.models import Invoice
from tests import make

MONDAY = make.TODAY
MORNING = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)


def at(day: date, hour: int = 10) -> datetime:
    """A moment on a day, in UTC (the zone of the test company)."""
    return datetime(day.year, day.month, day.day, hour, 15, tzinfo=UTC)


@dataclass
class Line:
    """One customer with two overdue invoices, a caller, and a planned call."""

    customer: Customer
    contact: Contact
    caller: User
    older: Invoice
    newer: Invoice

    @property
    def actor(self) -> Actor:
        return actor_of(self.caller)

    def call(
        self, outcome: CallOutcome, *, now: datetime = MORNING, attempt: Any = None, **said: Any
    ) -> ContactAttempt:
        """Log a call with one outcome; `said` goes to the answer, call_* to the call."""
        of_call = {key[5:]: said.pop(key) for key in list(said) if key.startswith("call_")}
        values = {
            "customer_id": self.customer.pk,
            "contact_id": self.contact.pk,
            "token": uuid.uuid4(),
            "attempt_id": attempt.pk if attempt else None,
            "answers": (Answer(outcome, **said),),
        } | of_call
        return record_call(CallInput(**values), actor=self.actor, now=now)

    def tasks(self) -> dict[str, Task]:
        """Open tasks by kind."""
        found = Task.objects.filter(customer=self.customer, status=TaskStatus.OPEN)
        return {task.kind: task for task in found}


def ring(**fields: Any) -> Line:
    """A line to a customer who owes 400 and 600 US dollars."""
    make.company()
    caller = make.user("collector", first_name="Mia", last_name="Okafor")
    customer = make.customer(owner=caller, **fields)
    older = make.invoice(customer, "400.00", MONDAY - timedelta(days=40))
    newer = make.invoice(customer, "600.00", MONDAY - timedelta(days=10))
    return Line(customer, customer.contacts.get(), caller, older, newer)


def planned_call(line: Line, *, channel: str = Channel.CALL, **fields: Any) -> ContactAttempt:
    """A call that a run has planned for today over the older invoice."""
    values = {
        "customer": line.customer,
        "channel": channel,
        "tone": "friendly",
        "step_key": "call",
        "planned_on": MONDAY,
        "local_date": MONDAY,
        "due_at": at(MONDAY, 9),
        "dedupe_key": f"dun:{line.customer.pk}:{channel}:{MONDAY}:{uuid.uuid4()}",
        "lead_invoice": line.older,
    } | fields
    attempt = ContactAttempt.objects.create(**values)
    AttemptItem.objects.create(
        attempt=attempt,
        invoice=line.older,
        part=ItemPart.PLEASE_PAY,
        currency="USD",
        amount=Decimal("400.00"),
        completes=True,
        step_key="call",
        action_key="call",
    )
    return attempt
