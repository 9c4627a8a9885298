"""What each outcome of a call needs to know: one small form per outcome, asked in place."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms

from arfollow.shared.formfields import AmountField, DayField, MomentField
from dunning.models import CallOutcome, ContactLevel
from dunning.outcomes import Answer, Days
from dunning.policy import ItemKey
from invoices.models import DisputeReason

LEVELS = [
    (ContactLevel.RIGHT, "The right person"),
    (ContactLevel.THIRD, "Somebody else"),
]


class AnswerForm(forms.Form):
    """Nothing to ask; subclasses name their fields after those of `Answer`."""

    def answer(self, outcome: CallOutcome, items: tuple[ItemKey, ...], note: str) -> Answer:
        """The outcome with what was asked."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        return Answer(outcome, items=items, note=note, **given)


class MessageForm(AnswerForm):
    send_email = forms.BooleanField(label="Send the open invoices by e-mail too", required=False)


class CallBackForm(AnswerForm):
    at = MomentField(label="Call back at")
    level = forms.ChoiceField(label="Who asked for it", choices=LEVELS)

    def clean_level(self) -> ContactLevel:
        return ContactLevel(self.cleaned_data["level"])


class PromiseForm(AnswerForm):
    on = DayField(label="They pay on")
    amount = AmountField(label="Amount", required=False, help_text="Empty: all that is ticked.")
    currency = forms.ChoiceField(label="Currency")

    def __init__(
        self, *args: Any, currencies: tuple[str, ...] = (), pays_why: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].help_text = pays_why
        if len(currencies) > 1:
            field = self.fields["currency"]
            field.choices = [(code, code) for code in currencies]  # type: ignore[attr-defined]  # a choice field
        else:
            del self.fields["currency"]


class UntilForm(AnswerForm):
    on = DayField(label="Until")


class ApprovalForm(AnswerForm):
    person = forms.CharField(label="Who approves", max_length=120, required=False)
    on = DayField(label="Approved by")


class PaymentRunForm(AnswerForm):
    on = DayField(label="Day of the payment run")


class ResendForm(AnswerForm):
    email = forms.EmailField(label="Send them to", max_length=254)


class RightContactForm(AnswerForm):
    person = forms.CharField(label="Name of the right person", max_length=120)
    email = forms.EmailField(label="Their e-mail address", max_length=254, required=False)
    phone = forms.CharField(label="Their telephone number", max_length=40, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("email") and not data.get("phone") and not self.errors:
            self.add_error("email", "Enter an e-mail address or a telephone number.")
        return data


class DocumentForm(AnswerForm):
    reason = forms.CharField(label="What they need", max_length=80, initial="a copy of the invoice")


class DisputeForm(AnswerForm):
    reason = forms.ChoiceField(label="What about", choices=DisputeReason.choices)
    amount = AmountField(
        label="Disputed amount",
        required=False,
        help_text="Empty: all that is open of the ticked invoices.",
    )


class ReasonForm(AnswerForm):
    reason = forms.CharField(label="Why they cannot pay", max_length=300)


class HungUpForm(AnswerForm):
    level = forms.ChoiceField(
        label="Who hung up", choices=[*LEVELS, (ContactLevel.NONE, "Not known")]
    )

    def clean_level(self) -> ContactLevel:
        return ContactLevel(self.cleaned_data["level"])


class ChequeForm(AnswerForm):
    amount = AmountField(label="Amount of the cheque")


FORMS: Mapping[CallOutcome, type[AnswerForm]] = {
    CallOutcome.VOICEMAIL: MessageForm,
    CallOutcome.MESSAGE: MessageForm,
    CallOutcome.CALL_BACK: CallBackForm,
    CallOutcome.PROMISE: PromiseForm,
    CallOutcome.WAITING_APPROVAL: ApprovalForm,
    CallOutcome.PAYMENT_RUN: PaymentRunForm,
    CallOutcome.NOT_RECEIVED: ResendForm,
    CallOutcome.WRONG_PERSON: RightContactForm,
    CallOutcome.NEEDS_DOCUMENT: DocumentForm,
    CallOutcome.DISPUTES: DisputeForm,
    CallOutcome.CANNOT_PAY: ReasonForm,
    CallOutcome.HUNG_UP: HungUpForm,
    CallOutcome.COLLECTED: ChequeForm,
}


def first_answers(
    days: Days, *, email: str, pays_on: date | None = None
) -> Mapping[CallOutcome, Mapping[str, Any]]:
    """What the small forms start with: the likeliest day (their pay run), the address we have."""
    run: date = pays_on or days.next_day
    return {
        CallOutcome.PROMISE: {"on": pays_on or days.promise_default},
        CallOutcome.CALL_BACK: {"at": days.retry_at},
        CallOutcome.WAITING_APPROVAL: {"on": days.document_until},
        CallOutcome.PAYMENT_RUN: {"on": run},
        CallOutcome.NOT_RECEIVED: {"email": email},
    }
