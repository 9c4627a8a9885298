"""Payment terms: when an invoice is due, and until when a discount may be taken.

Every kind of FACTS section 5 (R6, R71, R72). A due date is never moved for weekends;
what is done on a due date is (rule 5).
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from arfollow.shared.money import round_half_up
from arfollow.shared.workdays import Calendar

HUNDRED = Decimal(100)
MAX_DAYS = 3650

_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EUROPEAN_UNION = frozenset(_EU.split())


class TermsError(ValueError):
    """The terms contradict themselves or lack a figure."""


class Kind(StrEnum):
    """How the due date follows from the issue date."""

    ON_RECEIPT = "on_receipt"
    NET = "net"
    END_OF_MONTH = "eom"
    END_OF_MONTH_PLUS = "eom_plus"
    END_OF_MONTH_THEN_NET = "eom_then_net"
    NET_THEN_END_OF_MONTH = "net_then_eom"
    PROX = "prox"
    PAYMENT_IN_ADVANCE = "pia"
    CASH_IN_ADVANCE = "cia"
    CASH_WITH_ORDER = "cwo"
    CASH_BEFORE_SHIPMENT = "cbs"
    CASH_ON_DELIVERY = "cod"
    CASH_NEXT_DELIVERY = "cnd"
    INSTALMENTS = "instalments"


PREPAID = frozenset(
    {
        Kind.PAYMENT_IN_ADVANCE,
        Kind.CASH_IN_ADVANCE,
        Kind.CASH_WITH_ORDER,
        Kind.CASH_BEFORE_SHIPMENT,
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment: its percentage, due some days after issue or on a fixed date."""

    percent: Decimal
    days: int = 0
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms as plain data; TermsError where a figure is missing or out of range.

    ``days`` is N of the kinds that count days, ``day_of_month`` N of "the Nth of the
    following month", ``months`` how many months ahead that is.
    """

    kind: Kind
    days: int = 0
    day_of_month: int = 0
    months: int = 1
    discount_percent: Decimal = Decimal(0)
    discount_days: int = 0
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.days <= MAX_DAYS or not 0 <= self.discount_days <= MAX_DAYS:
            raise TermsError(f"the days must lie between 0 and {MAX_DAYS}")
        if not 0 <= self.discount_percent < HUNDRED:
            raise TermsError("the discount must lie between 0 and 100 percent")
        if self.kind is Kind.PROX and not (1 <= self.day_of_month <= 31 and self.months >= 1):
            raise TermsError("the day of the month must lie between 1 and 31")
        if (self.kind is Kind.INSTALMENTS) != bool(self.parts):
            raise TermsError("instalment terms need their instalments, others have none")
        _check_parts(self.parts)


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of an invoice with its own due date; numbers start at 1."""

    number: int
    due_date: date
    amount: Decimal


def _check_parts(parts: tuple[Part, ...]) -> None:
    if not parts:
        return
    if sum(part.percent for part in parts) != HUNDRED:
        raise TermsError("the instalments must add up to 100 percent")
    if any(part.percent <= 0 or not 0 <= part.days <= MAX_DAYS for part in parts):
        raise TermsError("each instalment needs a positive percentage and days from 0")
    if len({part.on is None for part in parts}) > 1:
        raise TermsError("either every instalment has a date or none has")


def from_values(
    kind: str,
    *,
    days: int = 0,
    day_of_month: int | None = None,
    discount_percent: Decimal | None = None,
    discount_days: int | None = None,
    instalments: Sequence[Sequence[object]] = (),
) -> Terms:
    """Terms from the columns they are stored in; instalments as [percent, days after issue]."""
    return Terms(
        Kind(kind),
        days=days,
        day_of_month=day_of_month or 0,
        discount_percent=discount_percent or Decimal(0),
        discount_days=discount_days or 0,
        parts=tuple(Part(Decimal(str(part[0])), int(str(part[1]))) for part in instalments),
    )


def due_dates(terms: Terms, issue_date: date) -> tuple[date, ...]:
    """The due date of each instalment in order; one date for every other kind."""
    if terms.kind is Kind.INSTALMENTS:
        dates = (part.on or issue_date + timedelta(days=part.days) for part in terms.parts)
        return tuple(sorted(dates))
    return (_single_due_date(terms, issue_date),)


def due_date(terms: Terms, issue_date: date) -> date:
    """The day by which the whole invoice is due: the last instalment's."""
    return due_dates(terms, issue_date)[-1]


