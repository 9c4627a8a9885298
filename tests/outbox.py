"""What waits to be sent, for tests: attempts made through the product's own planning."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from arfollow.staff.models import Company
from customers.models import Contact, Customer
from dunning import dispatch
from dunning.dispatch import Tally
from dunning.models import (
    AttemptItem,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    ItemPart,
    Tone,
)
from dunning.outbox import Draft, adopt_if_new, plan
from dunning.outbox.calendars import customer_calendar
from invoices.models import Invoice
from tests import make

MORNING = datetime.combine(make.TODAY, time(6), UTC)
"""When the run of the day planned."""

SLOT = datetime.combine(make.TODAY, time(10), UTC)
"""When its messages leave (10:00, our zone is UTC in tests)."""


USUAL: dict[str, Any] = {
    "planned_on": make.TODAY,
    "reason": "due",
    "reason_text": "Its next step is due.",
}


def late(days: int) -> date:
    """A due date that many days before today."""
    return make.TODAY - timedelta(days=days)


def company(**fields: Any) -> Company:
    """A company whose caps and rate do not get in the way, unless the test is about them."""
    return make.company(**({"storm_floor": 10_000, "send_rate": None} | fields))


def queued(
    customer: Customer,
    *invoices: Invoice,
    channel: str = Channel.EMAIL,
    tone: str = Tone.FRIENDLY,
    now: datetime = MORNING,
    company: Company | None = None,
    step: str = "reminder",
    **fields: Any,
) -> ContactAttempt:
    """One planned attempt about these invoices, all of them due for the same step."""
    adopt_if_new()
    stored = plan(
        [draft(customer, *invoices, channel=channel, tone=tone, step=step, **fields)],
        now=now,
        company=company or Company.load(),
    )
    assert stored, "it was planned before"
    stored[0].refresh_from_db()
    return stored[0]


def draft(
    customer: Customer,
    *invoices: Invoice,
    channel: str = Channel.EMAIL,
    tone: str = Tone.FRIENDLY,
    step: str = "reminder",
    **fields: Any,
) -> Draft:
    """The same, not stored yet."""
    lead = invoices[0] if invoices else None
    attempt = ContactAttempt(
        customer=customer,
        channel=channel,
        tone=tone,
        step_key=step,
        action_key=channel,
        lead_invoice=lead,
        **(USUAL | fields),
    )
    items = [_item(attempt, invoice, step) for invoice in invoices]
    return Draft(attempt, items, _recipients(attempt, customer), customer_calendar(customer))


def _item(attempt: ContactAttempt, invoice: Invoice, step: str) -> AttemptItem:
    invoice.refresh_from_db()
    late_by = (attempt.planned_on - invoice.due_date).days
    return AttemptItem(
        invoice=invoice,
        part=ItemPart.PLEASE_PAY,
        currency=invoice.currency,
        amount=Decimal(str(invoice.collectible)),
        days_late=late_by,
        completes=True,
        step_key=step,
        action_key=attempt.channel,
    )


def _recipients(attempt: ContactAttempt, customer: Customer) -> list[AttemptRecipient]:
    if attempt.channel != Channel.EMAIL:
        return []
    people = Contact.objects.filter(customer=customer, active=True).exclude(email="")
    return [
        AttemptRecipient(contact=person, name=person.name, address=person.email)
        for person in people.order_by("pk")
    ]


def send_some(*, now: datetime = SLOT, seconds: float | None = None) -> Tally:
    """One pass without the limit of time, so that a slow machine changes nothing."""
    return dispatch.send_some(now=now, seconds=seconds)


def state(attempt: ContactAttempt) -> str:
    """Its state now."""
    return str(ContactAttempt.objects.values_list("state", flat=True).get(pk=attempt.pk))


def again(attempt: ContactAttempt) -> ContactAttempt:
    """The row as it is now."""
    return ContactAttempt.objects.get(pk=attempt.pk)


def in_state(wanted: AttemptState | str) -> int:
    """How many attempts are in a state."""
    return ContactAttempt.objects.filter(state=wanted).count()
