"""What the ledger holds of the customers and invoices that a file names, in few queries."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from arfollow.shared.money import ZERO
from arfollow.staff.models import Company
from customers.models import Address, Contact, Customer, ParentNotice, PaymentTerms
from customers.terms import Terms, TermsError, from_values
from invoices.imports.plan import Known, KnownCredit, KnownCustomer, KnownInvoice, customer_key
from invoices.imports.readers import Reading
from invoices.models import (
    Allocation,
    CreditNote,
    Dispute,
    DisputeStatus,
    Instalment,
    Invoice,
    LedgerSource,
    Payment,
    WriteOff,
)

PAGE = 500
BY_HAND = "manual"
"""Source of invoices that staff added; one with the same customer and number is the same."""


def flagged(source: str) -> str:
    """The note on a dispute that a source flagged; by it the import knows its own again."""
    return f"Flagged in {source}"


def pages[Item](items: Iterable[Item]) -> Iterator[Sequence[Item]]:
    """The items in pages that a query takes."""
    everything = list(items)
    return (everything[at : at + PAGE] for at in range(0, len(everything), PAGE))


@dataclass(slots=True)
class Taken:
    """What was taken off invoices, by invoice id, and how many payments a source stated."""

    others: defaultdict[int, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    credited: defaultdict[int, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    disputed: set[int] = field(default_factory=set)
    open_disputes: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    instalments: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Stated:
    """Payments that this source stated before, by invoice number: how many, and their sum."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    ids: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The known ledger for the plan, and what writing the plan needs besides."""

    known: Known
    stated: Stated


def lock_customers(reading: Reading, source: str) -> None:
    """Lock the known customers of a file, in the order of everyone who locks several.

    Before anything is loaded: a payment posted by staff meanwhile must not be posted twice.
    """
    keys, locked = _keys(reading), set[int]()
    while ids := _with_payers(_customer_rows(keys, source).values()) - locked:
        for page in pages(sorted(ids)):
            rows = Customer.objects.select_for_update(no_key=True).filter(pk__in=page)
            list(rows.order_by("pk").values_list("pk", flat=True))
        locked |= ids  # an account merged while we waited leads to another one now


def _with_payers(customers: Iterable[Customer]) -> set[int]:
    """The customers, and the parents that get one notice for all."""
    rows = list(customers)
    to_parent = (row.parent_id for row in rows if row.parent_notice == ParentNotice.PARENT)
    return {row.pk for row in rows} | {pk for pk in to_parent if pk is not None}


def _keys(reading: Reading) -> set[str]:
    return {customer_key(row.customer) for row in reading.rows}


def load(reading: Reading, source: str, *, currency: str) -> Loaded:
    """The known part of the ledger that the rows may touch."""
    customers = _customers(_keys(reading), source)
    numbers = list(dict.fromkeys(row.invoice_number for row in reading.rows))
    stated = _stated(numbers, source)
    invoices = _invoices(numbers, source, stated, _keys_by_customer(customers))
    credits = {
        number: KnownCredit(pk, number, amount)
        for page in pages(numbers)
        for pk, number, amount in CreditNote.objects.filter(
            source=source, external_id__in=page
        ).values_list("id", "external_id", "amount")
    }
    as_of = LedgerSource.objects.filter(name=source).values_list("as_of", flat=True).first()
    names: tuple[str, ...] = ()
    if not reading.has_customer_numbers:
        names = tuple(Customer.objects.filter(source=source).values_list("name", flat=True))
    known = Known(customers, invoices, credits, as_of=as_of, currency=currency, names=names)
    return Loaded(known, stated)


