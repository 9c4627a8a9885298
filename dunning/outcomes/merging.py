"""Merging an account into another: everything moves, nothing is lost, nothing is said twice.

Both customers are locked. What was sent stays as it was, with the account it was made for;
the history of both is shown as one, for events are never rewritten. It cannot be undone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F, Model
from django.db.models.fields.reverse_related import ForeignObjectRel

from arfollow.shared import events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from customers.models import Address, Contact, Customer, EmailState, PhoneState
from customers.services import touch
from dunning.models import (
    PLACED,
    AttemptRecipient,
    AttemptState,
    ContactAttempt,
    Letter,
    LetterStatus,
    Placement,
    SendSwitch,
    SwitchScope,
)
from dunning.outbox import moves
from dunning.outcomes.record import keep_record

WAITING = (AttemptState.PLANNED, AttemptState.HELD)
PROJECTIONS = frozenset({"CustomerFollowUp", "Priority", "Exposure", "Enrolment"})
"""Made anew from the rest by the next run; the survivor's own policy holds."""
OWN_WAY = frozenset({"Customer", "Contact", "Address", "ContactAttempt"})
MERGED = "merged"
SAID = "The account was merged; the next run looks at both together."


@dataclass(frozen=True, slots=True)
class Plan:
    """What a merge does, for the page that asks before it."""

    moves: list[tuple[str, int]]
    cancels: int
    remarks: list[str]


def preview_merge(absorbed: Customer, survivor: Customer) -> Plan:
    """What moves, what is taken out of the outbox, what a person should know."""
    found = []
    for rel, model in _relations():
        count = _rows(model, rel.field.name, absorbed).count()
        if count and model.__name__ not in PROJECTIONS:
            found.append((str(model._meta.verbose_name_plural), count))
    return Plan(found, len(_superseded(absorbed, survivor)), list(_remarks(absorbed, survivor)))


def refusal(absorbed: Customer, survivor: Customer) -> str:
    """Why these two cannot be merged now, in a sentence; empty where they can."""
    if absorbed.pk == survivor.pk:
        return "Choose another account; this is the same one."
    for one in (absorbed, survivor):
        if one.merged_into_id is not None:
            return f"{one} was merged already."
        if one.internal:
            return f"{one} carries our own mails."
    both = [absorbed.pk, survivor.pk]
    if ContactAttempt.objects.filter(customer__in=both, state__in=moves.IN_FLIGHT).exists():
        return "A message to one of them is on its way at this moment; try again in a minute."
    if Placement.objects.filter(customer=absorbed, status__in=PLACED).exists():
        return f"{absorbed} is placed with an agency; recall it first."
    printed = Letter.objects.filter(attempt__customer=absorbed, status=LetterStatus.PRINTED)
    if printed.filter(attempt__state__in=WAITING).exists():
        return f"A printed letter to {absorbed} waits to be posted; post it or pull it first."
    return ""


def merge(absorbed_id: int, survivor_id: int, *, actor: Actor, today: date) -> Customer:
    """Move everything of one account to another. ServiceError says why not."""
    with transaction.atomic():
        absorbed, survivor = _locked(absorbed_id, survivor_id)
        reason = refusal(absorbed, survivor)
        if reason:
            raise ServiceError(reason)
        plan = preview_merge(absorbed, survivor)
        for attempt_id in _superseded(absorbed, survivor):
            moves.cancel(attempt_id, reason=MERGED, text=SAID)
        twins = _move_contacts(absorbed, survivor)
        _move_rows(absorbed, survivor)
        _redirect_waiting(survivor, twins)
        _carry_over(absorbed, survivor, today)
        _tell(absorbed, survivor, plan, actor)
        keep_record(survivor.pk)
        touch(survivor.pk)
        survivor.refresh_from_db()
    return survivor


