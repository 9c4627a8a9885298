"""Whom a policy is followed by, and the brakes of sending."""

from typing import Any

from django import forms

WHOM = [
    ("default", "Everyone without a policy of their own"),
    ("customer", "One customer"),
    ("tag", "Everyone with a tag"),
]


class EnrolForm(forms.Form):
    """Let somebody follow a policy."""

    whom = forms.ChoiceField(label="Who follows it", choices=WHOM)
    name = forms.CharField(
        label="Customer number or tag", max_length=60, required=False,
        help_text="Not needed for everyone.",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("whom") in ("customer", "tag") and not data.get("name"):
            self.add_error("name", "Enter the customer number or the tag.")
        return data

    def target(self) -> dict[str, str]:
        """The arguments of `runs.enrol`."""
        whom, name = self.cleaned_data["whom"], self.cleaned_data["name"].strip()
        return {} if whom == "default" else {whom: name}


class PauseForm(forms.Form):
    reason = forms.CharField(label="Why sending is paused", max_length=200)


class ShadowForm(forms.Form):
    """Shadow mode: every message goes to one address until somebody says go."""

    email = forms.EmailField(label="Every message goes to", max_length=254)
