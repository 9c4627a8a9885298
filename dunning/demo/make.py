"""Making the demo, and keeping it fresh."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db import transaction

from arfollow.shared import clock
from customers.models import Customer
from dunning.demo import archive, company, script
from dunning.demo.book import Book, moment
from dunning.demo.office import Office
from dunning.demo.script import Script
from dunning.demo.telephone import Telephone
from dunning.models import ContactAttempt
from invoices.models import Invoice, LedgerSource, Payment

CHASED_DAYS = 110
"""How long the firm has used the product: long enough for final demands to come up."""
CHASED_BEFORE = timedelta(days=20)
"""What was this much overdue when it went live had been reminded twice by hand."""

REMINDED = "d17"


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
    return Made(
        customers=Customer.objects.count(),
        invoices=Invoice.objects.count(),
        payments=Payment.objects.count(),
        contacts=ContactAttempt.objects.count(),
    )


def _years(book: Book, told: Script, seed: int) -> None:
    """The archive, then day after day: first the books alone, later the follow-up too."""
    began = told.today - timedelta(days=CHASED_DAYS)
    old = archive.older(told, began)
    archive.store(book, old)
    stored = set(map(id, old))
    rest = tuple(each for each in told.happenings if id(each) not in stored)
    days = replace(told, happenings=rest).by_day()
    for day in sorted(day for day in days if day < began):
        with clock.at(moment(day, 9)):
            book.post(days[day])
    _go_live(began)
    office = Office(book, told, Telephone(book, told, seed))
    day = began
    while day < told.today:
        office.day(day, days.get(day, []))
        day += timedelta(days=1)
    with clock.at(moment(day, 0, 5)):
        book.post(days.get(day, []))


def _go_live(day: date) -> None:
    """How far the older items were chased already, as one says when going live (rule 1)."""
    late = Invoice.objects.filter(open_amount__gt=0, next_due_date__lte=day - CHASED_BEFORE)
    late.update(chased_to=REMINDED, chased_on=day - timedelta(days=9))
