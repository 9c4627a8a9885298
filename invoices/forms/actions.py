"""Forms that change the ledger: payments, credit notes, disputes."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from arfollow.shared.formfields import AmountField, CurrencyField, DayField
from arfollow.shared.money import with_currency
from arfollow.staff.models import User
from invoices.models import Dispute, DisputeReason, DisputeStatus, Invoice

SHOWN_INVOICES = 60
METHODS = [
    ("transfer", "Bank transfer"),
    ("cheque", "Cheque"),
    ("card", "Card"),
    ("cash", "Cash"),
    ("direct debit", "Direct debit"),
    ("other", "Other"),
]


def oldest_open(customer_id: int, *, also: str = "") -> QuerySet[Invoice]:
    """The customer's oldest open invoices, few enough for one page, and the one asked for."""
    open_ones = Invoice.objects.filter(customer_id=customer_id, open_amount__gt=0)
    ids = list(open_ones.order_by("next_due_date", "pk").values_list("pk", flat=True)[:100])
    asked = [int(also)] if also.isdecimal() and len(also) < 12 else []
    return open_ones.filter(pk__in=ids + asked).order_by("next_due_date", "pk")


class PaymentForm(forms.Form):
    """Cash received. Amounts beside invoices settle these; otherwise the oldest come first."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    amount = AmountField(label="Amount")
    currency = CurrencyField(label="Currency")
    received_on = DayField(label="Received on", help_text="It counts from this day.")
    method = forms.ChoiceField(label="How", choices=METHODS)
    reference = forms.CharField(label="Their reference", max_length=200, required=False)

    def __init__(self, *args: Any, invoices: Sequence[Invoice] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("token", uuid.uuid4())
        self.invoices = list(invoices)[:SHOWN_INVOICES]
        for invoice in self.invoices:
            self.fields[f"part-{invoice.pk}"] = AmountField(
                label=f"For invoice {invoice.number}", required=False
            )

    def head(self) -> list[forms.BoundField]:
        """The fields above the invoices."""
        return [field for field in self.visible_fields() if not field.name.startswith("part-")]

    def rows(self) -> list[tuple[Invoice, forms.BoundField]]:
        """Each open invoice with the field for its part."""
        return [(invoice, self[f"part-{invoice.pk}"]) for invoice in self.invoices]

    @property
    def shares_given(self) -> bool:
        """Whether somebody typed a part for an invoice."""
        return self.is_bound and any(field.value() for _, field in self.rows())

    def shares(self) -> list[tuple[int, Decimal]] | None:
        """What is set against which invoice; None for the oldest first."""
        parts = [(row.pk, self.cleaned_data.get(f"part-{row.pk}")) for row in self.invoices]
        return [(pk, part) for pk, part in parts if part] or None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        amount = data.get("amount")
        given = sum((part for _, part in self.shares() or []), Decimal(0))
        if amount is not None and given > amount:
            said = with_currency(given, data.get("currency") or "USD")
            self.add_error("amount", f"The invoices below get {said}, which is more than this.")
        return data


class ReverseForm(forms.Form):
    """A payment that bounced, or was booked by mistake."""

    on = DayField(label="Reversed on")
    reason = forms.CharField(label="Why", max_length=200)


class CreditNoteForm(forms.Form):
    """Money we owe back."""

    number = forms.CharField(label="Number of the credit note", max_length=80)
    issue_date = DayField(label="Date")
    amount = AmountField(label="Amount")
    currency = CurrencyField(label="Currency")
    reason = forms.CharField(label="Reason", max_length=200, required=False)
    invoice = forms.ModelChoiceField(
        label="Set it against",
        queryset=Invoice.objects.none(),
        required=False,
        empty_label="Nothing yet",
    )

    def __init__(self, *args: Any, customer_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = str(self.data.get("invoice") or self.initial.get("invoice") or "")
        rows = oldest_open(customer_id, also=chosen)
        self.fields["invoice"].queryset = rows  # type: ignore[attr-defined]  # a choice field


class DisputeForm(forms.Form):
    """What they contest, how much of it, and who settles it by when."""

    amount = AmountField(
        label="Disputed amount", required=False, help_text="Empty: all that is open."
    )
    reason = forms.ChoiceField(label="What about", choices=DisputeReason.choices)
    raised_by = forms.CharField(label="Raised by", max_length=120, required=False)
    raised_on = DayField(label="Raised on")
    owner = forms.ModelChoiceField(
        label="Who settles it", queryset=User.objects.none(), required=False
    )
    target_date = DayField(label="Settled by", required=False)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).order_by("first_name", "username")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]  # a choice field

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        raised, target = data.get("raised_on"), data.get("target_date")
        if raised and target and target < raised:
            self.add_error("target_date", "Enter a day on or after the one it was raised.")
        return data


class SettleForm(forms.Form):
    """How a dispute ended."""

    status = forms.ChoiceField(
        label="It is",
        choices=[choice for choice in DisputeStatus.choices if choice[0] != DisputeStatus.OPEN],
        widget=forms.RadioSelect,
    )
    on = DayField(label="Settled on")
    resolution = forms.CharField(label="What was agreed", widget=forms.Textarea(attrs={"rows": 3}))
    credit_number = forms.CharField(
        label="Number of the credit note",
        max_length=80,
        required=False,
        help_text="Only where it is credited. A number that is in the ledger already is taken.",
    )
    credit_amount = AmountField(
        label="Amount of the credit note",
        required=False,
        help_text="At most what was disputed; it is set against the invoice.",
    )

    def __init__(self, *args: Any, dispute: Dispute, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dispute = dispute

    def clean_on(self) -> Any:
        day = self.cleaned_data["on"]
        if day < self.dispute.raised_on:
            raise ValidationError("Enter a day on or after the one it was raised.")
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("status") == DisputeStatus.CREDITED:
            if not data.get("credit_number"):
                self.add_error("credit_number", "Enter the number of the credit note.")
            if not data.get("credit_amount") and "credit_amount" not in self.errors:
                self.add_error("credit_amount", "Enter what is credited.")
        return data


class AssignForm(forms.Form):
    """Who settles an open dispute by when, and what was said about it."""

    owner = forms.ModelChoiceField(
        label="Who settles it", queryset=User.objects.none(), required=False, empty_label="Nobody"
    )
    target_date = DayField(label="Settled by", required=False)
    note = forms.CharField(
        label="Add to the note", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).order_by("first_name", "username")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]  # a choice field
