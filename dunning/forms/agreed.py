"""Filters of the lists of what was agreed, and the forms of payment plans."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from arfollow.shared.formfields import AmountField, DayField
from arfollow.staff.models import User
from dunning.forms.agreements import SHOWN_ITEMS, key_of, line_of
from dunning.models import HoldReason, PlanInstalment
from dunning.outcomes import OpenItem, Part, PlanTerms, collectible_by_currency
from dunning.policy import ItemKey
from invoices.models import DisputeReason

MOST_PARTS = 60
COUNT, FIXED = "count", "fixed"
MONTHLY = 0
EVERY = [(MONTHLY, "a month"), (7, "a week"), (14, "two weeks"), (28, "four weeks")]
SPARE_ROWS = 2


def _people() -> list[tuple[str, str]]:
    people = User.objects.filter(is_active=True).order_by("first_name", "username")
    return [("", "Everyone's"), *((str(person.pk), str(person)) for person in people)]


class AgreedFilter(forms.Form):
    """Narrow a list of agreements; `show` is the tab."""

    q = forms.CharField(
        label="Customer or number",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    who = forms.ChoiceField(label="Whose customers", required=False)
    show = forms.CharField(required=False, widget=forms.HiddenInput, max_length=12)

    customer = "customer"
    owner = "customer__owner"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"].choices = _people()  # type: ignore[attr-defined]  # a choice field

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        """Only the customers and owners asked for."""
        data = self.cleaned_data
        if data["q"]:
            number = Q(**{f"{self.customer}__number__icontains": data["q"]})
            rows = rows.filter(number | Q(**{f"{self.customer}__name__icontains": data["q"]}))
        return rows.filter(**{self.owner: data["who"]}) if data["who"] else rows


class DisputeFilter(AgreedFilter):
    """Disputes also by what they are about."""

    reason = forms.ChoiceField(
        label="What about", required=False, choices=[("", "Anything"), *DisputeReason.choices]
    )
    customer = "invoice__customer"
    owner = "owner"
    field_order = ("q", "reason", "who", "show")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"].label = "Who settles it"

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        rows = super().narrow(rows)
        reason = self.cleaned_data["reason"]
        return rows.filter(reason=reason) if reason else rows


class HoldFilter(AgreedFilter):
    """Holds also by their reason."""

    reason = forms.ChoiceField(
        label="Why", required=False, choices=[("", "Anything"), *HoldReason.choices]
    )
    field_order = ("q", "reason", "who", "show")

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        rows = super().narrow(rows)
        reason = self.cleaned_data["reason"]
        return rows.filter(reason=reason) if reason else rows


class ExtendForm(forms.Form):
    """A later end for a hold, with the reason why."""

    until = DayField(label="Last day of the hold")
    reason = forms.CharField(label="Why", max_length=200)


class PlanForm(forms.Form):
    """How a plan is laid out; nothing is kept before it was seen."""

    how = forms.ChoiceField(
        label="Split it",
        choices=[(COUNT, "into a number of equal payments"), (FIXED, "into a fixed amount each")],
        widget=forms.RadioSelect,
        initial=COUNT,
    )
    count = forms.IntegerField(
        label="Number of payments",
        required=False,
        min_value=1,
        max_value=MOST_PARTS,
        help_text="The last one takes the rest.",
    )
    each = AmountField(
        label="Amount of each",
        required=False,
        help_text="As many as it takes; the last one takes the rest.",
    )
    first_on = DayField(label="First payment on")
    every = forms.TypedChoiceField(label="Then one every", choices=EVERY, coerce=int, initial=0)
    currency = forms.ChoiceField(label="Currency")
    items = forms.MultipleChoiceField(
        label="For which invoices",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all that are overdue.",
    )
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, items: list[OpenItem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        currencies = tuple(collectible_by_currency(items))
        if len(currencies) > 1:
            choices = [(code, code) for code in currencies]
            self.fields["currency"].choices = choices  # type: ignore[attr-defined]  # a choice field
        else:
            del self.fields["currency"]
        self.fields["items"].choices = [  # type: ignore[attr-defined]  # a choice field
            (f"{item.key.invoice_id}-{item.key.instalment_no}", line_of(item))
            for item in items[:SHOWN_ITEMS]
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        needed = "each" if data.get("how") == FIXED else "count"
        if needed not in self.errors and not data.get(needed):
            words = "the amount of each payment" if needed == "each" else "how many payments"
            self.add_error(needed, f"Enter {words}.")
        return data

    def terms(self) -> PlanTerms:
        """The terms as `outcomes.preview_plan` takes them."""
        data = self.cleaned_data
        fixed = data["how"] == FIXED
        return PlanTerms(
            first_on=data["first_on"],
            count=0 if fixed else data["count"],
            each=data["each"] if fixed else None,
            every=data["every"],
        )

    def wanted(self) -> list[ItemKey]:
        """The chosen items."""
        return [key_of(text) for text in self.cleaned_data["items"]]


class PartsForm(forms.Form):
    """Each payment of a draft: its day and its amount; an empty line takes it out."""

    def __init__(self, *args: Any, parts: Iterable[PlanInstalment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = list(parts)
        self.numbers = range(1, min(len(known) + SPARE_ROWS, MOST_PARTS) + 1)
        for number in self.numbers:
            part = known[number - 1] if number <= len(known) else None
            self._row(number, part.due_on if part else None, part.amount if part else None)

    def _row(self, number: int, due_on: date | None, amount: Decimal | None) -> None:
        day = DayField(label=f"Day of payment {number}", required=False, initial=due_on)
        self.fields[f"day-{number}"] = day
        self.fields[f"amount-{number}"] = AmountField(
            label=f"Amount of payment {number}", required=False, initial=amount
        )

    def rows(self) -> list[tuple[int, forms.BoundField, forms.BoundField]]:
        """The fields of each line."""
        return [(n, self[f"day-{n}"], self[f"amount-{n}"]) for n in self.numbers]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for number in self.numbers:
            day, amount = data.get(f"day-{number}"), data.get(f"amount-{number}")
            if bool(day) != bool(amount) and not self._has_error(number):
                missing = f"amount-{number}" if day else f"day-{number}"
                self.add_error(missing, ValidationError("Enter both, or leave both empty."))
        return data

    def _has_error(self, number: int) -> bool:
        return f"day-{number}" in self.errors or f"amount-{number}" in self.errors

    def parts(self) -> list[Part]:
        """The payments that stand on the page, in order of their day."""
        data = self.cleaned_data
        given = [(data[f"day-{n}"], data[f"amount-{n}"]) for n in self.numbers]
        return [Part(day, amount) for day, amount in sorted(pair for pair in given if pair[0])]
