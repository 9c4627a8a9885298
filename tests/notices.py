"""Plain makers of notices for the tests of texts, e-mails and letters."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from dunning.wording.notice import (
    Address,
    BankDetails,
    Company,
    CurrencyTable,
    InternalFacts,
    Line,
    Notice,
    Payment,
    Person,
    PriorContact,
    PromiseNote,
    Purpose,
    Recipient,
)

TODAY = date(2026, 11, 20)
DEADLINE = date(2026, 12, 1)

HARBOUR = Company(
    legal_name="Harbour & Pine Supply Ltd",
    name="Harbour & Pine",
    address=Address(street=("12 Quay Road",), city="Bristol", postal_code="BS1 4DJ", country="GB"),
    registration="Registered in England 08123456",
    vat_number="GB 123 4567 89",
    phone="+44 117 496 0100",
    email="accounts@harbourpine.test",
    website="harbourpine.test",
    bank=BankDetails(
        rows=(("Account name", "Harbour & Pine Supply Ltd"), ("IBAN", "GB29 NWBK 6016 1331 92")),
        verify_phone="+44 117 496 0199",
    ),
    ways_to_pay=("Card by telephone",),
    payment_link="https://pay.harbourpine.test/a/C-1001",
)
MIA = Person(
    name="Mia Okafor",
    job_title="Accounts receivable",
    phone="+44 117 496 0101",
    email="mia@harbourpine.test",
)
NORTHWIND = Recipient(
    number="C-1001",
    company="Northwind Traders Ltd",
    name="Jane Ferris",
    address=Address(street=("88 Mill Lane",), city="Leeds", postal_code="LS1 2AB", country="GB"),
    email="jane@northwind.test",
    phone="+44 113 496 0200",
)
REACHED = (
    PriorContact(on=date(2026, 10, 28), channel="email", about="delivered"),
    PriorContact(on=date(2026, 10, 6), channel="email"),
    PriorContact(on=date(2026, 10, 13), channel="call", about="spoke with Jane Ferris"),
)


def line(number: str, amount: str, days_late: int = 49, **more: Any) -> Line:
    """An open invoice of 30 days, so many days late on TODAY."""
    due = TODAY - timedelta(days=days_late)
    values: dict[str, Any] = {
        "open": Decimal(amount),
        "original": Decimal(amount),
        "issue_date": due - timedelta(days=30),
        "due_date": due,
        "days_late": max(days_late, 0),
        "terms": "net 30 days",
    }
    return Line(number=number, **{**values, **more})


def credit(number: str, amount: str, **more: Any) -> Line:
    """A credit note; the amount is negative."""
    more = {"kind": "credit", "original": Decimal(amount), **more}
    return Line(number=number, open=Decimal(amount), **more)


def table(
    *please_pay: Line,
    currency: str = "USD",
    in_query: Iterable[Line] = (),
    not_yet_due: Iterable[Line] = (),
) -> CurrencyTable:
    """A table of one currency."""
    return CurrencyTable(
        currency=currency,
        please_pay=please_pay,
        in_query=tuple(in_query),
        not_yet_due=tuple(not_yet_due),
    )


def notice(*tables: CurrencyTable, tone: str = "firm", **more: Any) -> Notice:
    """A notice to Northwind; by default one invoice of 1,200.00, 49 days late."""
    values: dict[str, Any] = {
        "company": HARBOUR,
        "contact": MIA,
        "recipient": NORTHWIND,
        "date": TODAY,
        "tone": tone,
        "tables": tables or (table(line("INV-10234", "1200.00")),),
        "received_through": date(2026, 11, 19),
        "deadline": None if tone in ("courtesy", "friendly") else DEADLINE,
        "prior_contacts": REACHED,
    }
    return Notice(**{**values, **more})


def courtesy(**more: Any) -> Notice:
    """Nothing overdue; one invoice falls due in three days."""
    upcoming = table(not_yet_due=[line("INV-10400", "310.00", days_late=-3)])
    return notice(upcoming, tone="courtesy", **more)


def final_demand(*tables: CurrencyTable, **more: Any) -> Notice:
    """A certified letter with everything it needs."""
    values: dict[str, Any] = {
        "purpose": Purpose.FINAL_DEMAND,
        "tone": "final",
        "channel": "letter",
        "letter_number": "L-2026-00123",
        "mailing": "Certified Mail, Return Receipt Requested",
        "enclosures": ("Statement of account",),
        "consequences": ("we hand the account to Aldgate Recoveries Ltd",),
    }
    return notice(*tables, **{**values, **more})


def for_purpose(purpose: Purpose, tone: str, channel: str) -> Notice:
    """A notice that has what a text of this purpose speaks about."""
    if purpose is Purpose.FINAL_DEMAND:
        return final_demand(channel=channel)
    if tone == "courtesy" and purpose is Purpose.REMINDER:
        return courtesy(channel=channel)
    return notice(
        tone=tone,
        channel=channel,
        purpose=purpose,
        payment=Payment(amount=Decimal("500.00"), currency="USD", on=date(2026, 11, 19)),
        promise=PromiseNote(
            on=date(2027, 3, 20),
            amount=Decimal("10000.00"),
            received=Decimal("5000.00"),
            currency="USD",
        ),
        internal=InternalFacts(
            reason="lost their main customer",
            history=("6 October 2026: e-mail, delivered",),
            next_step="Final demand",
            next_on=date(2026, 12, 15),
            link="https://arfollow.test/customers/C-1001",
        ),
    )
