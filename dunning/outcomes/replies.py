"""Replies of customers: unread ones hold the next step (rule 8)."""

from datetime import datetime

from django.db import transaction

from arfollow.shared.events import Actor
from customers.services import lock_customer, touch
from dunning.models import Inbound
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
