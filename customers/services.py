"""The only writers of customers. Each change locks the customer, leaves an event and
raises `ledger_seq`, so that the next run looks at the customer again.

The customer row is *the* lock of the delivery contract (DELIVERY §3.5): payments,
disputes, promises, holds and the last look before sending all take it.
"""

from collections.abc import Mapping
from copy import copy
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Model, Q

from arfollow.shared import events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import SYSTEM, Actor, Entry
from arfollow.staff.absences import OwnerChoice
from customers.models import (
    Address,
    Contact,
    ContactRole,
    Customer,
    EmailState,
    LegalStop,
    ParentNotice,
    PaymentTerms,
    PhoneState,
    TermsAgreement,
)
from customers.warnings import raise_warning, suspicion


def lock_customer(customer_id: int) -> Customer:
    """The customer's row, locked until the caller's transaction ends.

    On SQLite the lock is the IMMEDIATE transaction itself. Where a parent gets one notice for
    all, its row is locked too: the last look at that notice must not miss this change.
    ServiceError for an account that was merged into another: whoever waited for it must not
    write to what is no more.
    """
    payer = Customer.objects.filter(pk=customer_id, parent_notice=ParentNotice.PARENT)
    rows = Customer.objects.select_for_update(no_key=True).order_by("pk")
    both = rows.filter(Q(pk=customer_id) | Q(pk__in=payer.values("parent")))
    row = next((each for each in both if each.pk == customer_id), None)
    if row is None:
        raise Customer.DoesNotExist(f"There is no customer {customer_id}.")
    if row.merged_into_id is not None:
        into = Customer.objects.get(pk=row.merged_into_id)
        raise ServiceError(f"Account {row.number} was merged into {into}; please do it there.")
    return row


def resolve(customer_id: int) -> int:
    """The account that goes on: of a merged one the account it leads to, else itself."""
    into = Customer.objects.filter(pk=customer_id).values_list("merged_into_id", flat=True).first()
    return into or customer_id


def touch(customer_id: int) -> None:
    """Tell the next run to look at this customer again."""
    Customer.objects.filter(pk=customer_id).update(ledger_seq=F("ledger_seq") + 1)


def create_customer(number: str, name: str, *, actor: Actor, **fields: Any) -> Customer:
    """Open an account. Refused where the number is taken (numbers are keys, L33).

    Where no owner is named, the company's rules and default give it one.
    """
    with transaction.atomic():
        if Customer.objects.filter(number=number).exists():
            raise ServiceError(f"Customer number {number} exists already.")
        customer = Customer(number=number, name=name, **fields)
        if "owner" not in fields and not customer.internal:
            customer.owner = OwnerChoice.load().owner_of(name, customer.country)
        _validate(customer)
        customer.save(force_insert=True)
        _record("customer.created", customer, customer.pk, f"Opened account {number}", actor)
    return customer


def own_account(number: str, name: str) -> Customer:
    """Our own account for mails that concern no customer; it shows in no list."""
    found = Customer.objects.filter(internal=True, number__in=(number, f"{number}@arfollow"))
    if row := found.first():
        return row
    free = f"{number}@arfollow" if Customer.objects.filter(number=number).exists() else number
    return create_customer(free, name, actor=SYSTEM, source="arfollow", internal=True)