def _single_due_date(terms: Terms, issue_date: date) -> date:
    days = timedelta(days=terms.days)
    match terms.kind:
        case Kind.NET:
            return issue_date + days
        case Kind.END_OF_MONTH:
            return end_of_month(issue_date)
        case Kind.END_OF_MONTH_PLUS | Kind.END_OF_MONTH_THEN_NET:
            return end_of_month(issue_date) + days
        case Kind.NET_THEN_END_OF_MONTH:
            return end_of_month(issue_date + days)
        case Kind.PROX:
            return _day_of_later_month(issue_date, terms.months, terms.day_of_month)
    # On receipt, prepaid, on delivery: nothing is left to wait for once it is issued.
    return issue_date


def end_of_month(day: date) -> date:
    """The last day of the month of ``day``."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def _day_of_later_month(day: date, months: int, day_of_month: int) -> date:
    """The Nth of the month that many ahead; its last day where it has no Nth."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day_of_month, monthrange(year, month)[1]))


def is_prepaid(terms: Terms) -> bool:
    """Whether the supply waits for the money."""
    return terms.kind in PREPAID


def discount_deadline(
    terms: Terms, issue_date: date, calendar: Calendar | None = None
) -> date | None:
    """The last day on which the discount may be taken; None without a discount.

    With a calendar a deadline on a closed day moves forward to the next business day.
    """
    if not terms.discount_percent:
        return None
    deadline = issue_date + timedelta(days=terms.discount_days)
    return calendar.roll_forward(deadline) if calendar else deadline


def discount_amount(terms: Terms, amount: Decimal) -> Decimal:
    """What a payment in time may leave out, rounded half up to cents."""
    return round_half_up(amount * terms.discount_percent / HUNDRED)


def instalments(terms: Terms, issue_date: date, amount: Decimal) -> tuple[Instalment, ...]:
    """The invoice cut into its instalments, to the cent; empty for every other kind."""
    if terms.kind is not Kind.INSTALMENTS:
        return ()
    shares = _shares(terms, issue_date)
    total, steps = Decimal(0), [Decimal(0)]
    for _, percent in shares:
        total += percent
        # Cutting the running total keeps the sum exact whatever each part rounds to.
        steps.append(round_half_up(amount * total / HUNDRED))
    return tuple(
        Instalment(number, due, after - before)
        for number, ((due, _), (before, after)) in enumerate(
            zip(shares, pairwise(steps), strict=True), start=1
        )
    )


def _shares(terms: Terms, issue_date: date) -> list[tuple[date, Decimal]]:
    dated = [(part.on or issue_date + timedelta(days=part.days), part) for part in terms.parts]
    return [(due, part.percent) for due, part in sorted(dated, key=lambda pair: pair[0])]


def longest_days(terms: Terms) -> int:
    """The most days that can lie between issue and the last due date."""
    match terms.kind:
        case Kind.NET:
            return terms.days
        case Kind.END_OF_MONTH:
            return 30
        case Kind.END_OF_MONTH_PLUS | Kind.END_OF_MONTH_THEN_NET | Kind.NET_THEN_END_OF_MONTH:
            return terms.days + 30
        case Kind.PROX:
            return (terms.months - 1) * 31 + 30 + terms.day_of_month
        case Kind.INSTALMENTS:
            return max(part.days for part in terms.parts)
    return 0


def cautions(terms: Terms, *, country: str, public_body: bool = False) -> tuple[str, ...]:
    """What staff should know before agreeing to the terms (FACTS section 5; no legal advice)."""
    found = []
    if country in EUROPEAN_UNION and longest_days(terms) > 60:
        found.append("More than 60 days between businesses in the EU must be agreed expressly.")
    if country == "GB" and public_body and longest_days(terms) > 30:
        found.append("A public body in the UK pays within 30 days, whatever is agreed.")
    return tuple(found)


