"""The merge fields a text may use: flat names, values written out beforehand.

A *word* is a piece of a sentence, a *block* stands for a whole table or list and is
rendered by us, a *flag* is only asked for in ``{% if … %}``. Nothing else can be reached
from a text: no objects, no attributes, no methods.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from dunning.wording.formats import (
    amount_due,
    amounts,
    clean,
    counted,
    distinct,
    joined,
    long_date,
)
from dunning.wording.notice import Line, Notice

type Kind = Literal["word", "block", "flag"]
type Value = str | bool

BLOCK_MARK = "\ue000"
"""Private-use character around the name of a block; ``clean`` removes it from values."""

NAMED_INVOICES = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One merge field: what it is, and how its value is made from a notice."""

    name: str
    kind: Kind
    says: str
    value: Callable[[Notice], Value]


def _oldest(notice: Notice) -> Line | None:
    """The item longest past due among those asked for, else the next to fall due."""
    asked = [line for line in notice.please_pay if not line.is_credit and line.due_date]
    coming = [line for table in notice.tables for line in table.not_yet_due if line.due_date]
    return min(asked or coming, key=lambda line: (line.due_date, line.number), default=None)


def _due_date(notice: Notice) -> str:
    line = _oldest(notice)
    return long_date(line.due_date) if line and line.due_date else ""


def _invoice_numbers(notice: Notice) -> str:
    numbers = distinct(clean(line.number) for line in _spoken_lines(notice))
    if len(numbers) <= NAMED_INVOICES:
        return joined(numbers)
    rest = counted(len(numbers) - NAMED_INVOICES, "other", "others")
    return joined([*numbers[:NAMED_INVOICES], rest])


def _spoken_lines(notice: Notice) -> list[Line]:
    """What a sentence is about: the overdue invoices, or those coming up."""
    asked = [line for line in notice.please_pay if not line.is_credit]
    return asked or [line for table in notice.tables for line in table.not_yet_due]


def _terms(notice: Notice) -> str:
    named = distinct(clean(line.terms) for line in _spoken_lines(notice))
    return joined(named) if named else "as printed on each invoice"


def _greeting(notice: Notice) -> str:
    name = clean(notice.recipient.name) or clean(notice.recipient.company)
    return f"Dear {name}" if name else "Hello"


def _payments_note(notice: Notice) -> str:
    through = long_date(notice.received_through)
    return f"This includes payments received by {through}. If you have just paid, thank you."


def _internal(notice: Notice, name: str) -> str:
    facts = notice.internal
    if facts is None:
        return ""
    if name == "next_on":
        return long_date(facts.next_on) if facts.next_on else ""
    return clean(str(getattr(facts, name)))


def _promise(notice: Notice, name: str) -> str:
    promise = notice.promise
    if promise is None:
        return ""
    amount = {"amount": promise.amount, "received": promise.received, "rest": promise.remaining}
    return amounts([(amount[name], promise.currency)])


def _plan(notice: Notice, name: str) -> str:
    plan = notice.plan
    if plan is None:
        return ""
    if name == "count":
        return counted(len(plan.parts), "payment", "payments")
    return amounts([(plan.total, plan.currency)])


def _payment(notice: Notice) -> str:
    paid = notice.payment
    return amounts([(paid.amount, paid.currency)]) if paid else ""


def _word(name: str, says: str, value: Callable[[Notice], str]) -> Field:
    return Field(name, "word", says, value)


def _flag(name: str, says: str, value: Callable[[Notice], bool]) -> Field:
    return Field(name, "flag", says, value)


def _block(name: str, says: str) -> Field:
    return Field(name, "block", says, lambda notice: f"{BLOCK_MARK}{name}{BLOCK_MARK}")


