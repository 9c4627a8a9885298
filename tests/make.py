"""Plain makers for tests: each writes one thing through the product's own services."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from arfollow.shared.events import SYSTEM
from arfollow.staff.models import Company, Role, User
from customers.models import Address, Contact, Customer
from customers.services import create_customer, save_address, save_contact
from invoices.models import CreditNote, Dispute, Invoice, Payment
from invoices.services import add_credit_note, add_invoice, open_dispute, record_payment

TODAY = date(2026, 3, 2)
"""A Monday: the day of most tests."""

_serial = count(1)


def user(role: str = Role.COLLECTOR, username: str = "", **fields: Any) -> User:
    """A member of staff whose password is "correct horse battery"."""
    name = username or f"{role}{next(_serial)}"
    return User.objects.create_user(
        name, f"{name}@example.test", "correct horse battery", role=role, **fields
    )


def company(**fields: Any) -> Company:
    """Our own company, complete enough to write letters."""
    row = Company.load()
    values = {
        "name": "Harbour & Pine",
        "legal_name": "Harbour & Pine Supply Ltd",
        "address_line1": "14 Quay Street",
        "city": "Portland",
        "region": "ME",
        "postal_code": "04101",
        "country": "US",
        "phone": "+1 207 555 0100",
        "email": "accounts@harbourpine.example",
        "sender_name": "Harbour & Pine accounts",
        "sender_email": "accounts@harbourpine.example",
        "reply_to": "accounts@harbourpine.example",
        "bank_name": "First Harbor Bank",
        "bank_account": "000123456789",
        "bank_code": "011200365",
        "ways_to_pay": "Bank transfer to the account on your invoice\nCheck by mail",
    } | fields
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


def customer(
    number: str = "",
    name: str = "",
    *,
    email: str | None = "",
    phone: str | None = "",
    address: bool = True,
    **fields: Any,
) -> Customer:
    """A customer with one payables contact; None for e-mail or phone leaves it out."""
    number = number or f"C-{next(_serial):04d}"
    row = create_customer(number, name or f"Customer {number}", actor=SYSTEM, **fields)
    mail = f"ap.{number.lower()}@example.test" if email == "" else email
    dial = "+1 207 555 0199" if phone == "" else phone
    if mail or dial:
        contact(row, name="Pat Keel", email=mail or "", phone=dial or "")
    if address:
        postal(row)
    row.refresh_from_db()
    return row


def contact(row: Customer, **fields: Any) -> Contact:
    """A contact of a customer."""
    return save_contact(row.pk, actor=SYSTEM, **fields)


def postal(row: Customer, **fields: Any) -> Address:
    """A postal address for a customer."""
    values = {
        "line1": "500 Mill Road",
        "city": "Bangor",
        "region": "ME",
        "postal_code": "04401",
        "country": "US",
    } | fields
    return save_address(row.pk, actor=SYSTEM, **values)


def invoice(
    row: Customer,
    amount: str | Decimal = "100.00",
    due: date = TODAY,
    *,
    issued: date | None = None,
    number: str = "",
    currency: str = "",
    disputed: str | None = None,
    **fields: Any,
) -> Invoice:
    """An invoice issued 30 days before it is due."""
    made = add_invoice(
        row.pk,
        number or f"INV-{next(_serial):05d}",
        actor=SYSTEM,
        issue_date=issued or due - timedelta(days=30),
        due_date=due,
        currency=currency or row.currency,
        amount=Decimal(amount),
        **fields,
    )
    if disputed is not None:
        dispute(made, disputed, on=made.issue_date)
        made.refresh_from_db()
    return made


def payment(
    row: Customer, amount: str | Decimal, on: date = TODAY, *invoices: Invoice, currency: str = ""
) -> Payment:
    """Cash received; named invoices are settled in that order, none leaves it oldest first."""
    total = left = Decimal(amount)
    shares = []
    for one in invoices:
        one.refresh_from_db()
        part = min(left, one.open_amount)
        shares.append((one.pk, part))
        left -= part
    return record_payment(
        row.pk,
        actor=SYSTEM,
        received_on=on,
        currency=currency or row.currency,
        amount=total,
        allocate=[share for share in shares if share[1] > 0] if invoices else None,
    )


def credit_note(
    row: Customer, amount: str | Decimal, on: date = TODAY, *, invoice: Invoice | None = None
) -> CreditNote:
    """A credit note, set against an invoice where one is given."""
    return add_credit_note(
        row.pk,
        f"CN-{next(_serial):04d}",
        actor=SYSTEM,
        issue_date=on,
        currency=row.currency,
        amount=Decimal(amount),
        invoice_id=invoice.pk if invoice else None,
    )


def dispute(
    row: Invoice, amount: str | Decimal | None = None, on: date = TODAY, reason: str = "quality"
) -> Dispute:
    """A dispute over an amount, or over all that is open."""
    contested = None if amount is None else Decimal(amount)
    return open_dispute(row.pk, contested, reason=reason, raised_on=on, actor=SYSTEM)
