"""The only writers of the ledger. Import them from here.

Every change locks the customer first (DELIVERY §3.5), keeps the derived columns, leaves
an event and raises `customer.ledger_seq`, all in one transaction.
"""

from invoices.services.adjustments import add_charge, waive_charge, write_off
from invoices.services.cash import (
    add_credit_note,
    allocate,
    record_payment,
    reverse_payment,
)
from invoices.services.derived import refresh_credits, refresh_invoices
from invoices.services.disputes import Credit, assign_dispute, open_dispute, resolve_dispute
from invoices.services.invoices import NewInstalment, NewLine, add_invoice, attach_original
from invoices.services.withdrawn import withdraw_dispute

__all__ = [
    "Credit",
    "NewInstalment",
    "NewLine",
    "add_charge",
    "add_credit_note",
    "add_invoice",
    "allocate",
    "assign_dispute",
    "attach_original",
    "open_dispute",
    "record_payment",
    "refresh_credits",
    "refresh_invoices",
    "resolve_dispute",
    "reverse_payment",
    "waive_charge",
    "withdraw_dispute",
    "write_off",
]
