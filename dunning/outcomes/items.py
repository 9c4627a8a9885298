"""The open items of a customer as a call, promise or plan deals with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from arfollow.shared.errors import ServiceError
from customers.models import ParentNotice
from dunning.models import AttemptItem, ContactAttempt, ItemPart
from dunning.policy import ItemKey
from invoices.models import Instalment, Invoice

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An invoice, or one of its instalments, with what is open and what is in query."""

    key: ItemKey
    number: str
    currency: str
    open: Decimal
    disputed: Decimal
    due_date: date

    @property
    def collectible(self) -> Decimal:
        """Open less disputed."""
        return self.open - self.disputed

    def days_late(self, today: date) -> int:
        """Days after the due date; negative before it."""
        return (today - self.due_date).days

    def part(self, today: date) -> ItemPart:
        """Where the item stands in a message (rule 3)."""
        if self.collectible <= 0:
            return ItemPart.IN_QUERY
        return ItemPart.PLEASE_PAY if self.due_date < today else ItemPart.NOT_YET_DUE


def open_items(customer_id: int) -> list[OpenItem]:
    """Every open item of a customer, and of those it gets one notice for; oldest first."""
    paid_for = Q(customer__parent=customer_id, customer__parent_notice=ParentNotice.PARENT)
    owed = Q(customer=customer_id) | paid_for
    invoices = Invoice.objects.filter(owed, open_amount__gt=0)
    parts: dict[int, list[Instalment]] = {}
    for part in Instalment.objects.filter(invoice__in=invoices, open_amount__gt=0):
        parts.setdefault(part.invoice_id, []).append(part)
    found = [item for row in invoices for item in _items_of(row, parts.get(row.pk, []))]
    return sorted(found, key=lambda item: (item.due_date, item.key))


def _items_of(invoice: Invoice, parts: Sequence[Instalment]) -> Iterable[OpenItem]:
    if not parts:
        key, disputed = ItemKey(invoice.pk), invoice.disputed_amount
        yield _item(invoice, key, invoice.open_amount, disputed, invoice.due_date)
    left = invoice.disputed_amount
    for part in parts:
        disputed = min(left, part.open_amount)
        left -= disputed
        key = ItemKey(invoice.pk, part.number)
        yield _item(invoice, key, part.open_amount, disputed, part.due_date)


def _item(
    invoice: Invoice, key: ItemKey, amount: Decimal, disputed: Decimal, due: date
) -> OpenItem:
    number = f"{invoice.number}/{key.instalment_no}" if key.instalment_no else invoice.number
    return OpenItem(key, number, invoice.currency, amount, disputed, due)


def chosen(customer_id: int, keys: Sequence[ItemKey], *, today: date) -> list[OpenItem]:
    """The items named by `keys`; without keys all that are overdue, else all that are open."""
    found = open_items(customer_id)
    if keys:
        wanted = set(keys)
        picked = [item for item in found if item.key in wanted]
        if len(picked) < len(wanted):
            raise ServiceError("One of the invoices is not open any more. Look again.")
        return picked
    overdue = [item for item in found if item.due_date < today]
    return overdue or found


def collectible_by_currency(items: Iterable[OpenItem]) -> dict[str, Decimal]:
    """What can be asked for, per currency, largest first."""
    totals: dict[str, Decimal] = {}
    for item in items:
        totals[item.currency] = totals.get(item.currency, ZERO) + item.collectible
    return dict(sorted(totals.items(), key=lambda pair: -pair[1]))


def one_currency(asked: str, items: Sequence[OpenItem]) -> tuple[str, list[OpenItem]]:
    """The currency of a promise or plan, and the items in it that can be asked for."""
    totals = collectible_by_currency(items)
    currency = asked or next(iter(totals), "")
    covered = [item for item in items if item.currency == currency and item.collectible > 0]
    if not covered:
        raise ServiceError("Nothing is open that could be promised.")
    return currency, covered


def list_items(
    attempt: ContactAttempt, items: Iterable[OpenItem], *, today: date, outcome: str = ""
) -> None:
    """Name the items in an attempt; none of them completes a step by riding along (rule 3)."""
    rows = item_rows(attempt, items, today=today, outcome=outcome)
    AttemptItem.objects.bulk_create(rows, batch_size=500)


def item_rows(
    attempt: ContactAttempt, items: Iterable[OpenItem], *, today: date, outcome: str = ""
) -> list[AttemptItem]:
    """The items as unsaved rows of an attempt."""
    return [
        AttemptItem(
            attempt=attempt,
            invoice_id=item.key.invoice_id,
            instalment_no=item.key.instalment_no,
            part=item.part(today),
            currency=item.currency,
            amount=item.collectible if item.collectible > 0 else item.open,
            days_late=item.days_late(today),
            outcome=outcome,
        )
        for item in items
    ]
