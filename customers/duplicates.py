"""Accounts that may be the same customer: same tax number, same e-mail address, near names."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.db.models import QuerySet

from customers.models import Contact, Customer

NEAR = 0.9
LOOKED_AT = 200
SHOWN = 8
_LEGAL_FORM = re.compile(
    r"\b(?:the|inc|incorporated|llc|llp|ltd|limited|plc|co|corp|corporation|company|gmbh|ag|kg"
    r"|sarl|sa|sas|bv|nv|pty|srl|spa|oy|ab|as)\b"
)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another account, and why it may be the same customer."""

    customer: Customer
    why: str


def duplicates_of(customer: Customer) -> list[Duplicate]:
    """At most eight accounts, the strongest reason first; three queries, each by an index."""
    found: dict[int, Duplicate] = {}
    for rows, why in (
        (_same_tax_number(customer), "Same tax number"),
        (_same_address(customer), "Same e-mail address"),
        (_near_names(customer), "Nearly the same name"),
    ):
        for row in rows:
            found.setdefault(row.pk, Duplicate(row, why))
    return list(found.values())[:SHOWN]


def _others(customer: Customer) -> QuerySet[Customer]:
    rows = Customer.objects.filter(merged_into=None, internal=False).exclude(pk=customer.pk)
    return rows.select_related("owner")


def _same_tax_number(customer: Customer) -> list[Customer]:
    if not customer.tax_number:
        return []
    rows = _others(customer).exclude(tax_number="").filter(tax_number=customer.tax_number)
    return list(rows.order_by("pk")[:SHOWN])


def _same_address(customer: Customer) -> list[Customer]:
    mine = Contact.objects.filter(customer=customer, active=True).exclude(email="")
    same = Contact.objects.filter(email__in=mine.values("email"), active=True)
    return list(_others(customer).filter(pk__in=same.values("customer")).order_by("pk")[:SHOWN])


def _near_names(customer: Customer) -> list[Customer]:
    """Among those whose name begins alike."""
    core = core_of(customer.name)
    begins = (core or customer.name.lower())[:4]
    rows = _others(customer).filter(folded_name__prefix=begins).order_by("folded_name", "pk")
    return [row for row in rows[:LOOKED_AT] if is_near(core, core_of(row.name))][:SHOWN]


def core_of(name: str) -> str:
    """Letters and digits, lower-case, without the legal form."""
    words = re.sub(r"[^\w ]|_", " ", name.casefold())
    return " ".join(_LEGAL_FORM.sub(" ", words).split())


def is_near(core: str, other: str) -> bool:
    """Whether two such names differ in no more than a slip."""
    if not core or not other:
        return False
    if core == other:
        return True
    matcher = SequenceMatcher(None, core, other, autojunk=False)
    return matcher.quick_ratio() >= NEAR and matcher.ratio() >= NEAR
