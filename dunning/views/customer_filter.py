"""What the customer list is narrowed by."""

from typing import Any

from django import forms
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from arfollow.shared.prefix import folds
from arfollow.staff.absences import covered_by
from arfollow.staff.models import User
from customers.models import Contact, Customer, FraudWarning
from dunning.models import Hold
from dunning.views.filters import ListFilter, SearchField, owned_by
from invoices.models import Invoice

STATES = (
    ("", "All"),
    ("overdue", "Overdue"),
    ("hold", "On hold"),
    ("credit", "Supply stopped"),
    ("limit", "Over the credit limit"),
    ("legal", "Legal stop"),
    ("warning", "Change to be checked"),
    ("internal", "Our own mail accounts"),
    ("merged", "Merged into another"),
)


class CustomerFilter(ListFilter):
    """``owner`` is a person, nobody, or whom they cover; ``state`` one thing that matters."""

    q = SearchField("Name, number, e-mail or invoice")
    owner = forms.ChoiceField(required=False)
    state = forms.ChoiceField(label="Show", required=False, choices=STATES)
    overdue = forms.BooleanField(label="Overdue only", required=False)

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        asked = self.cleaned_data
        rows = rows.filter(self._state(asked["state"]))
        if asked["owner"]:
            rows = rows.filter(self._owner(asked["owner"]))
        if asked["overdue"]:
            rows = rows.filter(Exists(self._late()))
        return found_by(rows, asked["q"]) if asked["q"] else rows

    def _owner(self, owner: str) -> Q:
        """Their own customers, and those of colleagues whom they cover today."""
        mine = owned_by("owner", owner)
        person = User.objects.filter(pk=owner).first() if owner.isdecimal() else None
        covered = covered_by(person, self.today) if person else set()
        return mine | Q(owner__in=covered) if covered else mine

    def _late(self) -> QuerySet[Invoice]:
        return Invoice.objects.filter(
            customer=OuterRef("pk"), open_amount__gt=0, next_due_date__lt=self.today
        )

    def _state(self, state: str) -> Q:
        """Without a choice the accounts that are no customers any more, or never were, are out."""
        if state == "internal":
            return Q(internal=True)
        if state == "merged":
            return Q(merged_into__isnull=False)
        usual = Q(internal=False, merged_into=None)
        held = Hold.objects.filter(
            customer=OuterRef("pk"), released_on=None, ends_on__gte=self.today
        )
        warned = FraudWarning.objects.filter(customer=OuterRef("pk"), cleared_at=None)
        return {
            "overdue": usual & Q(Exists(self._late())),
            "hold": usual & Q(Exists(held)),
            "credit": usual & Q(credit_stop=True),
            "limit": usual & Q(pk__in=over_limit_ids()),
            "legal": usual & ~Q(legal_stop=""),
            "warning": usual & Q(Exists(warned)),
        }.get(state, usual)


def over_limit_ids() -> QuerySet[Any, Any]:
    """Customers that owe more in their currency than they are given."""
    owed = Invoice.objects.filter(
        customer=OuterRef("pk"), open_amount__gt=0, currency=OuterRef("currency")
    ).order_by()
    total = owed.values("customer").annotate(sum=Sum("open_amount")).values("sum")
    limited = Customer.objects.filter(credit_limit__isnull=False)
    return limited.annotate(owed=Subquery(total)).filter(owed__gt=F("credit_limit")).values("pk")


def found_by(rows: QuerySet[Any, Any], word: str) -> QuerySet[Any, Any]:
    """By the beginning of the name or number, by an e-mail address, by an invoice number.

    Each is answered by an index. Only where none of them fits are names searched in the
    middle. The number of a merged account finds the account that goes on.
    """
    found = rows.filter(begins(word))
    return found if found.exists() else rows.filter(name__icontains=word)


def begins(word: str) -> Q:
    """Customers of which something begins with the word; every part is answered by an index."""
    numbers = Q()
    for spelt in dict.fromkeys((word, word.upper(), word.lower())):
        numbers |= Q(number__prefix=spelt)
    merged = Customer.objects.filter(numbers, merged_into__isnull=False)
    names = Q()
    for folded in folds(word):
        names |= Q(folded_name__prefix=folded)
    people = Contact.objects.filter(email__prefix=word.lower())
    billed = Invoice.objects.filter(number=word)
    return (
        numbers
        | names
        | Q(pk__in=people.values("customer"))
        | Q(pk__in=billed.values("customer"))
        | Q(pk__in=merged.values("merged_into"))
    )
