"""Forms of letters: which to print, how they were posted, what the post reports."""

from collections.abc import Sequence
from typing import Any

from django import forms

from arfollow.shared.formfields import DayField
from dunning.models import ContactAttempt, Letter, LetterStatus

REPORTS = [
    (status.value, status.label)
    for status in (
        LetterStatus.DELIVERED,
        LetterStatus.IN_TRANSIT,
        LetterStatus.NOTICE_LEFT,
        LetterStatus.REFUSED,
        LetterStatus.UNCLAIMED,
        LetterStatus.UNDELIVERABLE,
    )
]


class PrintForm(forms.Form):
    """Which of the letters that wait are printed now."""

    pk = forms.TypedMultipleChoiceField(
        label="Letters", coerce=int, error_messages={"required": "Choose at least one letter."}
    )

    def __init__(self, *args: Any, waiting: Sequence[ContactAttempt], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pk"].choices = [  # type: ignore[attr-defined]  # a choice field
            (attempt.pk, attempt.customer.name) for attempt in waiting
        ]


class PostingForm(forms.Form):
    """The day of posting, and the article number of each certified letter."""

    on = DayField(label="Posted on")

    def __init__(self, *args: Any, letters: Sequence[Letter], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.letters = letters
        for letter in letters:
            chosen = forms.BooleanField(label=f"Post {letter.number}", required=False, initial=True)
            self.fields[f"post-{letter.pk}"] = chosen
            if letter.certified:
                self.fields[f"article-{letter.pk}"] = forms.CharField(
                    label=f"Article number of {letter.number}", max_length=40, required=False
                )

    def rows(self) -> list[tuple[Letter, forms.BoundField, forms.BoundField | None]]:
        """Each letter with its two fields."""
        return [
            (
                letter,
                self[f"post-{letter.pk}"],
                self[f"article-{letter.pk}"] if letter.certified else None,
            )
            for letter in self.letters
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for letter in self.letters:
            name = f"article-{letter.pk}"
            if letter.certified and data.get(f"post-{letter.pk}") and not data.get(name):
                self.add_error(name, "A certified letter needs its article number.")
        return data

    def chosen(self) -> list[tuple[Letter, str]]:
        """The letters to post, with their article numbers."""
        data = self.cleaned_data
        return [
            (letter, data.get(f"article-{letter.pk}", ""))
            for letter in self.letters
            if data.get(f"post-{letter.pk}")
        ]


class DeliveryForm(forms.Form):
    """What the post reports about a letter on its way."""

    status = forms.ChoiceField(label="The post says", choices=REPORTS)
    on = DayField(label="On")
    signer = forms.CharField(label="Signed by", max_length=120, required=False)
