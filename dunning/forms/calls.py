"""The form that logs a call or visit: one outcome, what it needs, which invoices."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.utils import ErrorDict

from arfollow.shared.formfields import DayField
from customers.models import Contact, Customer
from dunning.forms.answers import FORMS, AnswerForm, first_answers
from dunning.models import CallOutcome, Channel, Direction, Inbound
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
KEYS: Mapping[CallOutcome, str] = {
    CallOutcome.NO_ANSWER: "n",
    CallOutcome.BUSY: "u",
    CallOutcome.VOICEMAIL: "v",
    CallOutcome.MESSAGE: "m",
    CallOutcome.WRONG_NUMBER: "w",
    CallOutcome.DISCONNECTED: "d",
    CallOutcome.CALL_BACK: "b",
    CallOutcome.PROMISE: "p",
    CallOutcome.SAYS_PAID: "s",
    CallOutcome.WAITING_APPROVAL: "a",
    CallOutcome.PAYMENT_RUN: "r",
    CallOutcome.NOT_RECEIVED: "i",
    CallOutcome.WRONG_PERSON: "o",
    CallOutcome.NEEDS_DOCUMENT: "c",
    CallOutcome.DISPUTES: "q",
    CallOutcome.ASKS_PLAN: "l",
    CallOutcome.CANNOT_PAY: "t",
    CallOutcome.REFUSES: "f",
    CallOutcome.HUNG_UP: "h",
    CallOutcome.DO_NOT_CALL: "z",
    CallOutcome.REPRESENTED: "e",
    CallOutcome.INSOLVENT: "g",
    CallOutcome.DECEASED: "k",
    CallOutcome.COLLECTED: "j",
    CallOutcome.NOT_COLLECTED: "n",
}
"""One key per outcome; those of a visit and of a call never stand on one page."""

PICKED = frozenset({CallOutcome.DISPUTES})
"""Outcomes that are about the ticked invoices only, even where all are ticked."""

RECEIVED = [("", "Not asked"), ("yes", "Yes"), ("no", "No")]


@dataclass(frozen=True, slots=True)
class Choice:
    """One outcome as the page shows it."""

    value: str
    label: str
    says: str
    form: AnswerForm
    checked: bool
    key: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What the form is about: the customer, the open items, the days.

    `pays_on` is the day a promise starts with, `pays_why` says where it is from; `inbound`
    they called us; `reply` the message of theirs, where nobody spoke.
    """

    customer: Customer
    contacts: Sequence[Contact]
    items: Sequence[OpenItem]
    days: Days
    channel: str = Channel.CALL
    pays_on: date | None = None
    pays_why: str = ""
    inbound: bool = False
    reply: Inbound | None = None

    @property
    def overdue(self) -> list[OpenItem]:
        """The items that an outcome is about where nothing else is said."""
        return [item for item in self.items if item.due_date < self.days.today]

    @property
    def to_ring(self) -> Contact | None:
        """Whom to ask for: the first who may be rung, else the first."""
        usable = (contact for contact in self.contacts if contact.can_call)
        return next(usable, self.contacts[0] if self.contacts else None)


class CallForm(forms.Form):
    """A call. Without ticked invoices the outcome is about all that is overdue."""

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

    as_typed = False
    """Shown again as it was typed, without judging it: something was sent meanwhile."""

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
        self.initial.setdefault("contact", desk.to_ring.pk if desk.to_ring else None)
        self.initial.setdefault("direction", Direction.IN if desk.inbound else Direction.OUT)
        self.initial.setdefault("items", [_key_text(item.key) for item in desk.overdue])
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
        kind, desk = FORMS.get(outcome, AnswerForm), self.desk
        email = next((c.email for c in desk.contacts if c.can_email), "")
        more: dict[str, Any] = {}
        if outcome == CallOutcome.PROMISE:
            more = {
                "currencies": tuple(collectible_by_currency(desk.items)),
                "pays_why": desk.pays_why,
            }
        first = first_answers(desk.days, email=email, pays_on=desk.pays_on)
        return kind(
            data if chosen == outcome.value else None,
            prefix=outcome.value,
            initial=dict(first.get(outcome, {})),
            **more,
        )

    @property
    def errors(self) -> ErrorDict:
        """None while it is only shown again."""
        return ErrorDict() if self.as_typed else super().errors

    def keys_typed(self) -> tuple[ItemKey, ...]:
        """The ticked items, before the form is checked."""
        known = {_key_text(item.key): item.key for item in self.desk.items}
        ticked = tuple(known[text] for text in self["items"].value() or () if text in known)
        return () if self._all_overdue(ticked) else ticked

    def contact_typed(self, name: str) -> int | None:
        """The contact chosen in a field of the page, before the form is checked."""
        text = str(self.data.get(name, ""))
        return int(text) if text.isdecimal() and len(text) < 12 else None

    def consequence(self) -> str:
        """What saving the chosen outcome does, in words."""
        return consequence(self.cleaned_data["outcome"], self.desk.days)

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
            KEYS[row.outcome],
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

    @property
    def ticked(self) -> dict[str, Decimal]:
        """What can be asked for of the ticked items, per currency."""
        chosen = set(self["items"].value() or [])
        return collectible_by_currency(i for i in self.desk.items if _key_text(i.key) in chosen)

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
        outcome, items = data["outcome"], data["items"]
        if outcome not in PICKED and self._all_overdue(items):
            items = ()
        return self.small[outcome].answer(outcome, items, data["note"])

    def _all_overdue(self, items: tuple[ItemKey, ...]) -> bool:
        """Whether just what is overdue is ticked, as far as it is listed."""
        listed = {item.key for item in self.desk.items[:SHOWN_ITEMS]}
        return set(items) == {item.key for item in self.desk.overdue} & listed

    def call(self, *, attempt_id: int | None, task_id: int | None) -> CallInput:
        """The call as `outcomes.record_call` takes it."""
        data, contact = self.cleaned_data, self.cleaned_data["contact"]
        return CallInput(
            customer_id=self.desk.customer.pk,
            answers=(self.answer(),),
            token=data["token"],
            channel=Channel(self.desk.channel),
            direction=Direction(data["direction"]),
            number_used=contact.phone if contact and not self.desk.reply else "",
            contact_id=contact.pk if contact else None,
            person=data["person"],
            invoice_received={"yes": True, "no": False}.get(data["received"]),
            follow_up_on=data["follow_up_on"],
            note=data["note"],
            attempt_id=attempt_id,
            task_id=task_id,
            reply_id=self.desk.reply.pk if self.desk.reply else None,
        )


def _key_text(key: ItemKey) -> str:
    return f"{key.invoice_id}-{key.instalment_no}"


def _key_of(text: str) -> ItemKey:
    invoice, _, instalment = text.partition("-")
    return ItemKey(int(invoice), int(instalment))
