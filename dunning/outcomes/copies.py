"""Copies and statements that they ask for: requested, so no contact of ours (rule 2)."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.staff.models import Company
from customers.models import Contact, Customer
from customers.services import lock_customer, touch
from dunning.models import (
    AttemptKind,
    AttemptRecipient,
    Channel,
    ContactAttempt,
    Tone,
)
from dunning.outbox import adopt_if_new
from dunning.outcomes.days import zone_of
from dunning.outcomes.items import OpenItem, chosen, list_items, open_items
from dunning.outcomes.notes import leave_event
from dunning.policy import ItemKey


class Wanted(StrEnum):
    """What is sent while they are on the telephone."""

    COPIES = "copies"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Copy:
    """A requested message that is to be planned."""

    customer: Customer
    contact: Contact
    items: Sequence[OpenItem]
    today: date
    due_at: datetime
    why: str
    key: str = ""
    purpose: str = ""


def plan_copy(copy: Copy, *, actor: Actor) -> ContactAttempt:
    """Write it into the outbox; call it under the customer's lock."""
    adopt_if_new()
    first = copy.items[0].key if copy.items else None
    attempt = ContactAttempt.objects.create(
        customer=copy.customer,
        channel=Channel.EMAIL,
        kind=AttemptKind.RESEND,
        tone=Tone.FRIENDLY,
        language=copy.customer.language,
        lead_invoice_id=first.invoice_id if first else None,
        lead_instalment_no=first.instalment_no if first else 0,
        automatic=False,
        exempt=True,
        reason="asked",
        reason_text=copy.why,
        planned_on=copy.today,
        local_date=copy.today,
        due_at=copy.due_at,
        dedupe_key=copy.key or f"resend:{uuid.uuid4()}",
        content={"purpose": copy.purpose} if copy.purpose else {},
        created_by_id=actor.id,
    )
    list_items(attempt, copy.items, today=copy.today)
    to = copy.contact
    AttemptRecipient.objects.create(attempt=attempt, contact=to, name=to.name, address=to.email)
    return attempt


def send_copies(
    customer_id: int,
    wanted: Wanted,
    keys: Sequence[ItemKey],
    *,
    contact_id: int | None,
    token: str,
    actor: Actor,
    now: datetime,
) -> ContactAttempt:
    """Copies of these invoices (none named: all that is overdue), or a statement of all that
    is open, at once. The same button of the same form twice sends it once (L18).

    ServiceError where nothing is open, or nobody there can be written to safely (R58).
    """
    with transaction.atomic():
        customer = lock_customer(customer_id)
        contact = _contact(customer, contact_id)
        key = _key(wanted, keys, contact, token)
        known = ContactAttempt.objects.filter(customer=customer, dedupe_key=key, live=True).first()
        if known is not None:
            return known
        today = now.astimezone(zone_of(customer, Company.load())).date()
        items = _items(customer_id, wanted, keys, today)
        what = "Statement" if wanted is Wanted.STATEMENT else "Copies"
        why = f"{what} asked for on the telephone."
        purpose = "statement" if wanted is Wanted.STATEMENT else ""
        copy = Copy(customer, contact, items, today, now, why, key, purpose)
        attempt = plan_copy(copy, actor=actor)
        said = f"{what} to {contact.email}, sent while talking"
        leave_event("attempt.planned", attempt, customer_id, said, actor)
        touch(customer_id)
    return attempt


def _contact(customer: Customer, contact_id: int | None) -> Contact:
    contacts = Contact.objects.filter(customer=customer, active=True)
    contact = contacts.filter(pk=contact_id).first() if contact_id else None
    if contact is None or not contact.can_email:
        raise ServiceError("Choose somebody with a usable e-mail address.")
    if contact.warnings.filter(cleared_at=None).exists():
        raise ServiceError(
            f"{contact.email} was changed and nobody has confirmed it yet. Call a number you "
            "knew before, then clear the warning on the customer's page."
        )
    return contact


def _items(
    customer_id: int, wanted: Wanted, keys: Sequence[ItemKey], today: date
) -> list[OpenItem]:
    found = open_items(customer_id)
    if wanted is Wanted.COPIES:
        found = chosen(customer_id, keys, today=today)
    if not found:
        raise ServiceError("Nothing is open that could be sent.")
    return found


def _key(wanted: Wanted, keys: Sequence[ItemKey], contact: Contact, token: str) -> str:
    what = f"{wanted}:{sorted(keys)}:{contact.pk}:{contact.email}"
    return f"desk:{token}:{hashlib.sha256(what.encode()).hexdigest()[:12]}"
