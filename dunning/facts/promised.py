"""What came in towards promises and plans: every cent counts once (rule 8)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from arfollow.shared.money import ZERO
from dunning.models import PaymentPlan, Promise, PromiseItem, PromiseStatus
from invoices.models import Allocation, Payment


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that came in; without an invoice it is not yet matched to one."""

    on: date
    amount: Decimal
    currency: str
    invoice_id: int | None = None


@dataclass(frozen=True, slots=True)
class Pledge:
    """A promise as money fills it: from its first to its last day, up to `amount`."""

    key: int
    first: date
    last: date
    due_on: date
    currency: str
    amount: Decimal
    invoices: frozenset[int]

    def takes(self, money: Money) -> bool:
        """Whether the money came in for it."""
        for_it = money.invoice_id is None or money.invoice_id in self.invoices
        return for_it and money.currency == self.currency and self.first <= money.on <= self.last


def fill(pledges: Iterable[Pledge], monies: Iterable[Money]) -> dict[int, Decimal]:
    """What each pledge received, by key: money in order of its day, the earliest due first."""
    ordered = sorted(pledges, key=lambda pledge: (pledge.due_on, pledge.key))
    received = {pledge.key: ZERO for pledge in ordered}
    for money in sorted(monies, key=lambda money: (money.on, money.invoice_id is None)):
        left = money.amount
        for pledge in ordered:
            if left <= 0:
                break
            if pledge.takes(money):
                part = min(left, pledge.amount - received[pledge.key])
                received[pledge.key] += part
                left -= part
    return received


def received_by_promise(
    customer_id: int, promises: Sequence[Promise], *, until: date
) -> dict[int, Decimal]:
    """What came in for each of a customer's open promises up to a day.

    Money that a settled promise counted already is not counted again.
    """
    if not promises:
        return {}
    since = min(promise.made_on for promise in promises)
    settled = Promise.objects.filter(
        customer_id=customer_id,
        status__in=[PromiseStatus.KEPT, PromiseStatus.PART_KEPT],
        settled_on__gte=since,
    )
    everyone = {row.pk: row for row in (*settled, *promises)}
    invoices: dict[int, set[int]] = {pk: set() for pk in everyone}
    rows = PromiseItem.objects.filter(promise__in=everyone)
    for promise_id, invoice_id in rows.values_list("promise_id", "invoice_id"):
        invoices[promise_id].add(invoice_id)
    pledges = [_pledge(row, frozenset(invoices[pk]), until) for pk, row in everyone.items()]
    first = min(pledge.first for pledge in pledges)
    covered = frozenset().union(*invoices.values())
    filled = fill(pledges, _monies(customer_id, covered, first, until))
    return {promise.pk: filled[promise.pk] for promise in promises}


def paid_towards(promise: Promise, *, until: date) -> Decimal:
    """What came in for one promise since it was made, shared with the customer's others."""
    others = Promise.objects.filter(customer_id=promise.customer_id, status=PromiseStatus.OPEN)
    found = [row for row in others if row.pk != promise.pk]
    return received_by_promise(promise.customer_id, [promise, *found], until=until)[promise.pk]


def received_by_plan(plan: PaymentPlan, *, until: date) -> Decimal:
    """What came in for a plan's invoices since it was agreed; credits given count, too."""
    if plan.agreed_on is None:
        return ZERO
    covered = frozenset(plan.invoices.values_list("pk", flat=True))
    monies = _monies(plan.customer_id, covered, plan.agreed_on, until, credits_too=True)
    came = sum((money.amount for money in monies if money.currency == plan.currency), ZERO)
    return min(came, plan.total)


def _pledge(row: Promise, invoices: frozenset[int], until: date) -> Pledge:
    is_open = row.status == PromiseStatus.OPEN
    return Pledge(
        key=row.pk,
        first=row.made_on,
        last=until if is_open else row.settled_on or until,
        due_on=row.due_on,
        currency=row.currency,
        amount=row.amount if is_open else row.kept_amount,
        invoices=invoices,
    )


def _monies(
    customer_id: int,
    invoices: frozenset[int],
    first: date,
    last: date,
    *,
    credits_too: bool = False,
) -> list[Money]:
    """Payments of a period: what is matched to these invoices, and what is matched to none."""
    allocated = Allocation.objects.filter(
        Q() if credits_too else Q(payment__isnull=False),
        invoice__in=invoices,
        reversed_on__isnull=True,
        effective_on__range=(first, last),
    )
    unapplied = Payment.objects.filter(
        customer_id=customer_id,
        reversed_on__isnull=True,
        received_on__range=(first, last),
        unapplied_amount__gt=0,
    )
    rows = allocated.values_list("effective_on", "amount", "invoice__currency", "invoice_id")
    free = unapplied.values_list("received_on", "unapplied_amount", "currency")
    return [*(Money(*row) for row in rows), *(Money(*row) for row in free)]
