"""Calls of the past: planned ones that were made, and those that customers made to us."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from customers.services import primary_contact
from dunning.demo.answers import MADE, answer
from dunning.demo.book import Book, moment
from dunning.demo.firms import Firm
from dunning.demo.papers import Receipt, Said
from dunning.demo.script import Script
from dunning.models import AttemptState, CallOutcome, Channel, ContactAttempt, Direction
from dunning.outcomes import Answer, CallInput, record_call
from dunning.policy import ItemKey
from invoices.models import Invoice

CALLS_AT = 14
LOOSE_ENDS = timedelta(days=6)
"""Calls and tasks of the last days are left for whoever tries the product."""


@dataclass(slots=True)
class Telephone:
    """Who was called how often; the rest is in the database."""

    book: Book
    script: Script
    seed: int
    calls: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def make_planned(self, day: date) -> None:
        """Most of the calls that wait, not all: some are made later, a few lapse."""
        if day >= self.script.today - LOOSE_ENDS:
            return
        due = ContactAttempt.objects.filter(
            channel=Channel.CALL, state=AttemptState.PLANNED, local_date__lte=day
        ).select_related("customer")
        for attempt in due.order_by("local_date", "pk"):
            firm = self.book.firms[attempt.customer.number]
            rng = Random(f"{self.seed}:{firm.number}:{day}")
            waits = attempt.due_at is not None and attempt.due_at.date() > day
            if not waits and rng.random() < MADE:
                self._call(attempt, firm, day, rng)

    def _call(self, attempt: ContactAttempt, firm: Firm, day: date, rng: Random) -> None:
        spoken = answer(
            firm.story, nth=self.calls[firm.number], pays_on=self._pays_on(firm, day), today=day,
            overdue_for=_overdue_for(attempt.customer_id, day), rng=rng,
        )  # fmt: skip
        self.calls[firm.number] += 1
        said = Said(firm.number, day, spoken.outcome, spoken.note, spoken.until)
        try:
            self.log(said, rng, attempt_id=attempt.pk)
        except ServiceError:  # a third promise in a row, say: they were not to be had after all
            self.log(Said(firm.number, day, "voicemail", ""), rng, attempt_id=attempt.pk)

    def said(self, said: Said) -> None:
        """A call that the story asks for, whether or not one was planned."""
        self.log(said, Random(f"{self.seed}:{said.firm}:{said.on}:said"))

    def log(self, said: Said, rng: Random, *, attempt_id: int | None = None) -> None:
        """Log a call as the owner of the account would."""
        firm, customer = self.book.firms[said.firm], self.book.customers[said.firm]
        contact = primary_contact(customer.pk)
        at = moment(said.on, CALLS_AT, rng.randrange(60))
        items = tuple(ItemKey(self.book.invoices[key]) for key in said.bills)
        outcome = CallOutcome(said.outcome)
        call = CallInput(
            customer_id=customer.pk,
            answers=(Answer(outcome, items, said.until, reason=said.reason, note=said.note),),
            token=UUID(int=rng.getrandbits(128), version=4),
            direction=Direction.IN if said.inbound else Direction.OUT,
            at=at,
            contact_id=contact.pk if contact else None,
            person=firm.people[0].name,
            note=said.note,
            attempt_id=attempt_id,
        )
        with clock.at(at), transaction.atomic():
            record_call(call, actor=actor_of(self.book.owner(firm)), now=at)

    def _pays_on(self, firm: Firm, day: date) -> date | None:
        """The day of their next payment, which they know and we do not."""
        ahead = (
            each.on for each in self.script.happenings
            if isinstance(each, Receipt) and each.firm == firm.number and each.on > day
        )  # fmt: skip
        return next(ahead, None)


def _overdue_for(customer_id: int, day: date) -> int:
    unpaid = Invoice.objects.filter(customer_id=customer_id, open_amount__gt=0)
    oldest = unpaid.aggregate(oldest=Min("next_due_date"))["oldest"]
    return (day - oldest).days if oldest else 0
