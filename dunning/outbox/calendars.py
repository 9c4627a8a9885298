"""Whose business days a message follows."""

from arfollow.shared.workdays import Calendar, Period
from arfollow.staff.models import Company, QuietPeriod
from customers.models import Customer
from dunning.models import Hold, HoldReason


def our_quiet_periods() -> tuple[Period, ...]:
    """Days on which we chase nobody."""
    rows = QuietPeriod.objects.order_by("starts_on").values_list("starts_on", "ends_on")
    return tuple((start, end) for start, end in rows)


def customer_calendar(customer: Customer) -> Calendar:
    """Business days of the customer's country, without quiet periods (ours and theirs)."""
    held = Hold.objects.filter(
        customer=customer, invoice=None, reason=HoldReason.QUIET, released_on=None
    )
    theirs = tuple((start, end) for start, end in held.values_list("starts_on", "ends_on"))
    return Calendar(customer.country, customer.region or None, quiet=our_quiet_periods() + theirs)


def our_calendar(company: Company) -> Calendar:
    """Our own business days."""
    return Calendar(company.country, company.region or None, quiet=our_quiet_periods())
