"""Forms around an account: its owner, supply, merging, an e-mail, a hand-over."""

from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError

from arfollow.staff.models import Role, User
from customers.models import Contact, ContactRole, Customer
from dunning.models import Inbound, Tone

SHOWN_REPLIES = 5
TONES = (Tone.FRIENDLY, Tone.FIRM)


def workers() -> Any:
    """Who can look after customers."""
    people = User.objects.filter(is_active=True).exclude(role=Role.READ_ONLY)
    return people.order_by("first_name", "last_name", "username")


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(
        label="Looked after by", queryset=User.objects.none(), required=False, empty_label="Nobody"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = workers()  # type: ignore[attr-defined]  # a choice field


class SupplyForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=200)


class MergeForm(forms.Form):
    """The account to be merged into this page's, by its number."""

    number = forms.CharField(
        label="Number of the account that is merged into this one",
        max_length=60,
        help_text="It ends; its number leads here from then on.",
    )

    def clean_number(self) -> Customer:
        number = str(self.cleaned_data["number"]).strip()
        found = Customer.objects.filter(number=number).select_related("owner", "terms").first()
        if found is None:
            raise ValidationError(f"There is no account {number}.")
        return found


class HandOverForm(forms.Form):
    """Everything a colleague looks after goes to another."""

    taker = forms.ModelChoiceField(label="Goes to", queryset=User.objects.none())
    why = forms.CharField(label="Why", max_length=120, required=False)

    def __init__(self, *args: Any, giver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = workers().exclude(pk=giver.pk)
        self.fields["taker"].queryset = others  # type: ignore[attr-defined]  # a choice field


class WriteForm(forms.Form):
    """An e-mail to somebody at the customer."""

    contact = forms.ModelChoiceField(label="To", queryset=Contact.objects.none())
    answers = forms.ModelChoiceField(
        label="Answers",
        queryset=Inbound.objects.none(),
        required=False,
        empty_label="Nothing: it counts as a contact of ours",
        help_text="An answer to what they wrote does not count as a contact.",
    )
    subject = forms.CharField(label="Subject", max_length=120)
    text = forms.CharField(
        label="Text",
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text="Your signature is added. {{ greeting }} becomes the salutation.",
    )
    tone = forms.ChoiceField(
        label="Tone", choices=[(tone.value, tone.label) for tone in TONES], initial=Tone.FRIENDLY
    )
    table = forms.BooleanField(label="List the open invoices in the text", required=False)
    attach = forms.MultipleChoiceField(
        label="Send along",
        required=False,
        choices=[
            ("statement", "A statement of account (PDF)"),
            ("copies", "Copies of the invoices that are on file"),
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        kwargs["initial"] = {"token": uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        reachable = customer.contacts.filter(active=True).exclude(email="")
        field: Any = self.fields["contact"]
        field.queryset = reachable.order_by("-primary", "name", "pk")
        field.label_from_instance = _named
        field.initial = (
            reachable.filter(role=ContactRole.PAYABLES).order_by("-primary", "pk").first()
        )
        replies: Any = self.fields["answers"]
        replies.queryset = Inbound.objects.filter(customer=customer, auto_reply=False).order_by(
            "-received_at"
        )[:SHOWN_REPLIES]
        replies.label_from_instance = _told

    def clean_answers(self) -> Inbound | None:
        found: Inbound | None = self.cleaned_data["answers"]
        return found


def _named(contact: Contact) -> str:
    state = contact.get_email_state_display().lower()
    barred = ", asked not to be written to" if contact.do_not_email else ""
    return f"{contact.name or contact.email} <{contact.email}>, {state}{barred}"


def _told(row: Inbound) -> str:
    return f"{row.received_at:%d %b %Y}: {row.subject or row.from_address}"
