"""Forms of wordings: of one message that waits, and of all messages of a kind."""

from typing import Any

from django import forms

from dunning.wording import Problem

BODY = forms.Textarea(attrs={"rows": 22, "spellcheck": "true", "class": "wording"})


class WordingForm(forms.Form):
    """Subject and body with their placeholders; what the linter finds stands at its field."""

    subject = forms.CharField(label="Subject", max_length=200, required=False)
    body = forms.CharField(label="Text", widget=BODY)

    def blame(self, problems: tuple[Problem, ...]) -> None:
        """Put each problem at the field that has it."""
        for problem in problems:
            self.add_error("subject" if problem.where == "subject" else "body", problem.message)

    def words(self) -> tuple[str, str]:
        """What was typed, also where the form is not valid."""
        return str(self.data.get("subject", "")), str(self.data.get("body", ""))


class ApprovalForm(forms.Form):
    """Which of the messages that wait for approval may go."""

    pk = forms.TypedMultipleChoiceField(
        label="Messages", coerce=int, error_messages={"required": "Choose at least one."}
    )

    def __init__(self, *args: Any, waiting: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pk"].choices = [(pk, pk) for pk in waiting]  # type: ignore[attr-defined]  # a choice field
