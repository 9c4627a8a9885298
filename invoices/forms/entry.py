"""Entering an invoice by hand, and its original PDF."""

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from arfollow.shared.formfields import AmountField, CurrencyField, DayField
from customers.models import Customer, PaymentTerms
from customers.terms import Terms, due_date, from_values, instalments
from invoices.services import NewInstalment, NewLine
from invoices.services.invoices import MAX_ORIGINAL_BYTES


class OriginalForm(forms.Form):
    """The invoice as it was sent to the customer."""

    original = forms.FileField(
        label="Original PDF",
        help_text="The invoice as the customer got it, up to 10 MB. Reminders can attach it.",
        widget=forms.ClearableFileInput(attrs={"accept": "application/pdf"}),
    )

    def clean_original(self) -> Any:
        return check_pdf(self.cleaned_data["original"])


def check_pdf(file: Any) -> Any:
    """The upload, where it is a PDF of at most 10 MB."""
    if file is None:
        return None
    if file.size > MAX_ORIGINAL_BYTES:
        raise ValidationError("Choose a file of at most 10 MB.")
    head = file.read(5)
    file.seek(0)
    if head != b"%PDF-":
        raise ValidationError("Choose a PDF file.")
    return file


class InvoiceForm(forms.Form):
    """One invoice; the due date follows from the terms unless it is given."""

    customer_number = forms.CharField(label="Customer number", max_length=60)
    number = forms.CharField(label="Invoice number", max_length=80)
    issue_date = DayField(label="Issued on")
    terms = forms.ModelChoiceField(
        PaymentTerms.objects.order_by("name"), label="Terms", required=False
    )
    due_date = DayField(
        label="Due on", required=False, help_text="Leave empty to let the terms decide."
    )
    currency = CurrencyField(label="Currency")
    amount = AmountField(label="Amount with tax")
    po_number = forms.CharField(label="Their order number", max_length=80, required=False)
    original = forms.FileField(
        label="Original PDF",
        required=False,
        help_text="The invoice as the customer got it, up to 10 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": "application/pdf"}),
    )

    def clean_customer_number(self) -> str:
        number = str(self.cleaned_data["customer_number"])
        customer = Customer.objects.filter(number=number).first()
        if customer is None:
            raise ValidationError(f"There is no customer {number}.")
        self.customer_id = customer.pk
        return number

    def clean_original(self) -> Any:
        return check_pdf(self.cleaned_data["original"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        issued, terms = data.get("issue_date"), data.get("terms")
        if not data.get("due_date") and issued:
            if terms is None:
                self.add_error("due_date", "Enter a due date, or choose terms.")
            else:
                data["due_date"] = due_date(_plain(terms), issued)
        return data

    def booking(self) -> dict[str, Any]:
        """What the ledger's service takes, with the parts that instalment terms ask for."""
        data = self.cleaned_data
        kept = ("issue_date", "due_date", "currency", "amount", "terms", "po_number")
        parts = (
            instalments(_plain(data["terms"]), data["issue_date"], data["amount"])
            if (data["terms"])
            else ()
        )
        return {name: data[name] for name in kept} | {
            "instalments": [NewInstalment(part.due_date, part.amount) for part in parts]
        }


def _plain(terms: PaymentTerms) -> Terms:
    return from_values(
        terms.kind,
        days=terms.days,
        day_of_month=terms.day_of_month,
        discount_percent=terms.discount_percent,
        discount_days=terms.discount_days,
        instalments=terms.instalments,
    )


class LineForm(forms.Form):
    """One line; the amount is the line's total as the invoice states it."""

    description = forms.CharField(max_length=300, required=False)
    quantity = forms.DecimalField(
        max_digits=18,
        decimal_places=4,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "short"}),
    )
    amount = AmountField(required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if bool(data.get("description")) != (data.get("amount") is not None):
            raise ValidationError("A line needs a description and an amount.")
        return data


class LinesFormSet(forms.BaseFormSet):  # type: ignore[type-arg]  # not generic at run time
    """The lines of an invoice; those left empty are not kept."""

    def lines(self) -> list[NewLine]:
        return [
            NewLine(
                description=data["description"],
                amount=data["amount"],
                quantity=data.get("quantity") or Decimal(1),
            )
            for data in self.cleaned_data
            if data.get("description")
        ]


def lines_form(data: QueryDict | None) -> LinesFormSet:
    """Five lines to fill in, or those that were posted."""
    made = forms.formset_factory(LineForm, formset=LinesFormSet, extra=5, max_num=50)
    return cast(LinesFormSet, made(data, prefix="lines"))
