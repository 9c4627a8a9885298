"""Warnings of fraud: a change that an unverified party asked for, until somebody checked (R58)."""

from collections.abc import Iterable

from django.db import transaction

from arfollow.shared import clock, events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from customers.models import Contact, Customer, EmailState, FraudWarning, PhoneState

ADVICE = "Call a number that was known before."


def suspicion(before: Contact | None, after: Contact, known: Iterable[str]) -> str:
    """Why a changed contact may be a fraud, in a sentence; empty where nothing speaks for it.

    ``before`` is the contact as it was, None for a new one; ``known`` are the other e-mail
    addresses on file. A verified detail that is replaced warns, and so does an address at a
    domain that nobody there has used.
    """
    if before is not None and _replaced(before.email, after.email):
        if before.email_state == EmailState.VERIFIED:
            return f"The verified address {before.email} was replaced by {after.email}."
        known = [*known, before.email]
    checked = before is not None and before.phone_state == PhoneState.VERIFIED
    if checked and before is not None and _replaced(before.phone, after.phone):
        return f"The verified number {before.phone} was replaced by {after.phone}."
    domains = {domain_of(address) for address in known if address}
    new = after.email if before is None or before.email != after.email else ""
    if new and domains and domain_of(new) not in domains:
        others = ", ".join(sorted(domains)[:3])
        return f"{new} is at a domain that nobody there has used ({others})."
    return ""


def _replaced(before: str, after: str) -> bool:
    return bool(before and after and before != after)


def domain_of(address: str) -> str:
    """What follows the @."""
    return address.rpartition("@")[2].lower()


def raise_warning(
    customer: Customer, text: str, *, actor: Actor, contact: Contact | None = None
) -> FraudWarning:
    """Keep a warning until somebody has checked; one that stands already is not doubled."""
    said = f"{text} {ADVICE}"[:300]
    with transaction.atomic():
        row, new = FraudWarning.objects.get_or_create(
            customer=customer,
            contact=contact,
            text=said,
            cleared_at=None,
            defaults={"raised_by_id": actor.id},
        )
        if new:
            _record("warning.raised", row, f"Warning: {said}", actor)
    return row


def clear_warnings(
    customer_id: int, *, actor: Actor, why: str, contact: Contact | None = None, only: int = 0
) -> int:
    """Somebody has checked: the warnings of a contact (or a single one) are settled."""
    if not why.strip():
        raise ServiceError("Say how you made sure.")
    rows = FraudWarning.objects.filter(customer=customer_id, cleared_at=None)
    rows = rows.filter(pk=only) if only else rows.filter(contact=contact)
    with transaction.atomic():
        found = list(rows)
        for row in found:
            row.cleared_at, row.cleared_by_id = clock.now(), actor.id
            row.cleared_why = why.strip()[:300]
            row.save(update_fields=["cleared_at", "cleared_by", "cleared_why"])
            _record("warning.cleared", row, f"Warning settled: {row.cleared_why}", actor)
    return len(found)


def _record(verb: str, row: FraudWarning, words: str, actor: Actor) -> None:
    events.record(Entry(verb, "warning", row.pk, words, row.customer_id), actor=actor)
