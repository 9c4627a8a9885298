"""Harbour & Pine Supply Ltd: the firm of the demo, its people, terms and price list."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.contrib.auth.hashers import check_password, make_password

from arfollow.staff.models import Company, Role, User, WindowFormat
from customers.models import PaymentTerms
from customers.terms import Terms, describe
from dunning.demo.goods import CATALOGUE
from dunning.demo.script import TERMS, THIRDS
from invoices.models import CatalogueItem, LedgerSource

SOURCE = "demo"
ZONE = "America/New_York"
NAME = "Harbour & Pine Supply Ltd"
HOST = "harbour-and-pine.example"

STAFF: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("mia", "Mia", "Okafor", Role.COLLECTOR, "Receivables", "+1 207 555 0141"),
    ("tom", "Tom", "Reyes", Role.COLLECTOR, "Receivables", "+1 207 555 0142"),
    ("ruth", "Ruth", "Adler", Role.MANAGER, "Head of accounts", "+1 207 555 0143"),
    ("sam", "Sam", "Whitlock", Role.ADMIN, "Owner", "+1 207 555 0140"),
)
ABOUT_US: Mapping[str, object] = {
    "name": "Harbour & Pine",
    "legal_name": NAME,
    "registration": "Maine business corporation 20-118-4471",
    "tax_number": "EIN 00-1184471",
    "address_line1": "14 Quay Street",
    "city": "Portland",
    "region": "ME",
    "postal_code": "04101",
    "country": "US",
    "phone": "+1 207 555 0140",
    "email": f"accounts@{HOST}",
    "website": f"https://{HOST}",
    "currency": "USD",
    "time_zone": ZONE,
    "window_format": WindowFormat.US_10,
    "letterhead_tagline": "Ship chandlery and timber since 1987",
    "bank_name": "First Casco Bank (invented)",
    "bank_account_name": NAME,
    "bank_account": "0001 1844 7100",
    "bank_code": "011 000 000",
    "ways_to_pay": "Check by mail to 14 Quay Street, Portland ME 04101\n"
    "Card, by calling the number below",
    "sender_name": "Harbour & Pine accounts",
    "sender_email": f"accounts@{HOST}",
    "reply_to": f"accounts@{HOST}",
    "shadow_email": f"sam@{HOST}",
    "agency_name": "Breakwater Recoveries",
    "agency_fee_percent": Decimal("33.00"),
}
USUAL_SENDING: Mapping[str, object] = {
    "send_window_start": 8,
    "send_window_end": 17,
    "continuous_slots": False,
    "send_every_day": False,
    "undo_seconds": 7200,
}
"""As a firm has it: the history of the demo is made with these."""
DEMO_SENDING: Mapping[str, object] = {
    "send_window_start": 0,
    "send_window_end": 24,
    "continuous_slots": True,
    "send_every_day": True,
    "undo_seconds": 30,
}
"""As somebody who looks on wants it: any hour of any day, half a minute after planning."""


def set_up(password: str) -> dict[str, User]:
    """The company, its staff, terms and catalogue; answers the staff by user name."""
    hashed = make_password(password)  # once: it is slow on purpose, and the same for all
    staff = {row[0]: _person(*row, hashed=hashed) for row in STAFF}
    company = Company.load()
    signs = {"letter_signatory": staff["ruth"], "contact_person": staff["mia"]}
    for name, value in {**ABOUT_US, **USUAL_SENDING, **signs}.items():
        setattr(company, name, value)
    company.save()
    for code, terms in TERMS.items():
        _terms(code, terms)
    CatalogueItem.objects.bulk_create(
        CatalogueItem(
            code=good.code, name=good.name, description=good.unit,
            unit_price=good.price, currency="USD",
        )
        for good in CATALOGUE
    )  # fmt: skip
    return staff


def _person(
    username: str, first: str, last: str, role: str, title: str, phone: str, *, hashed: str
) -> User:
    top = role == Role.ADMIN
    return User.objects.create(
        username=username, email=f"{username}@{HOST}", password=hashed, first_name=first,
        last_name=last, role=role, job_title=title, direct_phone=phone, is_staff=top,
        is_superuser=top,
    )  # fmt: skip


def _terms(code: str, terms: Terms) -> PaymentTerms:
    return PaymentTerms.objects.create(
        code=code,
        name=describe(terms),
        kind=terms.kind,
        days=terms.days,
        day_of_month=terms.day_of_month or None,
        discount_percent=terms.discount_percent or None,
        discount_days=terms.discount_days or None,
        instalments=THIRDS if terms.parts else [],
    )


def send_as_a_demo() -> None:
    """From now on messages leave at once, whatever the hour or day."""
    Company.objects.filter(pk=1).update(**DEMO_SENDING)


def payments_known_to(day: date) -> None:
    """The payment data are fresh as of a day (rule 7)."""
    LedgerSource.objects.update_or_create(name=SOURCE, defaults={"as_of": day})


def set_password(password: str) -> None:
    """The password that is printed is the one that works, also for an older demo."""
    if not password:
        return
    everyone = User.objects.filter(username__in=[row[0] for row in STAFF])
    for hashed in set(everyone.values_list("password", flat=True)):
        if not check_password(password, hashed):
            everyone.filter(password=hashed).update(password=make_password(password))
