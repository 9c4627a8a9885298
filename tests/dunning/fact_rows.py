"""Facts as they are read on a Monday, and attempts made some days before it."""

from datetime import date, timedelta
from decimal import Decimal

from customers.models import Customer
from dunning.facts import Case, lay_ground, load_cases
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
)
from dunning.policy import (
    CustomerFacts,
    ItemFacts,
)
from invoices.models import Invoice

MONDAY = date(2026, 3, 2)


def late(days: int) -> date:
    return MONDAY - timedelta(days=days)


def case_of(customer: Customer, today: date = MONDAY) -> Case:
    return load_cases([Customer.objects.get(pk=customer.pk)], today, lay_ground())[0]


def facts_of(customer: Customer, today: date = MONDAY) -> CustomerFacts:
    return case_of(customer, today).facts


def item_of(customer: Customer, today: date = MONDAY) -> ItemFacts:
    return facts_of(customer, today).items[0]


def attempt(invoice: Invoice, days_ago: int, **fields: object) -> ContactAttempt:
    """A contact about one invoice that completed its step `d3`."""
    on = late(days_ago)
    values: dict[str, object] = {
        "channel": Channel.EMAIL,
        "tone": "friendly",
        "state": AttemptState.SENT,
        "done_on": on,
        "message_id": f"<{invoice.pk}-{days_ago}@example.test>",
    }
    row = ContactAttempt.objects.create(  # type: ignore[misc]  # the fields of a test
        customer=invoice.customer,
        planned_on=on,
        local_date=on,
        dedupe_key=f"{invoice.pk}:{days_ago}",
        lead_invoice=invoice,
        step_key="d3",
        **(values | fields),
    )
    AttemptItem.objects.create(
        attempt=row,
        invoice=invoice,
        part="please_pay",
        currency="USD",
        amount=Decimal("100.00"),
        completes=True,
        step_key="d3",
        action_key="email",
        offset=3,
        live=row.live,
    )
    return row
