"""Forms of the company, the staff and one's own profile."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from arfollow.shared.money import CurrencyError, check_currency
from arfollow.staff.models import Company, Role, User

# How the settings page is laid out: a heading, a line below it, the fields.
COMPANY_PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Identity",
        "Who customers hear from. Stands in the letterhead and at the foot of every message.",
        (
            "name",
            "legal_name",
            "registration",
            "tax_number",
            "address_line1",
            "address_line2",
            "city",
            "region",
            "postal_code",
            "country",
            "phone",
            "email",
            "website",
        ),
    ),
    ("Ledger", "What amounts and days are counted in.", ("currency", "time_zone", "language")),
    (
        "Letters",
        "Choose the envelope your letters go into; the address is placed in its window.",
        ("window_format", "letterhead_tagline", "letter_signatory"),
    ),
    (
        "Ways to pay",
        "Shown in every reminder. Customers check bank details against their invoice.",
        (
            "ways_to_pay",
            "payment_link",
            "bank_name",
            "bank_account_name",
            "bank_account",
            "bank_code",
            "iban",
            "bic",
        ),
    ),
    (
        "Sender of e-mails",
        "A person who answers. The page “Sending” sends a test message from it.",
        ("sender_name", "sender_email", "reply_to", "contact_person"),
    ),
    (
        "Who looks after customers",
        "Rules by country and letter are under “Owners”. Sales hears when supply is stopped.",
        ("default_owner", "sales_email"),
    ),
    (
        "When messages leave",
        "In the customer's own time zone, on business days.",
        (
            "send_window_start",
            "send_window_end",
            "send_slot_minute",
            "undo_seconds",
            "send_rate",
            "storm_floor",
            "daily_cap",
            "weekly_cap",
        ),
    ),
    (
        "Limits of the follow-up",
        "Small amounts and waiting times that hold for every policy.",
        (
            "tolerance",
            "minimum_amount",
            "promise_grace_days",
            "confirm_promises",
            "nudge_promises",
            "says_paid_hold_days",
            "freshness_days",
            "agency_minimum",
            "agency_name",
            "agency_fee_percent",
        ),
    ),
)


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Everything about the company, in the parts of the settings page."""

    class Meta:
        model = Company
        fields: ClassVar = [name for _, _, names in COMPANY_PARTS for name in names]
        labels: ClassVar = {
            "address_line1": "Address, line 1",
            "address_line2": "Address, line 2",
            "time_zone": "Time zone",
            "language": "Language of messages without a language of their own",
            "window_format": "Envelope window",
            "letter_signatory": "Who signs letters",
            "default_owner": "Looks after every new customer",
            "sales_email": "E-mail of sales",
            "send_window_start": "Earliest hour",
            "send_window_end": "Latest hour",
            "send_slot_minute": "Time of the daily slot, minutes after midnight",
            "undo_seconds": "Time to undo, in seconds",
            "send_rate": "E-mails a minute",
            "storm_floor": "Ask before a run sends more than",
            "daily_cap": "Messages a customer gets in a day at most",
            "weekly_cap": "Messages a customer gets in a week at most",
            "tolerance": "Amount too small to chase",
            "minimum_amount": "Smallest amount that raises the tone or gets a letter",
            "promise_grace_days": "Business days of grace after a promise",
            "confirm_promises": "Thank for a promise by e-mail",
            "nudge_promises": "Remind of a promise the business day before",
            "says_paid_hold_days": "Business days to wait when they say it is paid",
            "freshness_days": "Business days until payment data count as old",
            "agency_minimum": "Smallest amount for the agency",
            "agency_fee_percent": "Agency fee, per cent",
        }
        help_texts: ClassVar = {
            "country": "Two letters, such as US or GB.",
            "send_slot_minute": "600 is ten in the morning.",
            "undo_seconds": "A planned message can be stopped for this long before it leaves.",
            "currency": "Three letters, such as USD.",
        }
        widgets: ClassVar = {"ways_to_pay": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).order_by("first_name", "last_name")
        for name in ("letter_signatory", "contact_person", "default_owner"):
            self.fields[name].queryset = people  # type: ignore[attr-defined]  # a choice field

    def parts(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        return [(head, text, [self[name] for name in names]) for head, text, names in COMPANY_PARTS]

    def clean_currency(self) -> str:
        try:
            return check_currency(self.cleaned_data["currency"])
        except CurrencyError as error:
            raise ValidationError(str(error)) from error

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).strip().upper()
        if len(country) != 2 or not country.isalpha():
            raise ValidationError("Enter a country as two letters, such as US.")
        return country

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"]).strip()
        if zone not in available_timezones():
            raise ValidationError("Enter a time zone such as Europe/London.")
        return zone

    def clean_website(self) -> str:
        return _https(self.cleaned_data["website"])

    def clean_payment_link(self) -> str:
        return _https(self.cleaned_data["payment_link"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        start, end = data.get("send_window_start"), data.get("send_window_end")
        if start is not None and end is not None and not start < end <= 24:
            self.add_error("send_window_end", "Enter an hour after the earliest, 24 at most.")
        return data


def _https(address: str) -> str:
    if address and not address.startswith("https://"):
        raise ValidationError("Enter an address that starts with https://.")
    return address


class StaffForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A member of staff as an admin edits them."""

    class Meta:
        model = User
        fields: ClassVar = [
            "first_name",
            "last_name",
            "email",
            "job_title",
            "direct_phone",
            "role",
            "calls_a_day",
            "is_active",
        ]
        labels: ClassVar = {"is_active": "May log in", "calls_a_day": "Calls a day"}
        help_texts: ClassVar = {
            "direct_phone": "Named in messages and letters they sign.",
            "role": "A collector works the list; a manager also approves; an admin also sets up.",
            "is_active": "Without it they are logged out and stay named in the history.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["calls_a_day"].required = False

    def clean_calls_a_day(self) -> int:
        """What was set before stays where the field is left empty."""
        number = self.cleaned_data["calls_a_day"]
        return int(self.instance.calls_a_day if number is None else number)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        still_admin = data.get("role") == Role.ADMIN and data.get("is_active")
        if self.instance.pk and not still_admin and not _other_admins(self.instance):
            self.add_error("role", "This is the only admin. Make someone else an admin first.")
        return data


def _other_admins(user: User) -> bool:
    return User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk).exists()


class NewStaffForm(StaffForm):
    """A new account, with a first password that they change themselves."""

    password = forms.CharField(
        label="First password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least twelve characters. They can change it under their profile.",
    )

    class Meta(StaffForm.Meta):
        fields: ClassVar = ["username", *StaffForm.Meta.fields]

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # Django's signature
        self.instance.set_password(self.cleaned_data["password"])
        user: User = super().save(commit)
        return user


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What people change about themselves."""

    class Meta:
        model = User
        fields: ClassVar = [
            "first_name",
            "last_name",
            "email",
            "job_title",
            "direct_phone",
            "keyboard_shortcuts",
        ]
        help_texts: ClassVar = {
            "direct_phone": "Named in messages and letters you sign.",
            "keyboard_shortcuts": "Single keys such as j, k and c. Press ? for the list.",
        }
