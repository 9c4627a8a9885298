"""An e-mail of theirs: dropped in as a file, or pasted; and whose it is."""

from typing import Any

from django import forms

from arfollow.shared.mailread import Mail, NotAMail, read_mail, read_pasted
from customers.models import Customer

MOST_BYTES = 10 * 1024 * 1024
NAMES = (".eml", ".txt", ".mht")


class ReplyForm(forms.Form):
    """One message, as a saved file or as text."""

    file = forms.FileField(
        label="The saved message (.eml)",
        required=False,
        help_text="Drop it here, or choose it. At most 10 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".eml,message/rfc822"}),
    )
    text = forms.CharField(
        label="Or paste it",
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="With its header lines (From, Date, Subject) where you have them.",
    )
    sender = forms.EmailField(
        label="From, if the text does not say it", required=False, max_length=254
    )

    mail: Mail

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > MOST_BYTES:
            raise forms.ValidationError("The message is larger than 10 MB. Paste its text.")
        if file and file.name.lower().endswith(".msg"):
            raise forms.ValidationError(
                "This is an Outlook .msg file. Save it as .eml, or paste its text."
            )
        if file and not file.name.lower().endswith(NAMES):
            raise forms.ValidationError("Choose a message that was saved as .eml.")
        return file

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        try:
            if data.get("file"):
                self.mail = read_mail(data["file"].read())
            else:
                self.mail = read_pasted(data.get("text", ""), sender=data.get("sender", ""))
        except NotAMail as error:
            self.add_error("file" if data.get("file") else "text", str(error))
        return data


class WhoseForm(forms.Form):
    """Whose message is it?"""

    customer = forms.CharField(label="Customer's name or account number", max_length=200)

    def clean_customer(self) -> Customer:
        text = self.cleaned_data["customer"].strip()
        rows = Customer.objects.filter(merged_into=None, internal=False)
        found = rows.filter(number__iexact=text).first()
        if found is None:
            named = list(rows.filter(name__icontains=text).order_by("name")[:6])
            if len(named) > 1:
                names = "; ".join(f"{row.name} ({row.number})" for row in named)
                raise forms.ValidationError(f"Several fit: {names}. Enter the account number.")
            found = named[0] if named else None
        if found is None:
            raise forms.ValidationError("No customer has this name or number.")
        return found
