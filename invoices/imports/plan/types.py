"""Plain data around a plan: what the ledger holds, and what an import will change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from arfollow.shared.money import ZERO
from customers.terms import Terms
from invoices.imports.readers import CustomerFields, LineFields, Remark


class EarlierDay(Exception):
    """The source is known to a later day already; the ledger does not go back."""


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer in the ledger; ``key`` is what the source calls it."""

    id: int
    key: str
    name: str
    emails: frozenset[str] = frozenset()
    has_phone: bool = False
    has_address: bool = False
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class KnownInvoice:
    """An invoice in the ledger, with what was taken off it.

    ``paid`` is every payment this source stated plus what others allocated; ``credited`` is
    credit notes and write-offs. ``disputes``: those this source opened and left open, by id;
    ``has_dispute`` whether there ever was one. ``also_keys`` are other numbers of the same
    customer: of accounts that were merged into it.
    """

    id: int
    number: str
    customer_id: int
    customer_key: str
    issue_date: date
    due_date: date
    terms_text: str
    currency: str
    amount: Decimal
    open_amount: Decimal
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    po_number: str = ""
    has_dispute: bool = False
    open_disputes: tuple[int, ...] = ()
    has_instalments: bool = False
    also_keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnownCredit:
    """A credit note in the ledger."""

    id: int
    number: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger holds of one source. Mappings are by the source's own key.

    ``names``: of all its customers where it has no numbers, not only of those in the file.
    """

    customers: Mapping[str, KnownCustomer] = field(default_factory=dict)
    invoices: Mapping[str, KnownInvoice] = field(default_factory=dict)
    credits: Mapping[str, KnownCredit] = field(default_factory=dict)
    as_of: date | None = None
    currency: str = "USD"
    default_terms: Terms | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer to open, merged from all its rows."""

    key: str
    fields: CustomerFields
    currency: str


@dataclass(frozen=True, slots=True)
class CustomerGap:
    """Details that a known customer lacks and the file has; nothing is overwritten."""

    customer_id: int
    fields: CustomerFields


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice to book."""

    line: int
    number: str
    customer_key: str
    issue_date: date
    due_date: date
    terms_text: str
    currency: str
    amount: Decimal
    po_number: str
    chased_to: str
    chased_on: date | None
    items: tuple[LineFields, ...]


@dataclass(frozen=True, slots=True)
class InvoiceUpdate:
    """A known invoice that the source now states otherwise: field, before, after."""

    line: int
    invoice_id: int
    number: str
    changes: tuple[tuple[str, object, object], ...]


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What a stated payment exceeds the known ones by; ``stated`` is the whole of it."""

    number: str
    customer_key: str
    currency: str
    received_on: date
    amount: Decimal
    stated: Decimal


@dataclass(frozen=True, slots=True)
class NewCredit:
    """A credit note to book, as a positive amount."""

    line: int
    number: str
    customer_key: str
    issue_date: date
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class NewDispute:
    """A dispute that the source flags; with ``resolved_on`` it is over already."""

    number: str
    amount: Decimal
    raised_on: date
    resolved_on: date | None


@dataclass(frozen=True, slots=True)
class EndedDispute:
    """A dispute this source opened, and now no longer flags or shows as settled."""

    dispute_id: int
    number: str
    resolved_on: date
    paid: bool


@dataclass(slots=True)
class Plan:
    """Everything an import changes, and what it tells about each row."""

    customers: list[NewCustomer] = field(default_factory=list)
    gaps: list[CustomerGap] = field(default_factory=list)
    invoices: list[NewInvoice] = field(default_factory=list)
    updates: list[InvoiceUpdate] = field(default_factory=list)
    payments: list[NewPayment] = field(default_factory=list)
    credits: list[NewCredit] = field(default_factory=list)
    disputes: list[NewDispute] = field(default_factory=list)
    ended: list[EndedDispute] = field(default_factory=list)
    rejected: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    unchanged: int = 0
    not_yet: int = 0

    @property
    def size(self) -> int:
        """Number of payments and disputes planned so far."""
        return len(self.payments) + len(self.disputes) + len(self.ended)

    @property
    def changes_nothing(self) -> bool:
        """Whether the ledger already says what the file says."""
        return not (
            self.customers
            or self.gaps
            or self.invoices
            or self.updates
            or self.payments
            or self.credits
            or self.disputes
            or self.ended
        )


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person importing chose: the day the world is told as of, and the start step."""

    as_of: date
    start_step: str = ""


class Unusable(Exception):
    """The rows of one invoice contradict each other or the ledger."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