def _locked(absorbed_id: int, survivor_id: int) -> tuple[Customer, Customer]:
    """Both rows, locked in the order of everyone who locks several."""
    rows = Customer.objects.select_for_update(no_key=True).filter(pk__in=[absorbed_id, survivor_id])
    found = {row.pk: row for row in rows.order_by("pk")}
    if absorbed_id not in found or survivor_id not in found:
        raise ServiceError("One of the accounts is not there.")
    return found[absorbed_id], found[survivor_id]


def _relations() -> Iterator[tuple[ForeignObjectRel, type[Model]]]:
    """Every table that names a customer, but the customers themselves."""
    for rel in Customer._meta.related_objects:
        model = rel.related_model
        if isinstance(model, type) and model is not Customer:
            yield rel, model


def _rows(model: type[Model], name: str, customer: Customer) -> Any:
    return model._default_manager.filter(**{name: customer})


def _superseded(absorbed: Customer, survivor: Customer) -> list[int]:
    """What the policy planned for either: the next run decides for both together. What waits
    for approval at the survivor stays, and so does what a person wrote or was asked for."""
    planned = ContactAttempt.objects.filter(automatic=True, state__in=WAITING)
    theirs = planned.filter(customer=absorbed)
    ours = planned.filter(customer=survivor, state=AttemptState.PLANNED)
    return [*theirs.values_list("pk", flat=True), *ours.values_list("pk", flat=True)]


def _move_contacts(absorbed: Customer, survivor: Customer) -> dict[int, int]:
    """People move too. One who is known already stays as a record, and what is known to be
    bad of an address (bounced, do not write) holds for both; answers the pairs."""
    known = {c.email: c for c in survivor.contacts.filter(active=True) if c.email}
    roles = set(survivor.contacts.filter(primary=True, active=True).values_list("role", flat=True))
    twins: dict[int, int] = {}
    for contact in absorbed.contacts.order_by("pk"):
        twin = known.get(contact.email)
        if twin is not None:
            _worse_of_both(contact, twin)
            twins[contact.pk] = twin.pk
            contact.active = False
            contact.note = f"Same as {twin}. {contact.note}"[:300]
        if contact.primary and contact.active and contact.role in roles:
            contact.primary = False
        contact.customer = survivor
        contact.save(update_fields=["customer", "active", "primary", "note"])
    has_address = Address.objects.filter(customer=survivor, active=True).exists()
    addresses = Address.objects.filter(customer=absorbed)
    addresses.update(customer=survivor, **({"active": False} if has_address else {}))
    return twins


def _worse_of_both(gone: Contact, twin: Contact) -> None:
    twin.do_not_email |= gone.do_not_email
    bad = (EmailState.BOUNCED, EmailState.COMPLAINED)
    if gone.email_state in bad and twin.email_state not in bad:
        twin.email_state = gone.email_state
    if gone.phone and gone.phone == twin.phone:
        twin.do_not_call |= gone.do_not_call
        if gone.phone_state == PhoneState.INVALID:
            twin.phone_state = gone.phone_state
    twin.save(update_fields=["do_not_email", "email_state", "do_not_call", "phone_state"])


def _move_rows(absorbed: Customer, survivor: Customer) -> None:
    Customer.objects.filter(parent=absorbed).exclude(pk=survivor.pk).update(parent=survivor)
    Customer.objects.filter(merged_into=absorbed).update(merged_into=survivor)
    for rel, model in _relations():
        rows = _rows(model, rel.field.name, absorbed)
        if model.__name__ in PROJECTIONS:
            rows.delete()
        elif model.__name__ not in OWN_WAY:
            rows.update(**{rel.field.name: survivor})
    attempts = ContactAttempt.objects.filter(customer=absorbed)
    attempts.filter(moved_from=None).update(moved_from=absorbed)
    attempts.update(customer=survivor)