_FIXED = {
    "on_receipt": Kind.ON_RECEIPT,
    "due on receipt": Kind.ON_RECEIPT,
    "upon receipt": Kind.ON_RECEIPT,
    "due upon receipt": Kind.ON_RECEIPT,
    "immediate": Kind.ON_RECEIPT,
    "payable immediately": Kind.ON_RECEIPT,
    "on receipt": Kind.ON_RECEIPT,
    "eom": Kind.END_OF_MONTH,
    "end of month": Kind.END_OF_MONTH,
    "due end of the month": Kind.END_OF_MONTH,
    "due end of month": Kind.END_OF_MONTH,
    **{kind.value: kind for kind in PREPAID},
    "payment in advance": Kind.PAYMENT_IN_ADVANCE,
    "cash in advance": Kind.CASH_IN_ADVANCE,
    "cash with order": Kind.CASH_WITH_ORDER,
    "cash before shipment": Kind.CASH_BEFORE_SHIPMENT,
    "cod": Kind.CASH_ON_DELIVERY,
    "cash on delivery": Kind.CASH_ON_DELIVERY,
    "cnd": Kind.CASH_NEXT_DELIVERY,
    "cash next delivery": Kind.CASH_NEXT_DELIVERY,
}
_NET = re.compile(r"(?:net|n)?[ /-]?([0-9]{1,4})(?: days?)?(?: net)?")
_EOM_PLUS = re.compile(r"eom ?\+? ?([0-9]{1,4})(?: days?)?")
_EOM_NET = re.compile(r"eom then (?:net )?([0-9]{1,4})(?: days?)?")
_NET_EOM = re.compile(r"net ?([0-9]{1,4})(?: days?)? then eom")
_PROX = re.compile(
    r"(?:due )?([0-9]{1,2})(?:st|nd|rd|th)? (?:prox|mfi|(?:of )?(?:the )?following month)"
)
_DISCOUNT = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,3})?) ?%? ?/ ?([0-9]{1,3})[ ,]+(.+)")


def parse_terms(text: str) -> Terms | None:
    """Terms written as "Net 30", "2/10 net 30", "EOM + 15", "10 MFI", "Due on receipt".

    None where the text has no sure meaning: "Net 30 EOM" is used for two kinds.
    """
    words = " ".join(text.lower().replace(".", " " if text.endswith(".") else ".").split())
    discount = _DISCOUNT.fullmatch(words)
    base = _parse_base(discount[3] if discount else words)
    if base is None or discount is None:
        return base
    percent, days = Decimal(discount[1]), int(discount[2])
    return Terms(
        base.kind, base.days, base.day_of_month, discount_percent=percent, discount_days=days
    )


def _parse_base(words: str) -> Terms | None:
    if words in _FIXED:
        return Terms(_FIXED[words])
    counted = (
        (_NET, Kind.NET),
        (_EOM_PLUS, Kind.END_OF_MONTH_PLUS),
        (_EOM_NET, Kind.END_OF_MONTH_THEN_NET),
        (_NET_EOM, Kind.NET_THEN_END_OF_MONTH),
    )
    for pattern, kind in counted:
        if (found := pattern.fullmatch(words)) and int(found[1]) <= MAX_DAYS:
            return Terms(kind, days=int(found[1]))
    if (found := _PROX.fullmatch(words)) and 1 <= int(found[1]) <= 31:
        return Terms(Kind.PROX, day_of_month=int(found[1]))
    return None


_NAMES = {
    Kind.ON_RECEIPT: "Due on receipt",
    Kind.NET: "Net {days}",
    Kind.END_OF_MONTH: "End of month",
    Kind.END_OF_MONTH_PLUS: "EOM + {days}",
    Kind.END_OF_MONTH_THEN_NET: "EOM then {days} days",
    Kind.NET_THEN_END_OF_MONTH: "Net {days} then EOM",
    Kind.PROX: "{day} of the following month",
    Kind.PAYMENT_IN_ADVANCE: "Payment in advance",
    Kind.CASH_IN_ADVANCE: "Cash in advance",
    Kind.CASH_WITH_ORDER: "Cash with order",
    Kind.CASH_BEFORE_SHIPMENT: "Cash before shipment",
    Kind.CASH_ON_DELIVERY: "Cash on delivery",
    Kind.CASH_NEXT_DELIVERY: "Cash on next delivery",
    Kind.INSTALMENTS: "{count} instalments",
}


def describe(terms: Terms) -> str:
    """The usual short name: "2/10 Net 30"."""
    name = _NAMES[terms.kind].format(
        days=terms.days, day=_ordinal(terms.day_of_month), count=len(terms.parts)
    )
    if not terms.discount_percent:
        return name
    return f"{terms.discount_percent.normalize():f}/{terms.discount_days} {name}"


def _ordinal(number: int) -> str:
    last = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"
