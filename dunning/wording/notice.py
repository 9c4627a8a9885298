"""Everything a message says, as plain data.

A notice is built once from the ledger and then only read: by the texts, the e-mail, the
letter, the statement and the call script. Amounts are ``Decimal`` in the major unit of
their table's currency; dates are business dates of the customer, passed in.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from arfollow.shared.money import ZERO


class Purpose(StrEnum):
    """Why we write. Only a reminder and a final demand ask for a step of a policy."""

    REMINDER = "reminder"
    FINAL_DEMAND = "final_demand"
    STATEMENT = "statement"
    RESEND = "resend"
    CROSSED = "crossed"
    PROMISE = "promise"
    PROMISE_PART_KEPT = "promise_part_kept"
    PROMISE_NUDGE = "promise_nudge"
    PLAN = "plan"
    SKIPPED_ITEM = "skipped_item"
    LETTER_COPY = "letter_copy"
    INTERNAL = "internal"
    MANUAL = "manual"
    TEST = "test"


TONES = ("courtesy", "friendly", "firm", "direct", "urgent", "final")
"""From the softest to the strongest (PROTOCOL section 3); beside them "internal"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address in parts; ``country`` is an ISO 3166 code of two letters."""

    street: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDetails:
    """Where a transfer goes: the details printed on the invoices, and who confirms them.

    ``rows`` are label and value as printed, for example ``("IBAN", "DE02 …")``.
    """

    rows: tuple[tuple[str, str], ...]
    verify_phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who writes. ``ways_to_pay`` are sentences; ``payment_link`` is an https address."""

    legal_name: str
    address: Address
    name: str = ""
    registration: str = ""
    vat_number: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""
    tagline: str = ""
    bank: BankDetails | None = None
    ways_to_pay: tuple[str, ...] = ()
    payment_link: str = ""
    window: str = "us_10"

    @property
    def short_name(self) -> str:
        """The trading name, or the legal one."""
        return self.name or self.legal_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever answers: signs the message and picks up the telephone."""

    name: str
    job_title: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom we write to. ``company`` is the exact legal name where there is one."""

    number: str
    company: str
    name: str = ""
    address: Address = Address()
    email: str = ""
    phone: str = ""
    language: str = "en"
    legal_type: str = "company"

    @property
    def country(self) -> str:
        """The ISO code of the postal address."""
        return self.address.country


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of an invoice table.

    ``open`` is what this part of the table counts: of a part-disputed invoice the
    undisputed rest stands in *please pay* and the disputed part in *in query*. Credits
    and unapplied payments are lines with a negative ``open``. ``account`` names the account
    that the recipient pays for; empty for its own.
    """

    number: str
    open: Decimal
    original: Decimal = ZERO
    paid: Decimal = ZERO
    issue_date: datetime.date | None = None
    due_date: datetime.date | None = None
    days_late: int = 0
    kind: str = "invoice"
    instalment_no: int = 0
    po_number: str = ""
    terms: str = ""
    note: str = ""
    account: str = ""

    @property
    def is_credit(self) -> bool:
        """It lowers what we ask for."""
        return self.open < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTable:
    """The items of one currency in the three parts of rule 3."""

    currency: str
    please_pay: tuple[Line, ...] = ()
    in_query: tuple[Line, ...] = ()
    not_yet_due: tuple[Line, ...] = ()

    @property
    def amount_due(self) -> Decimal:
        """The only total asked for: the sum of *please pay*, credits taken off."""
        return sum((line.open for line in self.please_pay), ZERO)

    @property
    def amount_in_query(self) -> Decimal:
        """Shown, never asked for."""
        return sum((line.open for line in self.in_query), ZERO)

    @property
    def amount_not_yet_due(self) -> Decimal:
        """Shown, asked for only by a courtesy, which has nothing overdue to ask for."""
        return sum((line.open for line in self.not_yet_due), ZERO)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All three parts in order."""
        return self.please_pay + self.in_query + self.not_yet_due


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorContact:
    """An earlier contact that reached them; attempts that did not are never listed."""

    on: datetime.date
    channel: str
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseNote:
    """What was agreed: ``received`` is what came in of ``amount`` so far."""

    on: datetime.date
    amount: Decimal
    currency: str
    received: Decimal = ZERO
    noted_on: datetime.date | None = None

    @property
    def remaining(self) -> Decimal:
        """Still to come."""
        return self.amount - self.received


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanNote:
    """A payment plan that was agreed: its parts as (day, amount), in order."""

    currency: str
    parts: tuple[tuple[datetime.date, Decimal], ...]

    @property
    def total(self) -> Decimal:
        """All parts together."""
        return sum((amount for _, amount in self.parts), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """Interest and fees that an agreement or a law allows; absent where neither does.

    ``basis`` names it in words a customer can check ("clause 7 of our terms, 1.5 % a
    month"); ``per_day`` is what each further day adds.
    """

    currency: str
    basis: str
    accrued: Decimal = ZERO
    compensation: Decimal = ZERO
    per_day: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Accrued interest and the fixed compensation."""
        return self.accrued + self.compensation


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that came in, for a thank-you."""

    amount: Decimal
    currency: str
    on: datetime.date


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalFacts:
    """What colleagues need besides: reasons on file, history and what comes next."""

    reason: str = ""
    history: tuple[str, ...] = ()
    next_step: str = ""
    next_on: datetime.date | None = None
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one customer on one day (rule 3).

    ``tone`` is one of TONES or "internal". ``deadline`` is an absolute business day and
    absent below firm: friendly messages carry due dates only. ``received_through`` is the
    last day whose payments are counted (rule 7). ``consequences`` are sentences of what
    will in fact follow. ``letter_number`` and ``enclosures`` belong to letters.
    """

    company: Company
    contact: Person
    recipient: Recipient
    date: datetime.date
    tone: str
    tables: tuple[CurrencyTable, ...]
    received_through: datetime.date
    purpose: Purpose = Purpose.REMINDER
    channel: str = "email"
    reference: str = ""
    deadline: datetime.date | None = None
    prior_contacts: tuple[PriorContact, ...] = ()
    promise: PromiseNote | None = None
    plan: PlanNote | None = None
    payment: Payment | None = None
    interest: tuple[Interest, ...] = ()
    consequences: tuple[str, ...] = ()
    offers_plan: bool = False
    complained: bool = False
    also_by_post: bool = False
    letter_number: str = ""
    mailing: str = ""
    enclosures: tuple[str, ...] = ()
    preferences_link: str = ""
    internal: InternalFacts | None = None

    @property
    def account(self) -> str:
        """The reference to quote: the one given, or the customer's number."""
        return self.reference or self.recipient.number

    @property
    def please_pay(self) -> tuple[Line, ...]:
        """The lines asked for, over all currencies."""
        return tuple(line for table in self.tables for line in table.please_pay)

    @property
    def due_tables(self) -> tuple[CurrencyTable, ...]:
        """Currencies in which something is asked for."""
        return tuple(table for table in self.tables if table.amount_due > 0)

    @property
    def line_count(self) -> int:
        """Rows over all tables and parts."""
        return sum(len(table.lines) for table in self.tables)