def _redirect_waiting(survivor: Customer, twins: dict[int, int]) -> None:
    """What a person wrote or was asked for still goes, to the contact that stays."""
    for gone, twin in twins.items():
        waiting = AttemptRecipient.objects.filter(
            contact=gone, attempt__customer=survivor, attempt__state__in=WAITING
        )
        waiting.update(contact=twin)


def _carry_over(absorbed: Customer, survivor: Customer, today: date) -> None:
    """Stops of either hold for the survivor; the old number leads to it from now on."""
    if absorbed.legal_stop and not survivor.legal_stop:
        survivor.legal_stop = absorbed.legal_stop
        survivor.legal_stop_since = absorbed.legal_stop_since
    if absorbed.credit_stop and not survivor.credit_stop:
        survivor.credit_stop = True
        survivor.credit_stop_since = absorbed.credit_stop_since
        survivor.credit_stop_reason = absorbed.credit_stop_reason
    survivor.opted_out_soft |= absorbed.opted_out_soft
    if survivor.parent_id == absorbed.pk:
        survivor.parent_id = absorbed.parent_id if absorbed.parent_id != survivor.pk else None
    for name in ("cannot_pay_reason", "payment_rules", "collection_notes"):
        both = [text for text in (getattr(survivor, name), getattr(absorbed, name)) if text]
        most = Customer._meta.get_field(name).max_length  # type: ignore[union-attr]  # plain columns
        setattr(survivor, name, "\n".join(dict.fromkeys(both))[:most])
    survivor.owner_id = survivor.owner_id or absorbed.owner_id
    survivor.save()
    survivor.tags.add(*absorbed.tags.all())
    for switch in SendSwitch.objects.filter(
        scope=SwitchScope.CUSTOMER, target=str(absorbed.pk), on=True
    ):
        SendSwitch.objects.get_or_create(
            scope=SwitchScope.CUSTOMER,
            target=str(survivor.pk),
            on=True,
            defaults={"reason": switch.reason, "set_by_id": switch.set_by_id},
        )
    Customer.objects.filter(pk=absorbed.pk).update(
        merged_into=survivor,
        merged_on=today,
        parent=None,
        credit_stop=False,
        ledger_seq=F("ledger_seq") + 1,
    )


def _tell(absorbed: Customer, survivor: Customer, plan: Plan, actor: Actor) -> None:
    """An event on each chain; neither is rewritten."""
    counted = ", ".join(f"{count} {name}" for name, count in plan.moves) or "nothing"
    values = {"absorbed": absorbed.number, "survivor": survivor.number, "moved": dict(plan.moves)}
    into = f"Account {absorbed} was merged into this one: {counted}"
    away = f"This account was merged into {survivor}"
    both = [
        Entry("customer.merged", "customer", absorbed.pk, into, survivor.pk, values),
        Entry("customer.merged_away", "customer", survivor.pk, away, absorbed.pk, values),
    ]
    events.record_many(both, actor=actor)


def _remarks(absorbed: Customer, survivor: Customer) -> Iterator[str]:
    if absorbed.currency != survivor.currency:
        yield (
            f"{absorbed.number} is billed in {absorbed.currency}, {survivor.number} in "
            f"{survivor.currency}; invoices keep their currency."
        )
    if absorbed.terms_id != survivor.terms_id:
        yield f"New invoices follow the terms of {survivor.number}: {survivor.terms or 'none'}."
    if absorbed.owner_id and survivor.owner_id and absorbed.owner_id != survivor.owner_id:
        yield f"{survivor.owner} looks after both from now on, instead of {absorbed.owner}."
    if absorbed.legal_stop and not survivor.legal_stop:
        yield f"The legal stop ({absorbed.get_legal_stop_display()}) holds for both from now on."
    if absorbed.credit_stop and not survivor.credit_stop:
        yield "The credit stop holds for both from now on."
    if hasattr(absorbed, "enrolment"):
        yield f"The policy of {survivor.number} is followed, not the one {absorbed.number} had."
