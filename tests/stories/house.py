"""Our house on the real database: a working day runs, sends, calls, approves, prints, posts."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from arfollow.shared import clock
from arfollow.shared.events import Actor, actor_of
from dunning import dispatch, outcomes, runs
from dunning.delivery.letters import mark_posted, print_letters
from dunning.models import (
    AttemptKind,
    AttemptState,
    CallOutcome,
    Channel,
    ContactAttempt,
    HeldFor,
    Letter,
    LetterStatus,
)
from dunning.outbox import approve
from dunning.outcomes import Answer, CallInput
from dunning.runs.report import Report
from dunning.runs.select import customers_to_examine
from tests import make, outbox


@dataclass
class House:
    """``calls`` is what comes of every call, None where nobody makes them."""

    calls: CallOutcome | None = CallOutcome.REFUSES
    approves: bool = True
    boss: Actor = field(init=False)
    reports: dict[date, Report] = field(default_factory=dict)

    def __post_init__(self) -> None:
        outbox.company()
        self.boss = actor_of(make.user("manager"))

    def live(self, first: date, last: date) -> None:
        """Every day from the first to the last."""
        for number in range((last - first).days + 1):
            self.day(first + timedelta(days=number))

    def day(self, today: date) -> None:
        """The run at six, approvals at seven, mail at ten, calls and letters after it."""
        self.plan(today)
        self.approve(today)
        self.send(today)
        self.call(today)
        self.post(today)

    def plan(self, today: date) -> Report:
        """The morning's run, as the beat makes it: only where something has to be looked at."""
        with clock.at(moment(today, 6)):
            outcomes.settle_promises(today)
            outcomes.settle_plans(today)
            outcomes.remind_of_promises(moment(today, 6))
            idle = not customers_to_examine(today)
            report = Report(today, dry_run=False) if idle else runs.run(today)
        assert report is not None
        self.reports[today] = report
        return report

    def approve(self, today: date) -> None:
        """Whatever waits for approval gets it."""
        waiting = ContactAttempt.objects.filter(held_for=HeldFor.APPROVAL)
        if self.approves:
            with clock.at(moment(today, 7)):
                for pk in waiting.values_list("pk", flat=True):
                    approve(pk, actor=self.boss, now=moment(today, 7))

    def send(self, today: date) -> None:
        """What is due leaves; accepted mail counts as made some days later."""
        if not planned(Channel.EMAIL) and not planned(Channel.INTERNAL):
            return
        with clock.at(moment(today, 10, 5)):
            dispatch.send_some(now=moment(today, 10, 5), seconds=None)
            dispatch.mark_reached(moment(today, 10, 5))

    def call(self, today: date) -> None:
        """Every planned call is made and has the same outcome."""
        if self.calls is None:
            return
        for row in planned(Channel.CALL):
            with clock.at(moment(today, 14)):
                call = CallInput(row.customer_id, (Answer(self.calls),), uuid4(), attempt_id=row.pk)
                outcomes.record_call(call, actor=self.boss, now=moment(today, 14))

    def post(self, today: date) -> None:
        """Approved letters are printed and posted."""
        with clock.at(moment(today, 15)):
            letters = [row.pk for row in planned(Channel.LETTER)]
            if letters:
                print_letters(letters, actor=self.boss, now=moment(today, 15))
            for number, letter in enumerate(Letter.objects.filter(status=LetterStatus.PRINTED)):
                article = f"9407{letter.pk:015d}{number}"
                mark_posted(letter.pk, today, article, actor=self.boss)


def moment(today: date, hour: int, minute: int = 0) -> datetime:
    """An hour of a day; our zone is UTC in tests."""
    return datetime.combine(today, time(hour, minute), UTC)


def planned(channel: str) -> list[ContactAttempt]:
    """What people have to do on a channel."""
    rows = ContactAttempt.objects.filter(channel=channel, state=AttemptState.PLANNED)
    return list(rows.order_by("pk"))


def steps_taken() -> list[tuple[str, str, str]]:
    """Day, step and channel of everything the ladder did, in order."""
    rows = ContactAttempt.objects.filter(
        kind=AttemptKind.LADDER, state=AttemptState.SENT, automatic=True
    ).order_by("planned_on", "pk")
    return [(f"{row.planned_on}", row.step_key, str(row.channel)) for row in rows]