def update_customer(customer_id: int, changes: Mapping[str, Any], *, actor: Actor) -> Customer:
    """Change editable fields; unchanged values leave no trace."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        difference = _assign(customer, changes)
        if difference:
            customer.save(update_fields=list(difference))
            summary = f"Changed {_names(difference)}"
            _record("customer.changed", customer, customer.pk, summary, actor, difference)
            touch(customer_id)
    return customer


def add_note(customer_id: int, text: str, *, actor: Actor) -> None:
    """Keep what somebody wants the next one to know; it stands in the timeline."""
    if not text.strip():
        raise ServiceError("Write the note.")
    with transaction.atomic():
        customer = lock_customer(customer_id)
        _record("note.added", customer, customer_id, text.strip()[:4000], actor)


def save_contact(
    customer_id: int, *, actor: Actor, contact_id: int | None = None, **fields: Any
) -> Contact:
    """Add a contact or change one. A changed address or number is unverified again (R58)."""
    with transaction.atomic():
        lock_customer(customer_id)
        contact = _contact(customer_id, contact_id)
        before = copy(contact) if contact_id is not None else None
        difference = _assign(contact, _with_fresh_states(contact, fields))
        if contact._state.adding or difference:
            _one_primary(contact)
            contact.save()
            verb, done = ("added", "Added") if contact_id is None else ("changed", "Changed")
            summary = f"{done} contact {contact}"
            _record(f"contact.{verb}", contact, customer_id, summary, actor, difference)
            _warn(before, contact, actor)
            touch(customer_id)
    return contact


def _warn(before: Contact | None, contact: Contact, actor: Actor) -> None:
    """A detail changed by somebody we cannot be sure of stands as a warning (R58)."""
    known = Contact.objects.filter(customer_id=contact.customer_id).exclude(pk=contact.pk)
    text = suspicion(before, contact, known.values_list("email", flat=True))
    if text and not _is_checked(contact):
        raise_warning(contact.customer, text, actor=actor, contact=contact)


def _is_checked(contact: Contact) -> bool:
    return contact.email_state == EmailState.VERIFIED


def _contact(customer_id: int, contact_id: int | None) -> Contact:
    if contact_id is None:
        return Contact(customer_id=customer_id)
    return Contact.objects.get(pk=contact_id, customer_id=customer_id)


def _with_fresh_states(contact: Contact, fields: Mapping[str, Any]) -> dict[str, Any]:
    fresh = dict(fields)
    if "email" in fresh:
        fresh["email"] = fresh["email"].strip().lower()
        if fresh["email"] != contact.email:
            fresh.setdefault("email_state", EmailState.UNVERIFIED)
    if "phone" in fresh and fresh["phone"] != contact.phone:
        fresh.setdefault("phone_state", PhoneState.UNVERIFIED)
    return fresh


def _one_primary(contact: Contact) -> None:
    """The first contact of a role is its primary; a new primary replaces the old one."""
    others = Contact.objects.filter(
        customer_id=contact.customer_id, role=contact.role, primary=True, active=True
    ).exclude(pk=contact.pk)
    if contact.primary and contact.active:
        others.update(primary=False)
    elif contact.active and contact._state.adding and not others.exists():
        contact.primary = True


def set_email_state(contact_id: int, state: str, *, actor: Actor, why: str) -> Contact:
    """Record what became of an e-mail address (bounced, complained, verified)."""
    contact = Contact.objects.get(pk=contact_id)
    return save_contact_state(contact, {"email_state": EmailState(state)}, actor=actor, why=why)


def set_phone_state(contact_id: int, state: str, *, actor: Actor, why: str) -> Contact:
    """Record what became of a telephone number (invalid, verified)."""
    contact = Contact.objects.get(pk=contact_id)
    return save_contact_state(contact, {"phone_state": PhoneState(state)}, actor=actor, why=why)


def save_contact_state(
    contact: Contact, changes: Mapping[str, Any], *, actor: Actor, why: str
) -> Contact:
    """Change what we know of a contact, with the reason in the timeline."""
    with transaction.atomic():
        lock_customer(contact.customer_id)
        contact.refresh_from_db()
        difference = _assign(contact, changes)
        if difference:
            contact.save(update_fields=list(difference))
            summary = f"{contact}: {why}"
            _record("contact.state", contact, contact.customer_id, summary, actor, difference)
            touch(contact.customer_id)
    return contact


def save_address(customer_id: int, *, actor: Actor, **fields: Any) -> Address:
    """Set the postal address; the one before stays, inactive, as evidence."""
    with transaction.atomic():
        lock_customer(customer_id)
        current = Address.objects.filter(customer_id=customer_id, active=True).first()
        if current and not _differs(current, fields):
            return current
        address = Address(customer_id=customer_id, **fields)
        _validate(address, exclude=["customer"])
        Address.objects.filter(customer_id=customer_id, active=True).update(active=False)
        address.save(force_insert=True)
        values = {"before": str(current) if current else "", "after": str(address)}
        summary = f"Postal address is now {address}"
        _record("address.changed", address, customer_id, summary, actor, values)
        touch(customer_id)
    return address


def agree_terms(
    customer_id: int,
    terms: PaymentTerms,
    *,
    actor: Actor,
    agreed_by: str,
    agreed_on: date,
    reference: str = "",
    interest: Decimal | None = None,
) -> TermsAgreement:
    """Record who agreed to which terms, and when (R6). `interest` is percent a month."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        agreement = TermsAgreement.objects.create(
            customer=customer,
            terms=terms,
            agreed_by=agreed_by,
            agreed_on=agreed_on,
            reference=reference,
            interest_percent_per_month=interest,
            recorded_by_id=actor.id,
        )
        customer.terms = terms
        customer.save(update_fields=["terms"])
        summary = f"Terms agreed: {terms}, by {agreed_by} on {agreed_on}"
        _record("terms.agreed", agreement, customer_id, summary, actor)
    return agreement


