"""Writes the script into the ledger, through the services and on the days it happened."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from arfollow.shared.events import Actor, actor_of
from arfollow.staff.models import User
from customers.models import Customer, PaymentTerms, Tag
from customers.services import agree_terms, create_customer, save_address, save_contact
from dunning.demo.company import SOURCE, ZONE
from dunning.demo.firms import Firm, Person
from dunning.demo.goods import Line
from dunning.demo.papers import (
    Bill,
    Contest,
    Credit,
    Happening,
    Receipt,
    Return,
    Settlement,
    WrittenOff,
)
from dunning.demo.script import Script
from invoices.models import CatalogueItem
from invoices.services import (
    NewInstalment,
    NewLine,
    add_credit_note,
    add_invoice,
    open_dispute,
    record_payment,
    resolve_dispute,
    reverse_payment,
    write_off,
)

FIRST_INVOICE = 24101
FIRST_CREDIT = 2401


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    """An hour of a day where the firm sits."""
    return datetime.combine(day, time(hour, minute), tzinfo=ZoneInfo(ZONE))


@dataclass(slots=True)
class Book:
    """What has been written so far, by the names that the script uses."""

    staff: Mapping[str, User]
    customers: dict[str, Customer] = field(default_factory=dict)
    firms: dict[str, Firm] = field(default_factory=dict)
    invoices: dict[str, int] = field(default_factory=dict)
    payments: dict[Receipt, int] = field(default_factory=dict)
    disputes: dict[Contest, int] = field(default_factory=dict)
    items: dict[str, CatalogueItem] = field(default_factory=dict)
    terms: dict[str, PaymentTerms] = field(default_factory=dict)
    numbers: dict[Bill | Credit, str] = field(default_factory=dict)

    @property
    def bookkeeper(self) -> Actor:
        return actor_of(self.staff["ruth"])

    def owner(self, firm: Firm) -> User:
        return self.staff[firm.owner]

    # --- accounts ---------------------------------------------------------------------------

    def open_accounts(self, script: Script) -> None:
        """Every customer with contacts, address and agreed terms (R6)."""
        self.items = {item.code: item for item in CatalogueItem.objects.all()}
        self.terms = {terms.code: terms for terms in PaymentTerms.objects.all()}
        self.numbers = numbered(script.happenings)
        for firm in script.firms:
            self._open(firm, script.first_day)

    def _open(self, firm: Firm, day: date) -> None:
        parent = self.customers.get(firm.parent)
        customer = create_customer(
            firm.number, firm.name, actor=self.bookkeeper, **_account(firm), parent=parent,
            owner=self.owner(firm), source=SOURCE, external_id=firm.number,
        )  # fmt: skip
        self.customers[firm.number], self.firms[firm.number] = customer, firm
        for person in firm.people:
            self._contact(customer, person)
        save_address(customer.pk, actor=self.bookkeeper, **_address(firm))
        agree_terms(
            customer.pk, self.terms[firm.terms], actor=self.bookkeeper, agreed_on=day,
            agreed_by=firm.people[0].name, reference=f"Account form {firm.number}",
            interest=Decimal("1.50") if firm.country.code == "US" else None,
        )  # fmt: skip
        for name in firm.tags:
            customer.tags.add(Tag.objects.get_or_create(name=name)[0])

    def _contact(self, customer: Customer, person: Person) -> None:
        save_contact(
            customer.pk, actor=self.bookkeeper, role=person.role, name=person.name,
            job_title=person.job_title, email=person.email, phone=person.phone,
            email_state="verified" if person.email else "unverified", phone_state="verified",
        )  # fmt: skip

    # --- ledger -----------------------------------------------------------------------------

    def post(self, happenings: Iterable[Happening]) -> None:
        """Write what concerns the ledger, in order; what was said is not for the books."""
        for each in happenings:
            if writer := WRITERS.get(type(each)):
                writer(self, each)

    def bill(self, each: Bill) -> None:
        firm = self.firms[each.firm]
        invoice = add_invoice(
            self.customers[each.firm].pk, self.numbers[each], actor=self.bookkeeper,
            issue_date=each.on, due_date=each.due, currency=each.currency,
            amount=each.amount, source=SOURCE, terms=self.terms[firm.terms],
            terms_text=self.terms[firm.terms].name, po_number=each.po,
            lines=[self._line(line) for line in each.lines],
            instalments=[NewInstalment(due, amount) for due, amount in each.parts],
        )  # fmt: skip
        self.invoices[each.key] = invoice.pk

    def _line(self, line: Line) -> NewLine:
        return NewLine(
            line.description,
            line.amount,
            line.quantity,
            line.unit_price,
            item=self.items[line.code],
        )

    def receipt(self, each: Receipt) -> None:
        payment = record_payment(
            self.customers[each.firm].pk, actor=self.bookkeeper, received_on=each.on,
            currency=each.currency, amount=each.amount, method=each.method, source=SOURCE,
            allocate=[(self.invoices[key], part) for key, part in each.shares],
            external_id=bank_line(each),
        )  # fmt: skip
        self.payments[each] = payment.pk

    def take_back(self, each: Return) -> None:
        reverse_payment(
            self.payments[each.receipt], on=each.on, reason="Returned by the bank: no cover",
            actor=self.bookkeeper,
        )  # fmt: skip

    def credit(self, each: Credit) -> None:
        add_credit_note(
            self.customers[each.firm].pk, self.numbers[each], actor=self.bookkeeper,
            issue_date=each.on, currency=each.currency, amount=each.amount,
            reason=each.reason, source=SOURCE,
            invoice_id=self.invoices[each.bill] if each.bill else None,
        )  # fmt: skip

    def contest(self, each: Contest) -> None:
        owner = self.owner(self.firms[each.firm])
        dispute = open_dispute(
            self.invoices[each.bill], each.amount, reason=each.reason, raised_on=each.on,
            actor=actor_of(owner), raised_by=each.raised_by, owner=owner, note=each.note,
            target_date=each.on + timedelta(days=14),
        )  # fmt: skip
        self.disputes[each] = dispute.pk

    def settle(self, each: Settlement) -> None:
        owner = self.owner(self.firms[each.firm])
        resolve_dispute(
            self.disputes[each.contest], each.status, on=each.on, resolution=each.resolution,
            actor=actor_of(owner),
        )  # fmt: skip

    def write_off(self, each: WrittenOff) -> None:
        write_off(
            self.invoices[each.bill], each.amount, on=each.on, reason=each.reason,
            actor=self.bookkeeper,
        )  # fmt: skip


WRITERS: Mapping[type, Callable[[Book, Any], None]] = {
    Bill: Book.bill,
    Receipt: Book.receipt,
    Return: Book.take_back,
    Credit: Book.credit,
    Contest: Book.contest,
    Settlement: Book.settle,
    WrittenOff: Book.write_off,
}


def numbered(happenings: Iterable[Happening]) -> dict[Bill | Credit, str]:
    """Numbers of invoices and credit notes, in the order they were written."""
    found: dict[Bill | Credit, str] = {}
    counts = {Bill: count(FIRST_INVOICE), Credit: count(FIRST_CREDIT)}
    for each in happenings:
        if isinstance(each, Bill | Credit):
            prefix = "HP" if isinstance(each, Bill) else "CN"
            found[each] = f"{prefix}-{next(counts[type(each)])}"
    return found


def bank_line(receipt: Receipt) -> str:
    """What tells one payment from all others."""
    key, part = receipt.shares[0]
    return f"{receipt.on}:{key}:{part}"


def _account(firm: Firm) -> dict[str, Any]:
    return {
        "legal_name": firm.name,
        "legal_type": firm.legal_type,
        "country": firm.country.code,
        "region": firm.town.region,
        "time_zone": firm.time_zone,
        "currency": firm.currency,
        "collection_notes": firm.notes,
        "payment_rules": firm.payment_rules,
    }


def _address(firm: Firm) -> dict[str, Any]:
    return {
        "line1": firm.street,
        "city": firm.town.name,
        "region": firm.town.region if firm.country.code == "US" else "",
        "postal_code": firm.town.postal_code,
        "country": firm.country.code,
        "attention": firm.people[0].name if firm.legal_type != "consumer" else "",
    }
