"""What lists are narrowed by; each form reads the address and adds conditions."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from arfollow.shared import clock
from arfollow.staff.models import Company, User
from dunning.briefing import neglected_invoices
from invoices.models import Invoice

NOBODY = "none"


def owner_choices() -> list[tuple[str, str]]:
    people = User.objects.filter(is_active=True).order_by("first_name", "last_name")
    return [("", "Everyone"), *((str(p.pk), str(p)) for p in people), (NOBODY, "Nobody")]


def owned_by(path: str, owner: str) -> Q:
    """Rows whose ``path`` is that member of staff; no one for ``none``."""
    return Q(**{f"{path}__isnull": True}) if owner == NOBODY else Q(**{path: owner})


class SearchField(forms.CharField):
    """The field that the key ``/`` leads to."""

    def __init__(self, label: str) -> None:
        search = forms.TextInput(attrs={"type": "search", "size": 24})
        super().__init__(label=label, required=False, strip=True, widget=search)


class ListFilter(forms.Form):
    """A search word and an owner; ``today`` is our own date."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today: date = clock.today(Company.load().time_zone)
        if "owner" in self.fields:
            self.fields["owner"].choices = owner_choices()  # type: ignore[attr-defined]  # a choice field


class CustomerFilter(ListFilter):
    q = SearchField("Customer, number or invoice")
    owner = forms.ChoiceField(required=False)
    overdue = forms.BooleanField(label="Overdue only", required=False)

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        asked = self.cleaned_data
        if asked["q"]:
            rows = rows.filter(_named(asked["q"]))
        if asked["owner"]:
            rows = rows.filter(owned_by("owner", asked["owner"]))
        if asked["overdue"]:
            late = Invoice.objects.filter(
                customer=OuterRef("pk"), open_amount__gt=0, next_due_date__lt=self.today
            )
            rows = rows.filter(Exists(late))
        return rows


def _named(word: str) -> Q:
    billed = Invoice.objects.filter(customer=OuterRef("pk"), number=word)
    return Q(Exists(billed)) | Q(name__icontains=word) | Q(number__istartswith=word)


class InvoiceFilter(ListFilter):
    q = SearchField("Invoice or customer")
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            ("", "Open"),
            ("overdue", "Overdue"),
            ("neglected", "Neglected: nobody or nothing next"),
            ("disputed", "In query"),
            ("closed", "Closed"),
            ("all", "All"),
        ],
    )
    currency = forms.CharField(
        label="Currency", required=False, max_length=3, widget=forms.TextInput(attrs={"size": 4})
    )
    owner = forms.ChoiceField(required=False)
    customer = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        asked = self.cleaned_data
        rows = rows.filter(self._state(asked["state"]))
        if asked["state"] == "neglected":
            rows = rows.filter(pk__in=neglected_invoices(self.today).values("pk"))
        if asked["q"]:
            rows = rows.filter(
                Q(number__istartswith=asked["q"]) | Q(customer__name__icontains=asked["q"])
            )
        if asked["currency"]:
            rows = rows.filter(currency=asked["currency"].upper())
        if asked["owner"]:
            rows = rows.filter(owned_by("customer__owner", asked["owner"]))
        return rows.filter(customer=asked["customer"]) if asked["customer"] else rows

    def _state(self, state: str) -> Q:
        is_open = Q(open_amount__gt=0)
        return {
            "": is_open,
            "overdue": is_open & Q(next_due_date__lt=self.today),
            "neglected": is_open & Q(next_due_date__lt=self.today),
            "disputed": is_open & Q(disputed_amount__gt=0),
            "closed": Q(open_amount=0),
            "all": Q(),
        }[state]
