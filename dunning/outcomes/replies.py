"""Replies of customers: unread ones hold the next step (rule 8)."""

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.shared.mailread import Mail
from customers.models import Contact, Customer
from customers.services import lock_customer, touch
from dunning.delivery.kept import keep
from dunning.models import ContactAttempt, Inbound
from dunning.outcomes.notes import leave_event


def read_reply(inbound_id: int, *, actor: Actor, now: datetime) -> Inbound:
    """Somebody read it and did what it asks for; steps go on. Twice is harmless."""
    with transaction.atomic():
        reply = Inbound.objects.get(pk=inbound_id)
        if reply.customer_id is not None:
            lock_customer(reply.customer_id)
        unread = Inbound.objects.filter(pk=inbound_id, read_at__isnull=True)
        if unread.update(read_at=now, read_by_id=actor.id) and reply.customer_id is not None:
            said = f"Read the reply “{reply}”"
            leave_event("reply.read", reply, reply.customer_id, said, actor)
            touch(reply.customer_id)
    reply.refresh_from_db()
    return reply


class KnownAlready(ServiceError):
    """The message was taken in before; `reply` is it."""

    def __init__(self, reply: Inbound) -> None:
        super().__init__("This message is here already.")
        self.reply = reply


def take_in(mail: Mail, *, actor: Actor, now: datetime, customer_id: int | None = None) -> Inbound:
    """Keep a message that came by e-mail as a reply; unread, it holds the next step.

    Whose it is: what the person says, else whose message it answers, else whose address it
    comes from; where that is nobody or several it has no customer yet. A message that is
    there is refused (KnownAlready).
    """
    answered = _answered(mail)
    found = customer_id or (answered.customer_id if answered else None) or _sender(mail)
    with transaction.atomic():
        if found is not None:
            lock_customer(found)
        known = Inbound.objects.filter(message_id=mail.message_id).first()
        if known is not None:
            raise KnownAlready(known)
        same = answered is not None and answered.customer_id == found
        reply = Inbound.objects.create(
            customer_id=found,
            attempt=answered if same else None,
            received_at=min(mail.at or now, now),
            from_address=mail.sender,
            subject=mail.subject,
            text=mail.text,
            message_id=mail.message_id,
            attachments=[asdict(file) for file in mail.files],
            original=keep(mail.raw, content_type="message/rfc822", name="reply.eml"),
            auto_reply=mail.automatic,
            added_by_id=actor.id,
        )
        _tell(reply, actor)
    return reply


def assign_reply(inbound_id: int, customer_id: int, *, actor: Actor) -> Inbound:
    """Say whose message it is; from now on it holds that customer's next step."""
    with transaction.atomic():
        lock_customer(customer_id)
        reply = Inbound.objects.get(pk=inbound_id)
        if reply.customer_id is not None and reply.customer_id != customer_id:
            raise ServiceError("Somebody has assigned it to another customer meanwhile.")
        if reply.customer_id is None:
            reply.customer_id = customer_id
            reply.save(update_fields=["customer"])
            _tell(reply, actor)
    return reply


def may_be_from(address: str) -> list[Customer]:
    """Customers who have a contact with this address."""
    if not address:
        return []
    mine = Contact.objects.filter(email__iexact=address, active=True)
    found = Customer.objects.filter(pk__in=mine.values("customer"), merged_into=None)
    return list(found.order_by("name")[:20])


def _answered(mail: Mail) -> ContactAttempt | None:
    """The message of ours that it answers, the nearest first."""
    ours = {
        row.message_id: row for row in ContactAttempt.objects.filter(message_id__in=mail.answers)
    }
    return next((ours[each] for each in mail.answers if each in ours), None)


def _sender(mail: Mail) -> int | None:
    found = may_be_from(mail.sender)
    return found[0].pk if len(found) == 1 else None


def _tell(reply: Inbound, actor: Actor) -> None:
    if reply.customer_id is None:
        return
    kind = "Automatic reply" if reply.auto_reply else "Reply"
    leave_event("reply.received", reply, reply.customer_id, f"{kind}: {reply}", actor)
    touch(reply.customer_id)
