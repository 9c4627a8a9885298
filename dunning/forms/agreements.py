"""Forms for promises, holds, plans and tasks."""

from typing import Any

from django import forms

from arfollow.shared.formfields import AmountField, DayField
from dunning.models import HoldReason
from dunning.outcomes import OpenItem, PromiseInput, collectible_by_currency, say_day
from dunning.policy import ItemKey
from invoices.forms.actions import oldest_open
from invoices.models import Invoice

BY_HAND = [
    (HoldReason.OURS.value, HoldReason.OURS.label),
    (HoldReason.SAYS_PAID.value, HoldReason.SAYS_PAID.label),
    (HoldReason.WAITING_APPROVAL.value, HoldReason.WAITING_APPROVAL.label),
    (HoldReason.PAYMENT_RUN.value, HoldReason.PAYMENT_RUN.label),
    (HoldReason.DOCUMENT.value, HoldReason.DOCUMENT.label),
    (HoldReason.QUIET.value, HoldReason.QUIET.label),
    (HoldReason.OTHER.value, HoldReason.OTHER.label),
]
SHOWN_ITEMS = 60


class PromiseForm(forms.Form):
    """A promise noted without a call, for example from an e-mail."""

    due_on = DayField(label="They pay on")
    amount = AmountField(label="Amount", required=False, help_text="Empty: all that is overdue.")
    currency = forms.ChoiceField(label="Currency")
    person = forms.CharField(label="Who promised it", max_length=120, required=False)
    items = forms.MultipleChoiceField(
        label="For which invoices",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all that are overdue.",
    )
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    confirm = forms.BooleanField(
        label="Thank them by e-mail",
        required=False,
        initial=True,
        help_text="It says the amount and the day, and leaves with the outbox.",
    )

    def __init__(
        self, *args: Any, items: list[OpenItem], confirms: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if not confirms:
            del self.fields["confirm"]
        currencies = tuple(collectible_by_currency(items))
        if len(currencies) > 1:
            choices = [(code, code) for code in currencies]
            self.fields["currency"].choices = choices  # type: ignore[attr-defined]  # a choice field
        else:
            del self.fields["currency"]
        self.fields["items"].choices = [  # type: ignore[attr-defined]  # a choice field
            (f"{item.key.invoice_id}-{item.key.instalment_no}", line_of(item))
            for item in items[:SHOWN_ITEMS]
        ]

    def given(self) -> PromiseInput:
        """The promise as `outcomes.add_promise` takes it."""
        data = self.cleaned_data
        return PromiseInput(
            due_on=data["due_on"],
            amount=data["amount"],
            currency=data.get("currency", ""),
            items=[key_of(text) for text in data["items"]],
            person=data["person"],
            note=data["note"],
            confirm=data.get("confirm", False),
        )


def line_of(item: OpenItem) -> str:
    """An open item on one line of a form."""
    amount = f"{item.currency} {item.collectible:,.2f}"
    return f"{item.number}, due {say_day(item.due_date)}, {amount}"


def key_of(text: str) -> ItemKey:
    """An item as the forms write it: invoice and instalment."""
    invoice, _, instalment = text.partition("-")
    return ItemKey(int(invoice), int(instalment))


class HoldForm(forms.Form):
    """A stop with a reason and an end; never one without an end (rule 8)."""

    reason = forms.ChoiceField(label="Why", choices=BY_HAND)
    until = DayField(label="Last day of the hold", help_text="Steps go on the day after.")
    invoice = forms.ModelChoiceField(
        label="Only this invoice",
        queryset=Invoice.objects.none(),
        required=False,
        empty_label="The whole customer",
    )
    ours = forms.BooleanField(
        label="The delay is on our side",
        required=False,
        help_text="These days are added to every later step; our delay never escalates.",
    )
    note = forms.CharField(label="Note", max_length=300, required=False)

    def __init__(self, *args: Any, customer_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.data.get("invoice") or self.initial.get("invoice")
        rows = oldest_open(customer_id, also=str(chosen or ""))
        self.fields["invoice"].queryset = rows  # type: ignore[attr-defined]  # a choice field


class WhyForm(forms.Form):
    """A change that needs its reason."""

    reason = forms.CharField(label="Why", max_length=200)


class DayOnlyForm(forms.Form):
    """The day on which something was agreed."""

    on = DayField(label="Agreed on")


class TaskForm(forms.Form):
    """What came of a task."""

    result = forms.CharField(
        label="What came of it", max_length=300, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    outcome = forms.ChoiceField(
        label="The task is",
        choices=[("done", "Done"), ("cancelled", "No longer needed")],
        widget=forms.RadioSelect,
        initial="done",
    )
