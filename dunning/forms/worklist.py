"""The filters of the worklist; the address is the view."""

from typing import Any

from django import forms

from arfollow.staff.models import User

MINE, EVERYONE = "mine", "all"


class WorklistForm(forms.Form):
    """Whose work, which kind, which customer."""

    q = forms.CharField(
        label="Customer or number",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    who = forms.ChoiceField(label="Whose work", required=False)
    kind = forms.CharField(required=False, widget=forms.HiddenInput, max_length=12)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).order_by("first_name", "username")
        self.fields["who"].choices = [  # type: ignore[attr-defined]  # a choice field
            ("", "Mine, and nobody's"),
            (EVERYONE, "Everyone's"),
            *((str(person.pk), str(person)) for person in people),
        ]

    def owner(self, me: User) -> User | None:
        """Whose customers are shown; None for everyone's."""
        who = self.cleaned_data.get("who") if self.is_valid() else ""
        if who == EVERYONE:
            return None
        return User.objects.filter(pk=who).first() if who else me
