"""The filters of the worklist, its saved views and bulk actions; the address is the view."""

from typing import Any, ClassVar

from django import forms

from arfollow.shared.formfields import AmountField, DayField
from arfollow.staff.models import User
from dunning.forms.agreements import BY_HAND
from dunning.models import SavedView

MINE, ONLY_MINE, NOBODY, EVERYONE = "", "only", "nobody", "all"
TODAY, LATER, DUE = "", "later", "due"
SORTS = (
    ("", "Most pressing first"),
    ("amount", "Largest amount first"),
    ("age", "Latest first"),
    ("waiting", "Longest waiting first"),
)
KEYS = ("q", "who", "when", "currency", "least", "days", "sort", "kind")
"""What of the address makes a view."""


def people() -> list[User]:
    """Everybody who may be given work."""
    rows = User.objects.filter(is_active=True).exclude(role="read_only")
    return list(rows.order_by("first_name", "username"))


class WorklistForm(forms.Form):
    """Whose work, when it is due, which customers, in which order."""

    q = forms.CharField(
        label="Customer or number",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    who = forms.ChoiceField(label="Whose work", required=False)
    when = forms.ChoiceField(
        label="When",
        required=False,
        choices=[(TODAY, "Today’s share"), (DUE, "All that is due"), (LATER, "Later")],
    )
    sort = forms.ChoiceField(label="Order", required=False, choices=SORTS)
    currency = forms.CharField(
        label="Currency", required=False, max_length=3, widget=forms.TextInput(attrs={"size": 4})
    )
    least = AmountField(label="Overdue at least", required=False)
    days = forms.IntegerField(
        label="Days late at least",
        required=False,
        min_value=0,
        max_value=9999,
        widget=forms.TextInput(attrs={"size": 5, "inputmode": "numeric"}),
    )
    kind = forms.CharField(required=False, widget=forms.HiddenInput, max_length=12)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people()
        self.fields["who"].choices = [  # type: ignore[attr-defined]  # a choice field
            (MINE, "Mine, and nobody’s"),
            (ONLY_MINE, "Only mine"),
            (NOBODY, "Nobody’s"),
            (EVERYONE, "Everyone’s"),
            *((str(person.pk), str(person)) for person in self.people),
        ]

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def owner(self, me: User) -> User | None:
        """Whose customers are shown; None for everyone's and for nobody's."""
        who = self.cleaned_data.get("who", "")
        if who in (EVERYONE, NOBODY):
            return None
        return next((each for each in self.people if str(each.pk) == who), me)


class SaveViewForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A name for the filter one looks at; sharing it is a manager's."""

    class Meta:
        model = SavedView
        fields: ClassVar = ["name", "query", "shared"]
        widgets: ClassVar = {"query": forms.HiddenInput}
        labels: ClassVar = {"name": "Name of the view", "shared": "For everybody"}


class AssignForm(forms.Form):
    """Who looks after the customers from now on."""

    owner = forms.ModelChoiceField(label="New owner", queryset=User.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = User.objects.filter(is_active=True).exclude(role="read_only")
        field: Any = self.fields["owner"]
        field.queryset = rows.order_by("first_name", "username")


class BulkHoldForm(forms.Form):
    """Why we wait, and until when."""

    reason = forms.ChoiceField(label="Why", choices=BY_HAND)
    until = DayField(label="Last day of the hold")
    note = forms.CharField(label="Note", required=False, max_length=300)


class PostponeForm(forms.Form):
    """The day on which it comes back."""

    until = DayField(label="Back on")
    note = forms.CharField(label="Reason", required=False, max_length=200)


class DoneForm(forms.Form):
    """What came of the tasks."""

    result = forms.CharField(label="What came of it", required=False, max_length=300)


class NoForm(forms.Form):
    """Nothing more to say."""
