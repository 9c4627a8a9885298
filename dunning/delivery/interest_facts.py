"""Interest a message may state: what was charged, and what each further day adds if agreed."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Sum

from arfollow.shared.money import ZERO, round_half_up
from customers.models import TermsAgreement
from dunning.models import AttemptItem, ContactAttempt, ItemPart
from dunning.wording.formats import long_date
from dunning.wording.notice import CurrencyTable, Interest
from invoices.models import Charge

MONTHS, DAYS_A_YEAR = 12, 365


def interest_of(attempt: ContactAttempt, tables: Sequence[CurrencyTable]) -> tuple[Interest, ...]:
    """Per currency; nothing where neither a charge nor an agreement made before the sale is."""
    sums, bases = _charged(attempt)
    agreed = _agreed(attempt, tables)
    found = (_one(table, sums, bases, agreed) for table in tables)
    return tuple(each for each in found if each is not None)


def _one(
    table: CurrencyTable,
    sums: dict[tuple[str, str], Decimal],
    bases: dict[str, list[str]],
    agreed: TermsAgreement | None,
) -> Interest | None:
    code, per_day, basis = table.currency, ZERO, list(bases.get(table.currency, []))
    if agreed is not None and table.amount_due > 0:
        per_day = _per_day(table.amount_due, agreed)
        basis.append(_words(agreed))
    if not basis:
        return None
    return Interest(
        currency=code,
        basis="; ".join(dict.fromkeys(basis)),
        accrued=sums.get((code, Charge.Kind.INTEREST), ZERO),
        compensation=sums.get((code, Charge.Kind.COMPENSATION), ZERO)
        + sums.get((code, Charge.Kind.FEE), ZERO),
        per_day=per_day,
    )


def _charged(
    attempt: ContactAttempt,
) -> tuple[dict[tuple[str, str], Decimal], dict[str, list[str]]]:
    """Open charges on the invoices asked for, by currency and kind, and their bases."""
    items = AttemptItem.objects.filter(attempt=attempt, part=ItemPart.PLEASE_PAY)
    rows = Charge.objects.filter(
        invoice__in=items.values("invoice"), waived_on=None, open_amount__gt=0
    ).values_list("invoice__currency", "kind", "basis")
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    bases: dict[str, list[str]] = defaultdict(list)
    for currency, kind, basis, amount in rows.annotate(total=Sum("open_amount")).order_by("basis"):
        sums[currency, kind] += amount
        bases[currency].append(basis)
    return sums, bases


def _agreed(attempt: ContactAttempt, tables: Sequence[CurrencyTable]) -> TermsAgreement | None:
    """The newest agreement on interest that is older than every invoice asked for (R6, R74)."""
    issued = [
        line.issue_date
        for table in tables
        for line in table.please_pay
        if line.issue_date and not line.is_credit
    ]
    if not issued:
        return None
    agreements = TermsAgreement.objects.filter(
        customer_id=attempt.customer_id,
        agreed_on__lte=min(issued),
        interest_percent_per_month__gt=0,
    )
    return agreements.order_by("-agreed_on", "-pk").first()


def _per_day(amount: Decimal, agreed: TermsAgreement) -> Decimal:
    """Pro rata: twelve monthly rates over 365 days, simple, in the amount's currency."""
    percent = agreed.interest_percent_per_month or ZERO
    return round_half_up(amount * percent * MONTHS / 100 / DAYS_A_YEAR)


def _words(agreed: TermsAgreement) -> str:
    percent = f"{(agreed.interest_percent_per_month or ZERO).normalize():f}"
    reference = f", {agreed.reference}" if agreed.reference else ""
    return (
        f"the terms agreed on {long_date(agreed.agreed_on)}{reference}"
        f" ({percent} % a month, pro rata by day)"
    )