_COMPANY = (
    _word("company_name", "our trading name", lambda n: clean(n.company.short_name)),
    _word("company_legal_name", "our legal name", lambda n: clean(n.company.legal_name)),
    _word("company_phone", "our main telephone number", lambda n: clean(n.company.phone)),
    _word("contact_name", "the person who answers", lambda n: clean(n.contact.name)),
    _word("contact_title", "their job title", lambda n: clean(n.contact.job_title)),
    _word("contact_phone", "their direct telephone", lambda n: clean(n.contact.phone)),
    _word("contact_email", "their e-mail address", lambda n: clean(n.contact.email)),
    _word("payment_link", "where to pay online", lambda n: clean(n.company.payment_link)),
)
_CUSTOMER = (
    _word("greeting", "“Dear” and the name of the recipient", _greeting),
    _word("recipient_name", "the person we write to", lambda n: clean(n.recipient.name)),
    _word("recipient_phone", "the number to call", lambda n: clean(n.recipient.phone)),
    _word("customer_name", "the customer's legal name", lambda n: clean(n.recipient.company)),
    _word("account_number", "the reference to quote", lambda n: clean(n.account)),
)
_MONEY = (
    _word("amount_due", "the total to pay, per currency", lambda n: amount_due(n.tables)),
    _word(
        "amount_not_yet_due",
        "what falls due later, per currency",
        lambda n: amounts((t.amount_not_yet_due, t.currency) for t in n.tables if t.not_yet_due),
    ),
    _word(
        "amount_in_query",
        "what is in query, per currency",
        lambda n: amounts((t.amount_in_query, t.currency) for t in n.tables if t.in_query),
    ),
    _word("invoice_numbers", "the first three numbers, and how many more", _invoice_numbers),
    _word(
        "invoice_count",
        "“1 invoice”, “12 invoices”",
        lambda n: counted(len(_spoken_lines(n)), "invoice", "invoices"),
    ),
    _word("due_date", "the earliest due date in question", _due_date),
    _word(
        "days_late",
        "“49 days”, of the oldest invoice",
        lambda n: counted(line.days_late if (line := _oldest(n)) else 0, "day", "days"),
    ),
    _word("terms", "the payment terms in words", _terms),
    _word("deadline", "the pay-by date", lambda n: long_date(n.deadline) if n.deadline else ""),
    _word("today", "the date of the message", lambda n: long_date(n.date)),
    _word(
        "received_through",
        "the last day whose payments are counted",
        lambda n: long_date(n.received_through),
    ),
    _word("payments_note", "payments counted to which day, and thanks", _payments_note),
)
_AGREED = (
    _word("promise_amount", "what was promised", lambda n: _promise(n, "amount")),
    _word("promise_received", "what came in of it", lambda n: _promise(n, "received")),
    _word("promise_remaining", "what is still to come", lambda n: _promise(n, "rest")),
    _word(
        "promise_date",
        "the day promised",
        lambda n: long_date(n.promise.on) if n.promise else "",
    ),
    _word("plan_total", "what the payment plan covers", lambda n: _plan(n, "total")),
    _word("plan_count", "“3 payments”", lambda n: _plan(n, "count")),
    _word("payment_amount", "what was just received", _payment),
    _word("payment_date", "when", lambda n: long_date(n.payment.on) if n.payment else ""),
)
_LETTER = (
    _word("letter_number", "the letter's own number", lambda n: clean(n.letter_number)),
    _word("mailing", "how the letter is posted", lambda n: clean(n.mailing)),
)
_INTERNAL = (
    _word("reason", "why they cannot or do not pay, as recorded", lambda n: _internal(n, "reason")),
    _word("next_step", "the next step", lambda n: _internal(n, "next_step")),
    _word("next_on", "the day of the next step", lambda n: _internal(n, "next_on")),
    _word("account_link", "the account in arfollow", lambda n: _internal(n, "link")),
)
_BLOCKS = (
    _block("invoice_table", "the tables per currency in three parts; always exactly one"),
    _block("ways_to_pay", "payment link, bank details with the number to check them, the rest"),
    _block("signature", "name, title, telephone and e-mail of the person who answers"),
    _block("prior_contacts", "the contacts that reached them, with dates"),
    _block("interest", "interest and compensation, where agreed or by law"),
    _block("instalments", "the parts of an agreed payment plan, each with its day"),
    _block("consequences", "what will in fact follow"),
    _block("enclosures", "what lies with the letter"),
    _block("history", "the account's history, for colleagues"),
)
_FLAGS = (
    _flag("several_invoices", "more than one invoice", lambda n: len(_spoken_lines(n)) > 1),
    _flag("has_in_query", "something is in query", lambda n: any(t.in_query for t in n.tables)),
    _flag(
        "has_not_yet_due",
        "something is not yet due",
        lambda n: any(t.not_yet_due for t in n.tables),
    ),
    _flag("has_payment_link", "payment online is possible", lambda n: bool(n.company.payment_link)),
    _flag("has_interest", "interest is agreed or by law", lambda n: bool(n.interest)),
    _flag("has_prior_contacts", "earlier contacts reached them", lambda n: bool(n.prior_contacts)),
    _flag(
        "has_consequences", "there is something that will follow", lambda n: bool(n.consequences)
    ),
    _flag("has_enclosures", "something lies with the letter", lambda n: bool(n.enclosures)),
    _flag("has_deadline", "a pay-by date is stated", lambda n: n.deadline is not None),
    _flag("has_promise", "a promise is on file", lambda n: n.promise is not None),
    _flag(
        "promise_part_received",
        "part of what was promised has come",
        lambda n: n.promise is not None and n.promise.received > 0,
    ),
    _flag("has_next", "a next step is planned", lambda n: bool(_internal(n, "next_on"))),
    _flag("has_reason", "a reason is on file", lambda n: bool(_internal(n, "reason"))),
    _flag("offers_plan", "a payment plan may be offered", lambda n: n.offers_plan),
    _flag("also_by_post", "the same notice goes by post too", lambda n: n.also_by_post),
    _flag("complained", "the customer complained", lambda n: n.complained),
)

FIELDS: Mapping[str, Field] = {
    field.name: field
    for group in (_COMPANY, _CUSTOMER, _MONEY, _AGREED, _LETTER, _INTERNAL, _BLOCKS, _FLAGS)
    for field in group
}
"""Every field by name: the editor's list, the linter's vocabulary, the renderer's values."""


def values(notice: Notice) -> dict[str, Value]:
    """Every field's value for this notice."""
    return {name: field.value(notice) for name, field in FIELDS.items()}
