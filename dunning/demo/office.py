"""Past working days at Harbour & Pine, lived through with the product's own run, outbox,
calls and letters, so that histories are what they would have been."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from arfollow.shared import clock
from arfollow.shared.events import actor_of
from arfollow.shared.workdays import Calendar
from dunning.demo import company, post
from dunning.demo.book import Book, moment
from dunning.demo.papers import Bounced, Happening, Said, Wrote
from dunning.demo.script import Script
from dunning.demo.telephone import LOOSE_ENDS, Telephone
from dunning.dispatch import mark_reached
from dunning.models import (
    AttemptKind,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    PaymentPlan,
    PlanStatus,
    Task,
    TaskStatus,
)
from dunning.outbox import approve, cancel
from dunning.outcomes import agree_plan, draft_thanks, finish_task, settle_plans, settle_promises
from dunning.runs import run
from dunning.runs.select import customers_to_examine

# Hours of the firm's day: mail leaves at ten o'clock of each customer's.
BOOKS, PLANNING = (0, 30), (1, 30)
MAIL = ((6, 30), (13, 30))
LETTERS, EVENING = (13, 45), (16, 30)
WITH_STATEMENTS = timedelta(days=4)
THANKED = timedelta(days=45)
RESTS = timedelta(days=3)
"""The machine stood still for so long: what came due since is for a visitor's first run."""
APPROVED = frozenset({"letter_to_print", "final_posted", "hand_over"})
"""Whose final demand was approved; the others' wait for somebody who tries the product."""


@dataclass(slots=True)
class Office:
    """The desk, day after day."""

    book: Book
    script: Script
    telephone: Telephone
    everyone_from: date
    calendar: Calendar = Calendar("US", "ME")

    def day(self, day: date, happenings: Sequence[Happening]) -> None:
        """Everything that happened on one day, in the order of its hours."""
        company.payments_known_to(day)
        with transaction.atomic():
            with clock.at(moment(day, *BOOKS)):
                self.book.post(happenings)
            works = self.calendar.is_business_day(day) and day < self.script.today - RESTS
            if works:
                self._morning(day)
            self._hear(day, happenings)
            if works:
                self._evening(day)

    def _morning(self, day: date) -> None:
        """Plan, send, print, call."""
        with clock.at(moment(day, *PLANNING)):
            settle_promises(day)
            settle_plans(day)
            self._run(day)
            draft_thanks(day)
            mark_reached(clock.now())
        lately = day >= self.script.today - WITH_STATEMENTS
        for hour in MAIL:
            post.send_mail(moment(day, *hour), with_statements=lately)
        with clock.at(moment(day, *LETTERS)):
            post.handle_letters(self.book, day, clock.now())
        self.telephone.make_planned(day)

    def _run(self, day: date) -> None:
        """While the follow-up is tried out, runs look at the pilot group only."""
        if day >= self.everyone_from:
            run(day)
            return
        due = set(customers_to_examine(day))
        for firm in self.script.firms:
            if firm.is_pilot and self.book.customers[firm.number].pk in due:
                run(day, customer=firm.number)

    def _evening(self, day: date) -> None:
        with clock.at(moment(day, *EVENING)):
            self._decide(day)
            self._tidy(day)

    def _hear(self, day: date, happenings: Iterable[Happening]) -> None:
        """What customers said and wrote on that day."""
        for each in happenings:
            if isinstance(each, Said):
                self.telephone.said(each)
            elif isinstance(each, Wrote):
                post.reply(self.book, each)
            elif isinstance(each, Bounced):
                post.bounce(self.book, each.firm, moment(day, 15))

    def _decide(self, day: date) -> None:
        """Ruth approves what is usual, and the final demands of those we know well."""
        ruth = self.book.bookkeeper
        held = ContactAttempt.objects.filter(state=AttemptState.HELD, held_for=HeldFor.APPROVAL)
        for attempt in held.select_related("customer").order_by("pk"):
            story = self.book.firms[attempt.customer.number].story
            final = attempt.channel in {Channel.EMAIL, Channel.LETTER} and story in APPROVED
            if attempt.kind == AttemptKind.THANKS and self._thanked(attempt, day):
                cancel(attempt.pk, actor=ruth, reason="Thanked them only lately")
            elif final or attempt.kind == AttemptKind.THANKS:
                approve(attempt.pk, actor=ruth, now=clock.now())
        for plan in PaymentPlan.objects.filter(status=PlanStatus.DRAFT):
            agree_plan(plan.pk, on=day, actor=ruth)

    def _thanked(self, attempt: ContactAttempt, day: date) -> bool:
        earlier = ContactAttempt.objects.filter(
            customer=attempt.customer, kind=AttemptKind.THANKS, planned_on__gt=day - THANKED
        )
        return earlier.exclude(pk=attempt.pk).exclude(state=AttemptState.CANCELLED).exists()

    def _tidy(self, day: date) -> None:
        """Tasks are done within a day or two; those of the last days wait."""
        if day >= self.script.today - LOOSE_ENDS:
            return
        waiting = Task.objects.filter(status=TaskStatus.OPEN, due_on__lt=day)
        for task in waiting.select_related("customer"):
            firm = self.book.firms.get(task.customer.number) if task.customer else None
            actor = actor_of(self.book.owner(firm)) if firm else self.book.bookkeeper
            finish_task(task.pk, actor=actor, result="Looked into")
