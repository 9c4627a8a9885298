"""Making the demo, and keeping it fresh."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db import transaction
from django.db.models import QuerySet

from arfollow.shared import clock
from customers.models import Customer, LegalType
from dunning.demo import archive, company, script
from dunning.demo.book import Book, moment
from dunning.demo.firms import PILOT_GROUP
from dunning.demo.office import Office
from dunning.demo.papers import Happening
from dunning.demo.script import Script
from dunning.demo.telephone import Telephone
from dunning.models import ContactAttempt, CustomerFollowUp
from dunning.runs import enrol
from invoices.models import Invoice, LedgerSource, Payment

PILOT_DAYS, ALL_DAYS = 110, 56
"""How long ago the follow-up began with a few customers, and with all the others. The first is
long enough for final demands to come up; the second keeps the making of the demo short."""
CHASED_BEFORE = timedelta(days=20)
"""What was this much overdue when it went live had been reminded twice by hand."""

REMINDED = "d17"
GENTLE = "p3"


@dataclass(frozen=True, slots=True)
class Made:
    """What there is now."""

    customers: int
    invoices: int
    payments: int
    contacts: int


def is_here() -> bool:
    """Whether this database holds a demo already."""
    return LedgerSource.objects.filter(name=company.SOURCE).exists()


def refresh(today: date, password: str) -> None:
    """At each start: payment data of today, and the password that is printed."""
    company.payments_known_to(today)
    company.set_password(password)


def make(*, customers: int, invoices: int, seed: int, today: date, password: str) -> Made:
    """Write the whole demo. The same arguments make the same firm."""
    told = script.write(customers, invoices, seed, today)
    with transaction.atomic():
        book = Book(company.set_up(password))
        with clock.at(moment(told.first_day, 8)):
            book.open_accounts(told)
        _years(book, told, seed)
        company.payments_known_to(today)
        company.send_as_a_demo()
        # Days to come were worked out with weekends; now every day is a business day.
        CustomerFollowUp.objects.update(projected_seq=-1)
    return Made(
        customers=Customer.objects.count(),
        invoices=Invoice.objects.count(),
        payments=Payment.objects.count(),
        contacts=ContactAttempt.objects.count(),
    )


def _years(book: Book, told: Script, seed: int) -> None:
    """The archive, then day after day: first the books alone, later the follow-up too."""
    pilot = told.today - timedelta(days=PILOT_DAYS)
    everyone = told.today - timedelta(days=ALL_DAYS)
    followed = {firm.number: pilot if firm.is_pilot else everyone for firm in told.firms}
    old = archive.older(told, followed)
    archive.store(book, old)
    days = _without(told, old).by_day()
    for day in sorted(day for day in days if day < pilot):
        with clock.at(moment(day, 9)):
            book.post(days[day])
    _chased_by_hand(pilot, Invoice.objects.filter(customer__tags__name=PILOT_GROUP))
    office = Office(book, told, Telephone(book, told, seed), everyone)
    day = pilot
    while day < told.today:
        if day == everyone:
            _go_on_with_all(day)
        office.day(day, days.get(day, []))
        day += timedelta(days=1)
    with clock.at(moment(day, 0, 5)):
        book.post(days.get(day, []))


def _without(told: Script, old: Sequence[Happening]) -> Script:
    stored = set(map(id, old))
    return replace(
        told, happenings=tuple(each for each in told.happenings if id(each) not in stored)
    )


def _go_on_with_all(day: date) -> None:
    """After the pilot group everyone is followed up; consumers gently."""
    with clock.at(moment(day, 0)):
        consumers = Customer.objects.filter(legal_type=LegalType.CONSUMER)
        for number in consumers.values_list("number", flat=True):
            enrol(GENTLE, customer=number)
        _chased_by_hand(day, Invoice.objects.exclude(customer__tags__name=PILOT_GROUP))


def _chased_by_hand(day: date, invoices: QuerySet[Invoice]) -> None:
    """How far the older items were chased already, as one says when going live (rule 1)."""
    late = invoices.filter(open_amount__gt=0, next_due_date__lte=day - CHASED_BEFORE)
    late.update(chased_to=REMINDED, chased_on=day - timedelta(days=9))
