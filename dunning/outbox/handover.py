"""An approved hand-over becomes a placement (rule 6, FACTS §7)."""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

from arfollow.shared.errors import ServiceError
from arfollow.staff.models import Company
from dunning.models import PLACED, ContactAttempt, ItemPart, Placement
from dunning.outbox import moves


def place(attempt: ContactAttempt, *, today: date, now: datetime) -> Placement:
    """Record the hand-over as made and wait for the agency: the placement is pending.

    One placement holds one currency: the one in which most is owed. ServiceError where nothing
    is owed any more, or an agency has the account.
    """
    company = Company.load()
    currency, amount = _owed(attempt)
    theirs = Placement.objects.filter(customer=attempt.customer_id, currency=currency)
    if theirs.filter(status__in=PLACED).exists():
        raise ServiceError("An agency has this account already; recall it first.")
    placement = Placement.objects.create(
        customer_id=attempt.customer_id,
        attempt=attempt,
        agency=company.agency_name or "Agency to be named",
        fee_percent=company.agency_fee_percent,
        currency=currency,
        amount=amount,
        placed_on=None,
    )
    moves.made(attempt.pk, done_on=today, at=now)
    attempt.refresh_from_db()
    return placement


def _owed(attempt: ContactAttempt) -> tuple[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for item in attempt.items.filter(part=ItemPart.PLEASE_PAY):
        totals[item.currency] += item.amount
    if not totals:
        raise ServiceError("Nothing is owed any more that could be handed over.")
    currency = max(totals, key=lambda code: totals[code])
    return currency, totals[currency]
