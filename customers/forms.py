"""Forms that change a customer: contacts, address, terms, legal stop, owner."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError

from arfollow.shared.formfields import DayField
from customers.models import (
    Address,
    CheckHow,
    Contact,
    Customer,
    LegalStop,
    ParentNotice,
    PaymentTerms,
)


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A person or mailbox at the customer."""

    class Meta:
        model = Contact
        fields: ClassVar = [
            "name", "job_title", "role", "email", "phone", "primary", "do_not_email",
            "do_not_call", "active", "note",
        ]  # fmt: skip
        labels: ClassVar = {
            "email": "E-mail address",
            "phone": "Telephone number",
            "primary": "First choice for this role",
            "do_not_email": "Do not write to them",
            "do_not_call": "Do not call them",
            "active": "Still works there",
        }
        help_texts: ClassVar = {
            "email": "A changed address counts as not verified until somebody confirms it.",
        }

    def __init__(self, *args: Any, country: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"] or "").strip().lower()

    def clean_phone(self) -> str:
        """As it is written abroad, so that anybody can dial it; nonsense is refused."""
        text = str(self.cleaned_data["phone"] or "").strip()
        if not text:
            return ""
        try:
            number = phonenumbers.parse(text, self.country or None)
        except phonenumbers.NumberParseException as error:
            raise ValidationError("Enter a telephone number, such as +1 207 555 0100.") from error
        if not phonenumbers.is_possible_number(number):
            raise ValidationError("This number has too few or too many digits.")
        shape = phonenumbers.PhoneNumberFormat.INTERNATIONAL
        return str(phonenumbers.format_number(number, shape))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not data.get("email") and not data.get("phone") and not self.errors:
            self.add_error("email", "Enter an e-mail address or a telephone number.")
        return data

    def _post_clean(self) -> None:
        """The row is changed by the service, never by the form."""


class AddressForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Where letters go."""

    class Meta:
        model = Address
        fields: ClassVar = [
            "attention", "line1", "line2", "city", "region", "postal_code", "country",
        ]  # fmt: skip
        labels: ClassVar = {
            "attention": "For the attention of",
            "line1": "Street and number",
            "line2": "Second line",
            "region": "State or region",
        }
        help_texts: ClassVar = {"country": "Two letters, such as US or GB."}

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).strip().upper()
        if len(country) != 2 or not country.isalpha():
            raise ValidationError("Enter a country as two letters, such as US.")
        return country


class TermsForm(forms.Form):
    """Which terms were agreed, by whom and when: before the sale (R6)."""

    terms = forms.ModelChoiceField(label="Terms", queryset=PaymentTerms.objects.order_by("name"))
    agreed_by = forms.CharField(label="Agreed by, at the customer", max_length=120)
    agreed_on = DayField(label="Agreed on")
    reference = forms.CharField(label="Contract or order", max_length=120, required=False)
    interest = forms.DecimalField(
        label="Interest, per cent a month",
        required=False,
        min_value=0,
        max_digits=5,
        decimal_places=2,
        help_text="Only what the contract says.",
    )


class LegalStopForm(forms.Form):
    """Stop everything for a customer, or let it go on."""

    kind = forms.ChoiceField(label="Legal stop", choices=LegalStop.choices, required=False)
    why = forms.CharField(label="Why", max_length=200)


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Who looks after the account, and how it is treated."""

    class Meta:
        model = Customer
        fields: ClassVar = [
            "legal_name", "registration", "tax_number", "language", "time_zone", "credit_limit",
            "sales_name", "sales_email", "opted_out_soft", "direct_debit_until", "payment_rules",
            "collection_notes",
        ]  # fmt: skip
        labels: ClassVar = {
            "registration": "Company registration",
            "tax_number": "VAT or tax number",
            "sales_name": "Salesperson",
            "sales_email": "E-mail of the salesperson",
            "opted_out_soft": "Wants no soft reminders",
            "direct_debit_until": "Direct debit pending until",
        }
        help_texts: ClassVar = {
            "sales_email": "Hears when supply is stopped or goes on; empty: the sales address "
            "of the company.",
            "credit_limit": "In their currency; more than this suggests to stop supply.",
        }
        widgets: ClassVar = {
            "direct_debit_until": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "payment_rules": forms.Textarea(attrs={"rows": 3}),
            "collection_notes": forms.Textarea(attrs={"rows": 3}),
        }

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"] or "").strip()
        if zone and zone not in available_timezones():
            raise ValidationError("Enter a time zone such as Europe/London.")
        return zone

    def _post_clean(self) -> None:
        """The row is changed by the service, never by the form."""


class VerifyForm(forms.Form):
    """How somebody made sure that an address or number is theirs."""

    what = forms.MultipleChoiceField(
        label="What was checked", choices=(), widget=forms.CheckboxSelectMultiple
    )
    how = forms.ChoiceField(label="How", choices=CheckHow.choices, widget=forms.RadioSelect)
    on = DayField(label="On")
    note = forms.CharField(label="Note", max_length=200, required=False)

    def __init__(self, *args: Any, contact: Contact, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = [("email", contact.email), ("phone", contact.phone)]
        field: Any = self.fields["what"]
        field.choices = [(name, value) for name, value in found if value]
        field.initial = [name for name, value in found if value][:1]


class NoteForm(forms.Form):
    text = forms.CharField(label="Note", max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))


class ToldForm(forms.Form):
    """Somebody said that bank details or a contact changed."""

    text = forms.CharField(
        label="What they said",
        max_length=180,
        help_text="Who said it and how, such as: a caller gave new bank details for refunds.",
    )


class WarningForm(forms.Form):
    why = forms.CharField(
        label="How you made sure",
        max_length=200,
        help_text="Such as: called Pat Keel on the number we have had since 2021.",
    )


class ParentForm(forms.Form):
    """The account that pays, by its number, and who gets the notices."""

    number = forms.CharField(
        label="Number of the account that pays", max_length=60, required=False,
        help_text="Empty: they pay themselves.",
    )  # fmt: skip
    notices = forms.ChoiceField(
        label="Who is written to", choices=ParentNotice.choices, widget=forms.RadioSelect
    )

    def clean_number(self) -> Customer | None:
        number = str(self.cleaned_data["number"] or "").strip()
        if not number:
            return None
        found = Customer.objects.filter(number=number, merged_into=None).first()
        if found is None:
            raise ValidationError(f"There is no account {number}.")
        return found
