"""A row of the worklist in words: what is to be done, why, for whom, and where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, QuerySet

from customers.models import Customer
from dunning.models import (
    AttemptKind,
    Channel,
    ContactAttempt,
    Inbound,
    LetterStatus,
    Promise,
    Task,
)
from dunning.worklist.sources import mail_beside
from invoices.models import Dispute


@dataclass(slots=True)
class Money:
    """What a customer owes in one currency."""

    currency: str
    overdue: Decimal
    count: int
    oldest: int
    disputed: Decimal


@dataclass(slots=True)
class Work:
    """One row: what is to be done, why, for whom, and where it is done."""

    kind: str
    label: str
    why: str
    since: date
    age: int
    customer: Customer | None
    url_name: str
    url_pk: int
    query: str = ""
    tone: str = ""
    money: list[Money] = field(default_factory=list)
    last_contact: ContactAttempt | None = None
    promise: Promise | None = None
    mark: str = ""
    priority: str = ""
    hour: datetime | None = None
    row: Any = None


READERS: Mapping[str, QuerySet[Any]] = {
    "attempt": ContactAttempt.objects.select_related(
        "customer__owner", "customer__priority", "lead_invoice", "promise", "letter"
    )
    .annotate(with_mail=Exists(mail_beside()))
    .defer("content"),
    "task": Task.objects.select_related(
        "customer__owner", "customer__priority", "assigned_to", "invoice"
    ),
    "reply": Inbound.objects.select_related("customer__owner", "customer__priority").defer("text"),
    "dispute": Dispute.objects.select_related(
        "invoice__customer__owner", "invoice__customer__priority"
    ),
}
READ_BY: Mapping[str, str] = {
    "unknown": "attempt",
    "reply": "reply",
    "approval": "attempt",
    "agreed": "task",
    "broken": "attempt",
    "call": "attempt",
    "letter": "attempt",
    "no_address": "attempt",
    "dispute": "dispute",
    "task": "task",
}


def _tone(row: Any) -> str:
    """The tone of a contact with the customer; a call about a promise has none of its own."""
    if not isinstance(row, ContactAttempt) or row.kind == AttemptKind.PROMISE_FOLLOW_UP:
        return ""
    return "" if row.tone == "internal" else row.tone


def _work(kind: str, row: Any, day: date, today: date, **more: Any) -> Work:
    customer = row.invoice.customer if isinstance(row, Dispute) else row.customer
    age = max((today - day).days, 0)
    return Work(kind=kind, tone=_tone(row), since=day, age=age, customer=customer, row=row, **more)


def _say_unknown(row: ContactAttempt, day: date, today: date) -> Work:
    return _work(
        "unknown",
        row,
        day,
        today,
        label="Did it arrive?",
        why="Whether this message left is not known; nothing else is sent until you decide.",
        url_name="attempt-detail",
        url_pk=row.pk,
    )


def _say_reply(row: Inbound, day: date, today: date) -> Work:
    why = f"“{row.subject or 'No subject'}” from {row.from_address or 'the customer'}"
    return _work(
        "reply",
        row,
        day,
        today,
        label="Read the reply",
        why=why,
        url_name="reply-read",
        url_pk=row.pk,
    )


def _say_approval(row: ContactAttempt, day: date, today: date) -> Work:
    label = f"Approve: {_name_of(row)}"
    return _work(
        "approval",
        row,
        day,
        today,
        label=label,
        why=row.reason_text,
        url_name="attempt-detail",
        url_pk=row.pk,
    )


def _name_of(row: ContactAttempt) -> str:
    if row.kind != AttemptKind.LADDER:
        return str(row.get_kind_display()).lower()
    if row.tone == "final" and row.channel == Channel.LETTER and getattr(row, "with_mail", False):
        return "final demand by e-mail and letter"
    if row.tone == "final" and row.channel in (Channel.EMAIL, Channel.LETTER):
        return f"final demand by {row.get_channel_display().lower()}"
    return str(row.get_channel_display()).lower()


def _say_agreed(row: Task, day: date, today: date) -> Work:
    return _work(
        "agreed",
        row,
        day,
        today,
        label="Call back",
        why=row.title,
        url_name="log-call",
        url_pk=row.customer_id,
        query=f"?task={row.pk}",
        hour=row.due_at,
    )


def _say_broken(row: ContactAttempt, day: date, today: date) -> Work:
    return _work(
        "broken",
        row,
        day,
        today,
        label="Call: promise not kept",
        why=row.reason_text,
        url_name="log-call",
        url_pk=row.customer_id,
        query=f"?attempt={row.pk}",
    )


def _say_call(row: ContactAttempt, day: date, today: date) -> Work:
    return _work(
        "call",
        row,
        day,
        today,
        label=row.get_channel_display(),
        why=row.reason_text,
        url_name="log-call",
        url_pk=row.customer_id,
        query=f"?attempt={row.pk}",
    )


def _say_letter(row: ContactAttempt, day: date, today: date) -> Work:
    letter = getattr(row, "letter", None)
    printed = letter is not None and letter.status == LetterStatus.PRINTED
    name = "final demand" if row.tone == "final" else "letter"
    return _work(
        "letter",
        row,
        day,
        today,
        label=f"{'Post' if printed else 'Print'} the {name}",
        why=row.reason_text,
        url_name="letter-detail" if printed else "letters-print",
        url_pk=letter.pk if printed and letter else 0,
    )


def _say_no_address(row: ContactAttempt, day: date, today: date) -> Work:
    return _work(
        "no_address",
        row,
        day,
        today,
        label="Find an address",
        why=row.reason_text,
        url_name="attempt-detail",
        url_pk=row.pk,
    )


def _say_dispute(row: Dispute, day: date, today: date) -> Work:
    why = f"{row.get_reason_display()}: {row.amount} of {row.invoice.number}"
    return _work(
        "dispute",
        row,
        day,
        today,
        label="Resolve the dispute",
        why=why,
        url_name="dispute-close",
        url_pk=row.pk,
    )


def _say_task(row: Task, day: date, today: date) -> Work:
    return _work(
        "task",
        row,
        day,
        today,
        label=row.get_kind_display(),
        why=row.title,
        url_name="task-done",
        url_pk=row.pk,
    )


DESCRIBE: Mapping[str, Callable[[Any, date, date], Work]] = {
    "unknown": _say_unknown,
    "reply": _say_reply,
    "approval": _say_approval,
    "agreed": _say_agreed,
    "broken": _say_broken,
    "call": _say_call,
    "letter": _say_letter,
    "no_address": _say_no_address,
    "dispute": _say_dispute,
    "task": _say_task,
}
