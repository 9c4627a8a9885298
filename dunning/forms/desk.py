"""Small forms of the desk: why somebody is put off, what is sent while talking."""

from django import forms

PUT_OFF = [
    ("They are busy now", "They are busy now"),
    ("I look something up first", "I look something up first"),
    ("A colleague is on it", "A colleague is on it"),
    ("Better at another hour", "Better at another hour"),
    ("", "Something else"),
]


class SkipForm(forms.Form):
    """Skip for now, with the reason."""

    reason = forms.ChoiceField(label="Why", choices=PUT_OFF, required=False, initial=PUT_OFF[0][0])
    other = forms.CharField(label="In your words", max_length=120, required=False)

    def said(self) -> str:
        """The reason as it is kept; empty where nothing was said."""
        if not self.is_valid():
            return ""
        return str(self.cleaned_data["reason"] or self.cleaned_data["other"]).strip()


class CallingForm(forms.Form):
    """Somebody is calling: by name, number, telephone digits or invoice."""

    q = forms.CharField(
        label="Somebody is calling",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "size": 28}),
    )