def set_parent(
    customer_id: int, parent: Customer | None, notices: str, *, actor: Actor
) -> Customer:
    """Who pays for this customer, and who gets the notices; one level only."""
    with transaction.atomic():
        wanted = sorted({customer_id, *([parent.pk] if parent else [])})
        locked = {pk: lock_customer(pk) for pk in wanted}
        customer, parent = locked[customer_id], locked[parent.pk] if parent else None
        _check_parent(customer, parent)
        before = customer.parent
        customer.parent = parent
        customer.parent_notice = ParentNotice(notices) if parent else ParentNotice.OWN
        customer.save(update_fields=["parent", "parent_notice"])
        said = f"{parent} pays; {customer.get_parent_notice_display().lower()}" if parent else ""
        summary = f"Paying parent: {said or 'none, they pay themselves'}"
        values = {"before": str(before or ""), "after": str(parent or "")}
        _record("customer.parent", customer, customer_id, summary, actor, values)
        for each in {customer_id, *(row.pk for row in (before, parent) if row is not None)}:
            touch(each)
    return customer


def _check_parent(customer: Customer, parent: Customer | None) -> None:
    if parent is None:
        return
    if parent.pk == customer.pk:
        raise ServiceError("An account does not pay for itself through itself.")
    if parent.parent_id is not None:
        raise ServiceError(f"{parent} has a paying parent itself; choose that one.")
    if customer.children.exists():
        raise ServiceError(f"{customer} pays for others, so it cannot have a parent itself.")
    if parent.internal or customer.internal:
        raise ServiceError("Our own mail accounts belong to nobody.")


def set_legal_stop(
    customer_id: int, kind: str, *, on: date, actor: Actor, why: str = ""
) -> Customer:
    """Stop every follow-up of a customer (represented, insolvent …); "" releases it."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        before, customer.legal_stop = customer.legal_stop, LegalStop(kind)
        customer.legal_stop_since = on if kind else None
        customer.save(update_fields=["legal_stop", "legal_stop_since"])
        label = customer.get_legal_stop_display() if kind else "released"
        summary = f"Legal stop: {label}" + (f" ({why})" if why else "")
        values = {"before": before, "after": kind}
        _record("customer.legal_stop", customer, customer_id, summary, actor, values)
        touch(customer_id)
    return customer


def primary_contact(customer_id: int, role: str = ContactRole.PAYABLES) -> Contact | None:
    """The active contact of a role: its primary, else the first added."""
    contacts = Contact.objects.filter(customer_id=customer_id, role=role, active=True)
    return contacts.order_by("-primary", "id").first()


def _assign(row: Model, changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set changed fields; answers {field: [before, after]} in plain values."""
    difference: dict[str, list[Any]] = {}
    for name, value in changes.items():
        before = getattr(row, name)
        if before != value:
            setattr(row, name, value)
            difference[name] = [_plain(before), _plain(value)]
    if difference:
        _validate(row, exclude=["customer"])
    return difference


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Model) else value


def _differs(row: Model, fields: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in fields.items())


def _validate(row: Model, exclude: list[str] | None = None) -> None:
    try:
        row.clean_fields(exclude=exclude)
    except ValidationError as error:
        parts = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
        raise ServiceError(" ".join(parts)) from error


def _names(difference: Mapping[str, Any]) -> str:
    return ", ".join(name.replace("_", " ") for name in difference)


def _record(
    verb: str,
    row: Model,
    customer_id: int,
    summary: str,
    actor: Actor,
    values: Mapping[str, Any] | None = None,
) -> None:
    entry = Entry(
        verb=verb,
        object_type=row._meta.model_name or "",
        object_id=row.pk,
        summary=summary,
        customer_id=customer_id,
        values=values or {},
    )
    events.record(entry, actor=actor)
