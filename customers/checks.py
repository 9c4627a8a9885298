"""Making sure of a contact: who checked which address or number, when and how (R57, R58)."""

from datetime import date

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.shared.words import say_day
from customers.models import CheckHow, Contact, ContactCheck, EmailState, PhoneState
from customers.services import lock_customer, save_contact_state
from customers.warnings import clear_warnings

EMAIL, PHONE = "email", "phone"


def verify_contact(
    contact_id: int, what: list[str], *, how: str, on: date, actor: Actor, note: str = ""
) -> Contact:
    """Mark an address or a number as checked; settles the warnings about the contact.

    A bounced address that is checked may be written to again.
    """
    means = CheckHow(how)
    contact = Contact.objects.get(pk=contact_id)
    with transaction.atomic():
        lock_customer(contact.customer_id)
        contact.refresh_from_db()
        values = [getattr(contact, name) for name in what if name in (EMAIL, PHONE)]
        if not values or not all(values):
            raise ServiceError("There is nothing to check: choose what is on file.")
        ContactCheck.objects.bulk_create(
            ContactCheck(
                contact=contact, value=value, how=means, note=note[:200], on=on, by_id=actor.id
            )
            for value in values
        )
        states: dict[str, str] = {}
        if EMAIL in what:
            states["email_state"] = EmailState.VERIFIED
        if PHONE in what:
            states["phone_state"] = PhoneState.VERIFIED
        said = f"verified {' and '.join(values)} on {say_day(on)}: {means.label.lower()}"
        said += f" ({note})" if note else ""
        save_contact_state(contact, states, actor=actor, why=said)
        clear_warnings(contact.customer_id, actor=actor, why=means.label, contact=contact)
    return contact


def last_checks(contact_ids: list[int]) -> dict[tuple[int, str], ContactCheck]:
    """The latest check of each address and number of some contacts."""
    rows = ContactCheck.objects.filter(contact__in=contact_ids).select_related("by")
    return {(row.contact_id, row.value): row for row in rows.order_by("on", "pk")}
