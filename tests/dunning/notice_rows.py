"""Attempts and what their notices tell."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from customers.models import Customer
from dunning.delivery.notice import notice_of
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    Tone,
)
from dunning.wording.notice import Notice
from invoices.models import Invoice
from tests import make

TODAY = make.TODAY


def attempt(customer: Customer, tone: str = Tone.FIRM, **fields: Any) -> ContactAttempt:
    values: dict[str, Any] = {
        "channel": Channel.EMAIL,
        "planned_on": TODAY,
        "local_date": TODAY,
        "dedupe_key": f"key-{ContactAttempt.objects.count()}",
        "pay_by": TODAY + timedelta(days=9),
        "automatic": False,
    } | fields
    return ContactAttempt.objects.create(customer=customer, tone=tone, **values)


def names(
    row: ContactAttempt, invoice: Invoice, amount: str = "", part: str = "please_pay", **more: Any
) -> AttemptItem:
    due = (TODAY - invoice.due_date).days
    values: dict[str, Any] = {
        "currency": invoice.currency,
        "amount": Decimal(amount or invoice.open_amount),
        "days_late": due,
    } | more
    return AttemptItem.objects.create(attempt=row, invoice=invoice, part=part, **values)


def late(customer: Customer, amount: str = "100.00", days: int = 40, **fields: Any) -> Invoice:
    return make.invoice(customer, amount, TODAY - timedelta(days=days), **fields)


def told(row: ContactAttempt) -> Notice:
    return notice_of(ContactAttempt.objects.get(pk=row.pk), today=TODAY)


def reached(customer: Customer, invoice: Invoice, on: date, **fields: Any) -> ContactAttempt:
    values: dict[str, Any] = {
        "state": AttemptState.SENT,
        "done_on": on,
        "reached_on": on,
        "local_date": on,
        "message_id": f"<{on}@x.test>",
    } | fields
    row = attempt(customer, **values)
    names(row, invoice)
    return row
