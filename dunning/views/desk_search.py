"""Who is calling? By name, account number, telephone digits or invoice number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Q, Value
from django.db.models.functions import Replace

from customers.models import Contact, Customer
from invoices.models import Invoice

SHOWN = 20
LEAST_DIGITS = 5
SIGNS = " -()./+"
ACCOUNT = ("customer__owner", "customer__merged_into")


@dataclass(frozen=True, slots=True)
class Caller:
    """A customer who may be calling, and by what we know it."""

    customer: Customer
    known_by: str


def callers(text: str) -> list[Caller]:
    """Matches, the surest first: invoice, account number, telephone number, then names."""
    if not text:
        return []
    found: dict[int, Caller] = {}
    for group in (_by_invoice(text), _by_number(text), _by_digits(text), _by_name(text)):
        for caller in group:
            whole = caller.customer.merged_into or caller.customer
            if not whole.internal:
                found.setdefault(whole.pk, Caller(whole, caller.known_by))
    return list(found.values())[:SHOWN]


def _by_invoice(text: str) -> Iterable[Caller]:
    rows = Invoice.objects.filter(number__iexact=text).select_related(*ACCOUNT)
    return [Caller(row.customer, f"Invoice {row.number}") for row in rows[:SHOWN]]


def _by_number(text: str) -> Iterable[Caller]:
    rows = Customer.objects.filter(number__iexact=text).select_related("owner", "merged_into")
    return [Caller(row, f"Account {row.number}") for row in rows[:SHOWN]]


def _by_digits(text: str) -> Iterable[Caller]:
    """The end of a number, as a telephone shows it: with or without the country's code."""
    digits = re.sub(r"\D", "", text).lstrip("0")
    if len(digits) < LEAST_DIGITS or re.search(r"[^\d\s+()./-]", text):
        return []
    bare = F("phone")
    for sign in SIGNS:
        bare = Replace(bare, Value(sign), Value(""))  # type: ignore[assignment]  # an expression
    rows = Contact.objects.filter(active=True).exclude(phone="").annotate(bare=bare)
    found = rows.filter(bare__endswith=digits).select_related(*ACCOUNT)
    return [Caller(row.customer, f"{row.phone}, {row}") for row in found[:SHOWN]]


def _by_name(text: str) -> Iterable[Caller]:
    named = Contact.objects.filter(active=True, name__icontains=text)
    people = named.select_related(*ACCOUNT).order_by("customer__name")[:SHOWN]
    rows = Customer.objects.filter(Q(name__icontains=text) | Q(number__istartswith=text))
    firms = rows.select_related("owner", "merged_into").order_by("name")[:SHOWN]
    return [
        *(Caller(row, f"Account {row.number}") for row in firms),
        *(Caller(row.customer, f"{row}, {row.get_role_display().lower()}") for row in people),
    ]
