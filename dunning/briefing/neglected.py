"""Neglected money: overdue without owner or next action (glossary)."""

from datetime import date
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from customers.models import LegalStop
from dunning.models import (
    AttemptItem,
    AttemptState,
    FollowUp,
    Hold,
    PaymentPlan,
    PlanStatus,
    PromiseItem,
    PromiseStatus,
    Task,
    TaskStatus,
)
from invoices.models import Dispute, DisputeStatus, Invoice

PENDING = (
    AttemptState.PLANNED,
    AttemptState.CLAIMED,
    AttemptState.SENDING,
    AttemptState.HELD,
    AttemptState.UNKNOWN,
)


def neglected_invoices(today: date) -> QuerySet[Invoice]:
    """Overdue invoices that nobody owns, or for which nothing is to happen."""
    late = Invoice.objects.filter(open_amount__gt=0, next_due_date__lt=today)
    return late.filter(Q(customer__owner=None) | ~_has_next_action(today))


def neglected_by_currency(today: date) -> dict[str, tuple[int, Decimal]]:
    """How many such invoices there are, and their open amounts."""
    rows = neglected_invoices(today).order_by().values_list("currency")
    found = rows.annotate(count=Count("id"), sum=Sum("open_amount"))
    return {currency: (count, amount) for currency, count, amount in found}


def _has_next_action(today: date) -> Q:
    """A date of the policy first (most have one), then all else that somebody waits for.

    A customer with an agency, a solicitor or a court is in the hands of those.
    """
    invoice, customer = OuterRef("pk"), OuterRef("customer")
    whole_or_this = Q(invoice=invoice) | Q(invoice=None)
    return (
        Q(Exists(FollowUp.objects.filter(invoice=invoice, next_on__isnull=False)))
        | ~Q(customer__legal_stop=LegalStop.NONE)
        | Exists(AttemptItem.objects.filter(invoice=invoice, attempt__state__in=PENDING))
        | Exists(PromiseItem.objects.filter(invoice=invoice, promise__status=PromiseStatus.OPEN))
        | Exists(Task.objects.filter(whole_or_this, customer=customer, status=TaskStatus.OPEN))
        | Exists(
            Hold.objects.filter(
                whole_or_this, customer=customer, released_on=None, ends_on__gte=today
            )
        )
        | Exists(
            PaymentPlan.invoices.through.objects.filter(
                invoice=invoice, paymentplan__status=PlanStatus.ACTIVE
            )
        )
        | Exists(
            Dispute.objects.filter(
                Q(owner__isnull=False) | Q(target_date__isnull=False),
                invoice=invoice,
                status=DisputeStatus.OPEN,
            )
        )
    )
