"""Facts of a page of customers in a fixed number of queries, however many items they have."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from customers.models import Customer
from dunning.facts import rows
from dunning.facts.build import Build, Case, Page
from dunning.facts.family import fold, payers
from dunning.facts.ground import Ground


def load_cases(customers: Sequence[Customer], today: date, ground: Ground) -> list[Case]:
    """One case per customer, in the order given. 24 queries, plus three where a running
    case keeps a policy version that was not loaded yet."""
    ids = [customer.pk for customer in customers]
    page = _read(ids, today, ground)
    pinned = {row["policy_version_id"] for found in page.follow_ups.values() for row in found}
    ground.know(pinned - {None})
    return [Build(page, customer).case() for customer in customers]


def _read(ids: list[int], today: date, ground: Ground) -> Page:
    family = payers(ids)
    wide = sorted({*ids, *family})
    read, enrolled = _rows_of(wide, today), rows.enrolments(wide)
    return Page(
        today=today,
        ground=ground,
        contacts=rows.contacts(ids),
        postal=rows.postal(ids),
        placed=rows.placed(ids),
        same_mailbox=rows.same_mailbox(ids, today),
        policy_of_customer={c: policy for policy, c, _ in enrolled if c is not None},
        policy_of_invoice={i: policy for policy, _, i in enrolled if i is not None},
        tags=rows.tags(ids),
        **(fold(read, family) if family else read),
    )


def _rows_of(ids: list[int], today: date) -> dict[str, Any]:
    """What belongs to a customer's ledger and history, of the children it pays for too."""
    return {
        "invoices": rows.open_invoices(ids, today),
        "instalments": rows.instalments(ids),
        "disputes": rows.disputes(ids),
        "holds": rows.holds(ids),
        "promises": rows.promises(ids, today),
        "promise_items": rows.promise_items(ids, today),
        "plans": rows.plans(ids),
        "missed": rows.missed_instalments(ids, today),
        "credit_notes": rows.credit_notes(ids, today),
        "unapplied": rows.unapplied_payments(ids, today),
        "newest_payment": rows.newest_payments(ids, today),
        "lately_paid": rows.lately_paid(ids, today),
        "contact_history": rows.contact_history(ids, today),
        "item_history": rows.item_history(ids),
        "inbound": rows.inbound(ids, today),
        "follow_ups": rows.follow_ups(ids),
    }
