"""Uploading a ledger: the file, and what to know about it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from arfollow.shared.formfields import CurrencyField, DayField
from invoices.imports.readers import FIELDS, Limits, Options

ORDERS = [
    ("", "As the file shows it"),
    ("ymd", "Year, month, day"),
    ("dmy", "Day, month, year"),
    ("mdy", "Month, day, year"),
]
MARKS = [("", "As the file shows it"), (".", "1,234.50"), (",", "1.234,50")]
CHASED = [
    ("", "Not yet: start at the first step"),
    ("friendly", "They had a friendly reminder"),
    ("firm", "They had a firm reminder"),
]


class UploadForm(forms.Form):
    """A list of invoices, payments and customers as CSV, XLSX or ODS."""

    file = forms.FileField(
        label="File",
        help_text="CSV, XLSX or ODS, up to 10 MB: our own template, or an export of QuickBooks, "
        "Xero, FreshBooks, Zoho, HighRadius or IBM.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx,.ods,.txt"}),
    )
    as_of = DayField(
        label="The file tells the ledger as of", help_text="Payments count up to this day."
    )
    source = forms.CharField(
        label="Name of the source",
        max_length=40,
        required=False,
        help_text="The same name every time. Empty: the kind of file.",
    )
    date_order = forms.ChoiceField(label="Dates are written", choices=ORDERS, required=False)
    decimal_mark = forms.ChoiceField(label="Amounts are written", choices=MARKS, required=False)
    currency = CurrencyField(
        label="Currency", required=False, help_text="Where the file names none."
    )
    start_step = forms.ChoiceField(
        label="How far were new overdue invoices chased?", choices=CHASED, required=False
    )
    columns = forms.CharField(
        label="Other column headings",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, as in: invoice_number = Doc. No.",
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > Limits().file_bytes:
            raise ValidationError("Choose a file of at most 10 MB; the command takes larger ones.")
        return file

    def clean_columns(self) -> dict[str, str]:
        pairs = {}
        for line in self.cleaned_data["columns"].splitlines():
            field, found, heading = line.partition("=")
            if line.strip() and (not found or field.strip() not in FIELDS):
                raise ValidationError(f"“{line.strip()[:60]}” names no field that we know.")
            if line.strip():
                pairs[field.strip()] = heading.strip()
        return pairs

    def options(self) -> Options:
        """What was said about the file."""
        data = self.cleaned_data
        return Options(
            columns=data["columns"],
            date_order=data["date_order"],
            decimal_mark=data["decimal_mark"],
            currency=data["currency"],
        )
