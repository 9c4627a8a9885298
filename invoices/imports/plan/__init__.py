"""What an import will do: rows and the known ledger in, a list of changes out. Pure.

The same rows against the ledger they made give an empty plan. Everything is told as known
at the end of the as-of day: invoices issued later and payments made later do not exist yet
(FACTS section 8).
"""

from invoices.imports.plan.customers import customer_key, plan_customers, warn_of_near_names
from invoices.imports.plan.groups import grouped
from invoices.imports.plan.invoices import InvoicePlanner
from invoices.imports.plan.names import normalised
from invoices.imports.plan.start import HIGHEST_START, TONES
from invoices.imports.plan.types import (
    Choices,
    CustomerGap,
    EarlierDay,
    EndedDispute,
    InvoiceUpdate,
    Known,
    KnownCredit,
    KnownCustomer,
    KnownInvoice,
    NewCredit,
    NewCustomer,
    NewDispute,
    NewInvoice,
    NewPayment,
    Plan,
)
from invoices.imports.readers import Reading

__all__ = [
    "HIGHEST_START",
    "TONES",
    "Choices",
    "CustomerGap",
    "EarlierDay",
    "EndedDispute",
    "InvoiceUpdate",
    "Known",
    "KnownCredit",
    "KnownCustomer",
    "KnownInvoice",
    "NewCredit",
    "NewCustomer",
    "NewDispute",
    "NewInvoice",
    "NewPayment",
    "Plan",
    "customer_key",
    "make_plan",
    "normalised",
]


def make_plan(reading: Reading, known: Known, choices: Choices) -> Plan:
    """Everything to change so that the ledger says what the rows say.

    EarlierDay if the source was imported as of a later day.
    """
    if known.as_of is not None and choices.as_of < known.as_of:
        raise EarlierDay(
            f"This source was imported as of {known.as_of}; {choices.as_of} is earlier."
        )
    plan = Plan(rejected=list(reading.rejected), warnings=list(reading.warnings))
    planner = InvoicePlanner(reading, known, choices, plan)
    for rows in grouped(reading, plan):
        planner.add(rows)
    plan_customers(plan, known, planner.spoken, planner.currency_of)
    if not reading.has_customer_numbers:
        warn_of_near_names(plan, known)
    planner.tally.tell(plan)
    plan.rejected.sort(key=lambda remark: remark.line)
    return plan
