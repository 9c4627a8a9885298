"""Plans of an import, from rows as a file has them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from invoices.imports.plan import (
    Choices,
    Known,
    KnownCustomer,
    KnownInvoice,
    Plan,
    make_plan,
)
from tests.rules.lists import own, read_rows

AS_OF = date(2026, 3, 31)


def plan(
    *rows: Mapping[str, str], known: Known | None = None, as_of: date = AS_OF, **more: str
) -> Plan:
    """The plan for rows of our own template."""
    extra = sorted({name for row in rows for name in row} & {"reminded", "reminded_on", "status"})
    reading = read_rows(own(*rows, extra=extra))
    return make_plan(reading, known or Known(), Choices(as_of, **more))


INVOICE = KnownInvoice(
    id=7,
    number="00042",
    customer_id=3,
    customer_key="0017",
    issue_date=date(2026, 1, 5),
    due_date=date(2026, 2, 4),
    terms_text="",
    currency="USD",
    amount=Decimal("100.00"),
    open_amount=Decimal("100.00"),
)
CUSTOMER = KnownCustomer(3, "0017", "Blue Door Bakery")


def ledger(invoice: KnownInvoice = INVOICE, customer: KnownCustomer = CUSTOMER) -> Known:
    """A ledger that holds one customer and one invoice."""
    return Known({customer.key: customer}, {invoice.number: invoice})


def messages(found: Plan) -> list[str]:
    return [one.message for one in found.warnings]
