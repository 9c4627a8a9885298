"""Who looks after whom: one customer, or everything a colleague has (R76)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import F

from arfollow.shared import events
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, Entry
from arfollow.staff.models import OwnerRule, User
from customers.models import Customer
from customers.services import update_customer
from dunning.models import Task, TaskStatus
from invoices.models import Dispute, DisputeStatus, Invoice

PAGE = 500


@dataclass(frozen=True, slots=True)
class HandOver:
    """What changes hands, for the page that asks before it."""

    customers: int
    overdue: int
    tasks: int
    disputes: int
    rules: int


def assign(customer_id: int, owner: User | None, *, actor: Actor) -> Customer:
    """Give one customer to somebody, and with it the open tasks of whoever had it."""
    if owner is not None and not owner.may_write:
        raise ServiceError(f"{owner} cannot work on customers.")
    with transaction.atomic():
        before = Customer.objects.filter(pk=customer_id).values_list("owner_id", flat=True).first()
        customer = update_customer(customer_id, {"owner": owner}, actor=actor)
        tasks = Task.objects.filter(customer=customer_id, status=TaskStatus.OPEN)
        tasks.filter(assigned_to=before).update(assigned_to=owner)
    return customer


def preview_hand_over(giver: User, today: date) -> HandOver:
    """How much a colleague has; nothing is changed."""
    mine = Customer.objects.filter(owner=giver, merged_into=None)
    late = Invoice.objects.filter(customer__owner=giver, open_amount__gt=0, next_due_date__lt=today)
    return HandOver(
        customers=mine.count(),
        overdue=late.values("customer").distinct().count(),
        tasks=Task.objects.filter(assigned_to=giver, status=TaskStatus.OPEN).count(),
        disputes=Dispute.objects.filter(owner=giver, status=DisputeStatus.OPEN).count(),
        rules=OwnerRule.objects.filter(owner=giver).count(),
    )


def hand_over(giver: User, taker: User, *, actor: Actor, why: str) -> int:
    """Give all of a colleague's customers, open tasks, disputes and rules for new customers to
    another; answers how many customers. Each has its own event."""
    if giver == taker:
        raise ServiceError("Choose somebody else to take them.")
    if not taker.may_write:
        raise ServiceError(f"{taker} cannot work on customers.")
    with transaction.atomic():
        mine = Customer.objects.select_for_update(no_key=True).filter(owner=giver).order_by("pk")
        ids = list(mine.values_list("pk", flat=True))
        for start in range(0, len(ids), PAGE):
            _page(ids[start : start + PAGE], giver, taker, actor, why)
        Task.objects.filter(assigned_to=giver, status=TaskStatus.OPEN).update(assigned_to=taker)
        Dispute.objects.filter(owner=giver, status=DisputeStatus.OPEN).update(owner=taker)
        OwnerRule.objects.filter(owner=giver).update(owner=taker)
        words = f"{len(ids)} customers of {giver} handed over to {taker}" + (
            f": {why}" if why else ""
        )
        events.record(Entry("owner.handed_over", "user", giver.pk, words), actor=actor)
    return len(ids)


def _page(ids: Sequence[int], giver: User, taker: User, actor: Actor, why: str) -> None:
    rows = Customer.objects.filter(pk__in=ids)
    rows.update(owner=taker, ledger_seq=F("ledger_seq") + 1)
    words = f"Handed over from {giver} to {taker}" + (f": {why}" if why else "")
    values = {"owner": [str(giver), str(taker)]}
    entries = [Entry("customer.owner", "customer", pk, words, pk, values) for pk in ids]
    events.record_many(entries, actor=actor)
