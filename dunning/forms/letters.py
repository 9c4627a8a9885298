"""Forms of letters: which to print, how they were posted, what the post reports."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms

from arfollow.shared.errors import ServiceError
from arfollow.shared.formfields import DayField
from dunning.delivery import posting
from dunning.delivery.articles import read_article
from dunning.delivery.receipts import ACCEPT
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


def _scanned(label: str, kind: str) -> forms.CharField:
    """A field that a hand scanner types into: the ``article`` number or that of the ``card``."""
    keys = {"autocomplete": "off", "spellcheck": "false", "data-scan": kind}
    return forms.CharField(
        label=label, max_length=60, required=False, widget=forms.TextInput(attrs=keys)
    )


class PostingForm(forms.Form):
    """The day of posting, and the numbers on the labels of each certified letter."""

    on = DayField(label="Posted on")
    scanned = forms.CharField(
        label="Or paste the numbers",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="One line a letter: its number, a tab, the article number, and if there is one "
        "a tab and the number of the return receipt. Article numbers alone follow the cover list.",
    )
    certain = forms.BooleanField(label="The numbers are as on the labels", required=False)

    def __init__(
        self, *args: Any, waiting: Sequence[posting.Waiting], today: date, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.waiting, self.today = waiting, today
        self.letters = [each.letter for each in waiting]
        self.entries: list[posting.Entry] = []
        self.warnings: dict[int, str] = {}
        for each in waiting:
            self._add(each)

    def _add(self, each: posting.Waiting) -> None:
        letter = each.letter
        self.fields[f"post-{letter.pk}"] = forms.BooleanField(
            label=f"Post {letter.number}",
            required=False,
            initial=not each.pull,
            disabled=bool(each.pull),
        )
        if letter.certified:
            article, card = (
                f"Article number of {letter.number}",
                f"Return receipt of {letter.number}",
            )
            self.fields[f"article-{letter.pk}"] = _scanned(article, "article")
            self.fields[f"card-{letter.pk}"] = _scanned(card, "card")

    def rows(self) -> list[dict[str, Any]]:
        """Each letter with its fields and what there is to say about it."""
        return [
            {
                "letter": each.letter,
                "pull": each.pull,
                "chosen": self[f"post-{each.letter.pk}"],
                "article": self[f"article-{each.letter.pk}"] if each.letter.certified else None,
                "card": self[f"card-{each.letter.pk}"] if each.letter.certified else None,
                "warning": self.warnings.get(each.letter.pk, ""),
            }
            for each in self.waiting
        ]

    def clean_on(self) -> date:
        on: date = self.cleaned_data["on"]
        if on > self.today:
            raise forms.ValidationError("That day is still to come.")
        return on

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            self.entries = self._entries(data)
        except ServiceError as error:
            self.add_error("scanned", str(error))
            return data
        problems = posting.problems_of(self.entries)
        for pk, words in problems.items():
            named = f"article-{pk}" in self.fields and not data.get("scanned")
            self.add_error(f"article-{pk}" if named else None, words)
        self.warnings = {
            entry.letter.pk: entry.article.warning
            for entry in self.entries
            if entry.article.warning and entry.letter.pk not in problems
        }
        if self.warnings and not data.get("certain"):
            said = [f"{e.letter.number}: {e.article.warning}" for e in self.entries
                    if e.letter.pk in self.warnings]  # fmt: skip
            self.add_error("certain", " ".join(said))
        if not self.entries and not self.to_pull():
            self.add_error(None, "Choose at least one letter.")
        return data

    def _entries(self, data: Mapping[str, Any]) -> list[posting.Entry]:
        """The letters to post, with what is on their labels."""
        chosen = [each for each in self.letters if data.get(f"post-{each.pk}")]
        lines = data.get("scanned", "")
        if lines.strip():
            listed = posting.read_list(lines, chosen)
            plain = [posting.Entry(each) for each in chosen if not each.certified]
            named = {entry.letter for entry in listed}
            return listed + [entry for entry in plain if entry.letter not in named]
        return [
            posting.Entry(
                each,
                read_article(data.get(f"article-{each.pk}", "")),
                data.get(f"card-{each.pk}", ""),
            )
            for each in chosen
        ]

    def to_pull(self) -> list[tuple[Letter, str]]:
        """Letters of the pile that are not true any more, with the reason."""
        return [(each.letter, each.pull) for each in self.waiting if each.pull]


class ReceiptForm(forms.Form):
    """A scan of the receipt, or the post's own PDF."""

    receipt = forms.FileField(
        label="Receipt",
        help_text="PDF, PNG or JPEG, up to 10 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
    )


class DeliveryForm(forms.Form):
    """What the post reports about a letter on its way."""

    status = forms.ChoiceField(label="The post says", choices=REPORTS)
    on = DayField(label="On")
    signer = forms.CharField(label="Signed by", max_length=120, required=False)
