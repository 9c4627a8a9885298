"""Which customers a run looks at: only those something moved for, or whose day has come."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from django.db.models import Exists, F, OuterRef, Q

from customers.models import Contact, Customer, ParentNotice
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    CustomerFollowUp,
    FollowUp,
    FollowUpState,
)
from dunning.policy import Reason
from invoices.models import Invoice

PAGE = 100
LAPSE_FROM = timedelta(days=5)
FIRST_DAYS_OF_MONTH = 7
BROKEN = -2
"""In place of the sequence seen: below every real one, so that the customer stays behind."""


def customers_to_examine(today: date, number: str = "") -> list[int]:
    """Ids in order; a named customer is always examined."""
    if number:
        named = Customer.objects.filter(number=number).values_list("merged_into", "pk")
        return [into or pk for into, pk in named]
    found = {*_moved(), *_reached(today), *_lapsing(today), *_statements(today)}
    found.update(parent for child, parent in _paid_by_parents() if child in found)
    found.update(_beside(found))
    return sorted(found.difference(_broken(today)))


def _paid_by_parents() -> Iterator[tuple[int, int]]:
    """Children and the parents that get one notice for all: what moves one moves the other."""
    rows = Customer.objects.filter(parent__isnull=False, parent_notice=ParentNotice.PARENT)
    return rows.values_list("pk", "parent__pk").iterator()


def pages(ids: Sequence[int], size: int = PAGE) -> Iterator[list[int]]:
    """The ids in pages; a page is one transaction."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def _beside(found: set[int]) -> set[int]:
    """Customers that wait because another account of their mailbox had a message, once something
    moves that account: the message may have been cancelled, or have come back."""
    waiting = FollowUp.objects.filter(reason=Reason.PACE_ADDRESS)
    theirs = Contact.objects.filter(customer__in=waiting.values("customer")).exclude(email="")
    same = Contact.objects.filter(email__in=theirs.values("email"))
    moved = {
        email for email, customer in same.values_list("email", "customer") if customer in found
    }
    pairs = theirs.values_list("email", "customer") if moved else ()
    return {customer for email, customer in pairs if email in moved}


def _broken(today: date) -> Iterator[int]:
    """Customers that could not be planned today: tried again tomorrow, not every minute."""
    rows = CustomerFollowUp.objects.filter(projected_seq=BROKEN, decided_on=today)
    return rows.values_list("customer_id", flat=True).iterator()


def _moved() -> Iterator[int]:
    """Customers whose ledger, contacts or agreements changed since we last looked."""
    unpaid = Invoice.objects.filter(customer=OuterRef("pk"), open_amount__gt=0)
    followed = FollowUp.objects.filter(customer=OuterRef("pk")).exclude(state=FollowUpState.CLOSED)
    rows = Customer.objects.filter(
        Q(follow_up=None) | Q(follow_up__projected_seq__lt=F("ledger_seq"))
    ).filter(Exists(unpaid) | Exists(followed))
    return rows.values_list("pk", flat=True).iterator()


def _reached(today: date) -> Iterator[int]:
    """Customers with a follow-up whose next day has come: the partial index answers."""
    rows = FollowUp.objects.filter(next_on__lte=today).order_by()
    return rows.values_list("customer_id", flat=True).distinct().iterator()


def _lapsing(today: date) -> Iterator[int]:
    """Customers with a call or visit that may lapse today (rule 4)."""
    rows = ContactAttempt.objects.filter(
        state__in=[AttemptState.PLANNED, AttemptState.HELD],
        channel__in=[Channel.CALL, Channel.VISIT],
        local_date__lte=today - LAPSE_FROM,
    )
    return rows.order_by().values_list("customer_id", flat=True).distinct().iterator()


def _statements(today: date) -> Iterator[int]:
    """Overdue customers nobody looked at this month yet, in its first days (R19)."""
    if today.day > FIRST_DAYS_OF_MONTH:
        return iter(())
    overdue = Invoice.objects.filter(
        customer=OuterRef("customer_id"), open_amount__gt=0, next_due_date__lt=today
    )
    rows = CustomerFollowUp.objects.filter(decided_on__lt=today.replace(day=1))
    return rows.filter(Exists(overdue)).values_list("customer_id", flat=True).iterator()