def _keys_by_customer(customers: Mapping[str, KnownCustomer]) -> dict[int, frozenset[str]]:
    """Every number under which the file knows a customer; merged accounts have several."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for key, customer in customers.items():
        found[customer.id].add(key)
    return {pk: frozenset(keys) for pk, keys in found.items()}


def company() -> Company:
    """Our own company, or its defaults where it is not set up; nothing is written."""
    return Company.objects.filter(pk=1).first() or Company()


_WITH = ("terms", "merged_into__terms")

# --- Customers ------------------------------------------------------------------------------


def _customer_rows(keys: set[str], source: str) -> dict[str, Customer]:
    """By what the source calls them; an account opened by hand is known by its number.

    The number of an account that was merged leads to the one it was merged into.
    """
    found: dict[str, Customer] = {}
    for page in pages(sorted(keys)):
        by_hand = Customer.objects.filter(source="", number__in=page)
        found |= {row.number: row.merged_into or row for row in by_hand.select_related(*_WITH)}
        theirs = Customer.objects.filter(source=source, external_id__in=page)
        found |= {row.external_id: row.merged_into or row for row in theirs.select_related(*_WITH)}
    return found


def _customers(keys: set[str], source: str) -> dict[str, KnownCustomer]:
    found = _customer_rows(keys, source)
    ids = [row.pk for row in found.values()]
    emails, phones = _ways_to_reach(ids)
    addressed = {
        customer_id
        for page in pages(ids)
        for customer_id in Address.objects.filter(customer_id__in=page, active=True).values_list(
            "customer_id", flat=True
        )
    }
    return {
        key: KnownCustomer(
            id=row.pk,
            key=key,
            name=row.name,
            emails=frozenset(emails[row.pk]),
            has_phone=row.pk in phones,
            has_address=row.pk in addressed,
            terms=as_terms(row.terms),
        )
        for key, row in found.items()
    }


def _ways_to_reach(ids: Sequence[int]) -> tuple[Mapping[int, set[str]], set[int]]:
    """E-mail addresses by customer, dead ones too, and who has a telephone number."""
    emails: defaultdict[int, set[str]] = defaultdict(set)
    phones: set[int] = set()
    for page in pages(ids):
        rows = Contact.objects.filter(customer_id__in=page)
        for customer_id, email, phone in rows.values_list("customer_id", "email", "phone"):
            if email:
                emails[customer_id].add(email.lower())
            if phone:
                phones.add(customer_id)
    return emails, phones


def as_terms(row: PaymentTerms | None) -> Terms | None:
    """Stored terms as plain ones; None where they are missing or make no sense."""
    if row is None:
        return None
    try:
        return from_values(
            row.kind,
            days=row.days,
            day_of_month=row.day_of_month,
            discount_percent=row.discount_percent,
            discount_days=row.discount_days,
            instalments=row.instalments,
        )
    except (TermsError, ArithmeticError, ValueError):
        return None


# --- Invoices -------------------------------------------------------------------------------


def payment_key(number: str, count: int) -> str:
    """External id of the nth payment that a source stated for an invoice."""
    return f"{number}#{count}"


def _stated(numbers: Sequence[str], source: str) -> Stated:
    """Looked up by key, round by round, since most invoices have one payment or none.

    A payment reversed later stays counted: the source has not heard of it, and posting its
    total again would undo what staff did.
    """
    stated = Stated()
    left, count = list(numbers), 1
    while left:
        found = []
        for page in pages(left):
            wanted = {payment_key(number, count): number for number in page}
            rows = Payment.objects.filter(source=source, external_id__in=wanted)
            for pk, key, amount in rows.values_list("id", "external_id", "amount"):
                found.append(wanted[key])
                stated.counts[wanted[key]] = count
                stated.sums[wanted[key]] += amount
                stated.ids.add(pk)
        left, count = found, count + 1
    return stated


def _invoices(
    numbers: Sequence[str], source: str, stated: Stated, customer_keys: Mapping[int, frozenset[str]]
) -> dict[str, KnownInvoice]:
    found: dict[str, KnownInvoice] = {}
    for page in pages(numbers):
        by_hand = Invoice.objects.filter(source=BY_HAND, external_id__in=page)
        theirs = Invoice.objects.filter(source=source, external_id__in=page)
        rows = {i.number: i for i in by_hand if i.customer_id in customer_keys}
        rows |= {i.external_id: i for i in theirs.select_related("customer")}
        taken = _taken([row.pk for row in rows.values()], source, stated.ids)
        for number, row in rows.items():
            keys = customer_keys.get(row.customer_id) or {row.customer.external_id}
            found[number] = _known_invoice(row, number, sorted(keys), taken, stated)
    return found


def _known_invoice(
    row: Invoice, number: str, keys: Sequence[str], taken: Taken, stated: Stated
) -> KnownInvoice:
    return KnownInvoice(
        id=row.pk,
        number=number,
        customer_id=row.customer_id,
        customer_key=keys[0],
        also_keys=frozenset(keys[1:]),
        issue_date=row.issue_date,
        due_date=row.due_date,
        terms_text=row.terms_text,
        currency=row.currency,
        amount=row.amount,
        open_amount=row.open_amount,
        paid=taken.others[row.pk] + stated.sums[number],
        credited=taken.credited[row.pk],
        po_number=row.po_number,
        has_dispute=row.pk in taken.disputed,
        open_disputes=tuple(taken.open_disputes[row.pk]),
        has_instalments=row.pk in taken.instalments,
    )


def _taken(ids: Sequence[int], source: str, own_payments: set[int]) -> Taken:
    taken = Taken()
    live = Allocation.objects.filter(invoice_id__in=ids, reversed_on=None)
    for invoice_id, payment_id, amount in live.values_list("invoice_id", "payment_id", "amount"):
        if not payment_id:
            taken.credited[invoice_id or 0] += amount
        elif payment_id not in own_payments:
            taken.others[invoice_id or 0] += amount
    given_up = WriteOff.objects.filter(invoice_id__in=ids, reversed_on=None)
    for invoice_id, amount in given_up.values_list("invoice_id", "amount"):
        taken.credited[invoice_id] += amount
    disputes = Dispute.objects.filter(invoice_id__in=ids)
    for pk, invoice_id, status, note in disputes.values_list("id", "invoice_id", "status", "note"):
        taken.disputed.add(invoice_id)
        if status == DisputeStatus.OPEN and note == flagged(source):
            taken.open_disputes[invoice_id].append(pk)
    parts = Instalment.objects.filter(invoice_id__in=ids)
    taken.instalments.update(parts.values_list("invoice_id", flat=True))
    return taken
