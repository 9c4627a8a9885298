"""The form that logs a call or visit: one outcome, what it needs, which invoices."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from arfollow.shared.formfields import DayField
from customers.models import Contact, Customer
from dunning.forms.answers import FORMS, AnswerForm, first_answers
from dunning.models import CallOutcome, Channel, Direction
from dunning.outcomes import (
    Answer,
    CallInput,
    Days,
    OpenItem,
    collectible_by_currency,
    consequence,
    outcomes_of,
)
from dunning.outcomes import Row as OutcomeRow
from dunning.policy import ItemKey

SHOWN_ITEMS = 60
RECEIVED = [("", "Not asked"), ("yes", "Yes"), ("no", "No")]


@dataclass(frozen=True, slots=True)
class Choice:
    """One outcome as the page shows it."""

    value: str
    label: str
    says: str
    form: AnswerForm
    checked: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """What the form is about: the customer, the open items, the days."""

    customer: Customer
    contacts: Sequence[Contact]
    items: Sequence[OpenItem]
    days: Days
    channel: str = Channel.CALL


class CallForm(forms.Form):
    """A call. Without chosen invoices the outcome is about all that is overdue."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    outcome = forms.ChoiceField(label="What came of it")
    direction = forms.ChoiceField(
        label="Who called", choices=Direction.choices, initial=Direction.OUT
    )
    contact = forms.ModelChoiceField(
        label="With", queryset=Contact.objects.none(), required=False, empty_label="Somebody else"
    )
    person = forms.CharField(label="Name, if somebody else", max_length=120, required=False)
    received = forms.ChoiceField(
        label="Did they receive the invoice?", choices=RECEIVED, required=False
    )
    items = forms.MultipleChoiceField(label="Which invoices", required=False)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    follow_up_on = DayField(label="Call again on", required=False)

    def __init__(self, data: Any = None, *, desk: Desk, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.desk = desk
        self.initial.setdefault("token", uuid.uuid4())
        rows = outcomes_of(desk.channel)
        labels = dict(CallOutcome.choices)
        contact = self.fields["contact"]
        contact.queryset = Contact.objects.filter(  # type: ignore[attr-defined]  # a choice field
            customer=desk.customer, active=True
        ).order_by("-primary", "id")
        self.initial.setdefault("contact", desk.contacts[0].pk if desk.contacts else None)
        self.fields["outcome"].choices = [  # type: ignore[attr-defined]  # a choice field
            (row.outcome.value, labels[row.outcome]) for row in rows
        ]
        self.fields["items"].choices = [  # type: ignore[attr-defined]  # a choice field
            (_key_text(item.key), item.number) for item in desk.items
        ]
        chosen = data.get("outcome", "") if data else self.initial.get("outcome", "")
        self.small = {row.outcome: self._small(row.outcome, data, chosen) for row in rows}

    def _small(self, outcome: CallOutcome, data: Any, chosen: str) -> AnswerForm:
        """Only the form of the chosen outcome reads what was posted."""
        kind = FORMS.get(outcome, AnswerForm)
        email = self.desk.contacts[0].email if self.desk.contacts else ""
        more: dict[str, Any] = {}
        if outcome == CallOutcome.PROMISE:
            more["currencies"] = tuple(collectible_by_currency(self.desk.items))
        return kind(
            data if chosen == outcome.value else None,
            prefix=outcome.value,
            initial=dict(first_answers(self.desk.days, email=email).get(outcome, {})),
            **more,
        )

    def groups(self) -> Iterator[tuple[str, list[Choice]]]:
        """The outcomes in the order of the table, under their headings."""
        grouped: dict[str, list[Choice]] = {}
        for row in outcomes_of(self.desk.channel):
            grouped.setdefault(row.group.value, []).append(self._choice(row))
        yield from grouped.items()

    def _choice(self, row: OutcomeRow) -> Choice:
        value = row.outcome.value
        return Choice(
            value,
            str(row.outcome.label),
            consequence(row.outcome, self.desk.days),
            self.small[row.outcome],
            self["outcome"].value() == value,
        )

    def shown_items(self) -> list[tuple[str, OpenItem, bool, int]]:
        """The oldest open items, each with whether it is ticked and its days late."""
        ticked = set(self["items"].value() or [])
        keys = [(_key_text(item.key), item) for item in self.desk.items]
        today = self.desk.days.today
        return [
            (key, item, key in ticked, item.days_late(today)) for key, item in keys[:SHOWN_ITEMS]
        ]

    @property
    def hidden_items(self) -> int:
        return max(len(self.desk.items) - SHOWN_ITEMS, 0)

    def clean_outcome(self) -> CallOutcome:
        return CallOutcome(self.cleaned_data["outcome"])

    def clean_items(self) -> tuple[ItemKey, ...]:
        return tuple(_key_of(text) for text in self.cleaned_data["items"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        outcome = data.get("outcome")
        if outcome is not None:
            self._take_small_errors(self.small[outcome])
        if outcome == CallOutcome.DISPUTES and not data.get("items"):
            self.add_error("items", "Choose the invoices that they dispute.")
        return data

    def _take_small_errors(self, small: AnswerForm) -> None:
        for name, errors in small.errors.items():
            label = small.fields[name].label if name in small.fields else ""
            for error in errors:
                self.add_error(None, f"{label}: {error}" if label else str(error))

    def answer(self) -> Answer:
        """The chosen outcome with its details."""
        data = self.cleaned_data
        small = self.small[data["outcome"]]
        return small.answer(data["outcome"], data["items"], data["note"])

    def call(self, *, attempt_id: int | None, task_id: int | None) -> CallInput:
        """The call as `outcomes.record_call` takes it."""
        data, contact = self.cleaned_data, self.cleaned_data["contact"]
        return CallInput(
            customer_id=self.desk.customer.pk,
            answers=(self.answer(),),
            token=data["token"],
            channel=Channel(self.desk.channel),
            direction=Direction(data["direction"]),
            number_used=contact.phone if contact else "",
            contact_id=contact.pk if contact else None,
            person=data["person"],
            invoice_received={"yes": True, "no": False}.get(data["received"]),
            follow_up_on=data["follow_up_on"],
            note=data["note"],
            attempt_id=attempt_id,
            task_id=task_id,
        )


def _key_text(key: ItemKey) -> str:
    return f"{key.invoice_id}-{key.instalment_no}"


def _key_of(text: str) -> ItemKey:
    invoice, _, instalment = text.partition("-")
    return ItemKey(int(invoice), int(instalment))
