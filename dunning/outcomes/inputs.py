"""What the person on the telephone tells us, as plain values."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from arfollow.shared.events import Actor
from arfollow.staff.models import Company
from customers.models import Contact, Customer
from dunning.models import (
    CallOutcome,
    CallRecord,
    Channel,
    ContactAttempt,
    ContactLevel,
    Direction,
)
from dunning.outcomes.days import Days
from dunning.outcomes.items import OpenItem
from dunning.policy import ItemKey


@dataclass(frozen=True, slots=True)
class Answer:
    """One outcome, for the items it is about (none named: all that is overdue).

    `on` is the day of a promise, hold or payment run; `at` the agreed moment of a call
    back; `reason` a dispute reason or why they cannot pay; `person`, `email`, `phone` name
    whoever promised, approves or is the right contact.
    """

    outcome: CallOutcome
    items: tuple[ItemKey, ...] = ()
    on: date | None = None
    at: datetime | None = None
    amount: Decimal | None = None
    currency: str = ""
    reason: str = ""
    person: str = ""
    email: str = ""
    phone: str = ""
    level: ContactLevel | None = None
    send_email: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallInput:
    """A call or visit as it is logged. `token` makes logging it twice harmless (L18).

    `attempt_id` names the planned call, or the call that gets one more outcome; `task_id`
    the agreed call-back that it keeps; `reply_id` the message of theirs that it deals with,
    where nobody spoke.
    """

    customer_id: int
    answers: tuple[Answer, ...]
    token: UUID
    channel: Channel = Channel.CALL
    direction: Direction = Direction.OUT
    at: datetime | None = None
    number_used: str = ""
    contact_id: int | None = None
    person: str = ""
    invoice_received: bool | None = None
    follow_up_on: date | None = None
    note: str = ""
    attempt_id: int | None = None
    task_id: int | None = None
    reply_id: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A logged call while its consequences are carried out, under the customer's lock."""

    customer: Customer
    company: Company
    contact: Contact | None
    call: CallInput
    attempt: ContactAttempt
    record: CallRecord
    days: Days
    actor: Actor
    items: tuple[OpenItem, ...]
