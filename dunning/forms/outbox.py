"""Forms of the outbox: what is shown, and what people decide about a message."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from arfollow.shared.formfields import DayField
from dunning.models import Channel, Tone
from dunning.outbox import NextMove

MOVES = [
    (NextMove.AGAIN.value, "Look at it again on a day"),
    (NextMove.PLAN.value, "Agree a payment plan"),
    (NextMove.CALL.value, "Call the customer"),
    (NextMove.CREDIT_REPORT.value, "Report to the credit bureau"),
    (NextMove.WRITE_OFF.value, "Write it off"),
    (NextMove.OWNER_VISIT.value, "The owner visits the customer"),
]


class OutboxFilter(forms.Form):
    """Narrow the outbox; `show` is the tab."""

    q = forms.CharField(
        label="Customer or number",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    channel = forms.ChoiceField(
        label="Channel", required=False, choices=[("", "Any"), *Channel.choices]
    )
    tone = forms.ChoiceField(label="Tone", required=False, choices=[("", "Any"), *Tone.choices])
    show = forms.CharField(required=False, widget=forms.HiddenInput, max_length=12)

    def narrow(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        data = self.cleaned_data
        if data["q"]:
            number = Q(customer__number__icontains=data["q"])
            rows = rows.filter(number | Q(customer__name__icontains=data["q"]))
        for name in ("channel", "tone"):
            rows = rows.filter(**{name: data[name]}) if data[name] else rows
        return rows


class CancelForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=200)


class DeclineForm(forms.Form):
    """A refusal needs its reason and the next move (rule 6)."""

    reason = forms.CharField(label="Why it is declined", max_length=200)
    next_move = forms.ChoiceField(label="What happens instead", choices=MOVES)
    again_on = DayField(
        label="Look at it again on", required=False, help_text="Only for the first choice."
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("next_move") == NextMove.AGAIN and not data.get("again_on"):
            self.add_error("again_on", "Enter the day on which it comes up again.")
        return data
