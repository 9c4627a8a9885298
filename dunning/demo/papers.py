"""What happens in the ledger: bills, payments, credits, disputes and what customers say."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from arfollow.shared.money import ZERO
from dunning.demo.firms import Firm
from dunning.demo.goods import Line
from dunning.demo.habits import weekday


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice; `parts` are the due dates and amounts of its instalments."""

    key: str
    firm: str
    on: date
    due: date
    currency: str
    lines: tuple[Line, ...]
    amount: Decimal
    po: str = ""
    parts: tuple[tuple[date, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Cash that came in, and the bills it is for; `back_on` is the day the bank took it back."""

    firm: str
    on: date
    currency: str
    shares: tuple[tuple[str, Decimal], ...]
    method: str = "Bank transfer"
    back_on: date | None = None

    @property
    def amount(self) -> Decimal:
        return sum((part for _, part in self.shares), ZERO)


@dataclass(frozen=True, slots=True)
class Return:
    """The day on which the bank took a payment back."""

    firm: str
    on: date
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit note; without a bill it stays with the customer."""

    firm: str
    on: date
    currency: str
    amount: Decimal
    reason: str
    bill: str = ""


@dataclass(frozen=True, slots=True)
class Contest:
    """A dispute; `settled` tells how it ended and when."""

    firm: str
    on: date
    bill: str
    amount: Decimal
    reason: str
    raised_by: str
    note: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of a dispute."""

    firm: str
    on: date
    contest: Contest
    status: str
    resolution: str


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """A rest that was given up."""

    firm: str
    on: date
    bill: str
    amount: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody at the customer said on the telephone, theirs or ours."""

    firm: str
    on: date
    outcome: str
    note: str
    until: date | None = None
    inbound: bool = False
    reason: str = ""
    bills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrote:
    """A reply by e-mail that came in."""

    firm: str
    on: date
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """An e-mail of ours came back."""

    firm: str
    on: date


type Happening = (
    Bill | Receipt | Return | Credit | Contest | Settlement | WrittenOff | Wrote | Bounced | Said
)
ORDER: tuple[type, ...] = (
    Bill, Receipt, Return, Credit, Contest, Settlement, WrittenOff, Wrote, Bounced, Said,
)  # fmt: skip


@dataclass(slots=True)
class Papers:
    """All that happens to one customer, while its story is being written."""

    firm: Firm
    today: date
    rng: Random
    bills: list[Bill] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    others: list[Happening] = field(default_factory=list)

    def day(self, days_ago: int) -> date:
        """A working day so many days before today, or the one after it."""
        return min(weekday(self.today - timedelta(days=days_ago)), self.today)

    def open_amount(self, bill: Bill) -> Decimal:
        """What is left of a bill after everything written down so far."""
        used = sum(
            (part for each in self.receipts if not each.back_on
             for key, part in each.shares if key == bill.key), ZERO,
        )  # fmt: skip
        for each in self.others:
            if isinstance(each, Credit | WrittenOff) and each.bill == bill.key:
                used += each.amount
        return bill.amount - used

    def unpaid(self) -> list[Bill]:
        """Bills with something open, oldest due first."""
        found = [bill for bill in self.bills if self.open_amount(bill) > 0]
        return sorted(found, key=lambda bill: (bill.due, bill.key))

    def overdue(self) -> list[Bill]:
        """Unpaid bills whose due date has passed."""
        return [bill for bill in self.unpaid() if bill.due < self.today]

    def take_back_payment(self, bill: Bill) -> None:
        """The bill was not paid after all; what was paid with it stays paid."""
        for nth, each in enumerate(self.receipts):
            shares = tuple(share for share in each.shares if share[0] != bill.key)
            if len(shares) < len(each.shares):
                self.receipts[nth] = Receipt(each.firm, each.on, each.currency, shares, each.method)
        self.receipts = [each for each in self.receipts if each.shares]

    def happenings(self) -> Iterable[Happening]:
        """Everything that happened up to today."""
        for each in (*self.bills, *self.receipts, *self.others):
            if each.on <= self.today:
                yield each
            if isinstance(each, Receipt) and each.back_on:
                yield Return(each.firm, each.back_on, each)
