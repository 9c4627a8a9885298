"""The promise as a model (issue 4, item 9): whatever happens in whatever order, no reminder is
lost, none goes twice, none goes to somebody who paid, disputes, promised or asked us to stop.

Hypothesis invents the story: runs, senders that die at named points, payments and imports in the
middle of them, letters, merged accounts, webhooks out of order, clocks that jump or are off. The
short form runs with every test run; the long form by ``MODEL_STEPS`` (steps to do, see
docs/reliability.md).
"""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dunning.delivery import events
from dunning.delivery.events import Report
from dunning.models import AttemptState, ContactAttempt, HeldFor
from dunning.outbox import Settlement
from tests.dunning import model_checks, model_departures
from tests.dunning.model_office import Office, held
from tests.dunning.model_people import AMOUNTS, DAY, ZONES, People
from tests.dunning.model_rest import (
    clear_the_way,
    come_to_rest,
    look_at_everybody,
    missed,
    working_day,
)
from tests.dunning.model_world import ANSWERS, World, made_of

log = logging.getLogger(__name__)
STEPS = int(os.environ.get("MODEL_STEPS", "0"))
SHRINK = bool(os.environ.get("MODEL_SHRINK"))
HOUR, MINUTE, NOTHING = timedelta(hours=1), timedelta(minutes=1), timedelta(0)
STARTS = [  # each in the hours before something happens to the calendar
    datetime(2026, 3, 2, 6, 0, tzinfo=UTC),  # an ordinary Monday
    datetime(2026, 3, 6, 5, 30, tzinfo=UTC),  # New York's clocks go forward on the 8th
    datetime(2026, 3, 27, 4, 0, tzinfo=UTC),  # Berlin's on the 29th
    datetime(2026, 10, 23, 3, 0, tzinfo=UTC),  # Berlin's go back on the 25th
    datetime(2028, 2, 27, 6, 0, tzinfo=UTC),  # 29 February, a Tuesday
    datetime(2026, 12, 22, 6, 0, tzinfo=UTC),  # Christmas and New Year
]
OFF = [2 * MINUTE, -4 * MINUTE, 6 * MINUTE, -HOUR, 9 * HOUR, -DAY, 3 * DAY, 365 * DAY]
SKEWS = [*[NOTHING] * 9, *OFF]
POINTS = ["C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"]
AT_THE_DESK = ["L1", "L2", "L3", "L4", "L5", "L9", "L10", "L11"]
BETWEEN = ["C2", "C3", "C4", "C6", "C8"]  # points at which another process may act
MAIL_EVENTS = ["queued", "deferred", "delivered", "bounced", "complained", "opened", "rejected"]

chance = st.integers(min_value=0, max_value=10_000)
skews = st.sampled_from(SKEWS)


class Sending(RuleBasedStateMachine):
    """One installation, three customers, and everything that may happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.steps, self.written = 0, -1

    @initialize(start=st.sampled_from(STARTS), zone=st.sampled_from(["UTC", *ZONES]),
                late=st.lists(st.integers(-6, 110), min_size=4, max_size=4),
                rests=st.booleans())  # fmt: skip
    def move_in(self, start: datetime, zone: str, late: list[int], rests: bool) -> None:
        self.rests = rests
        self.world = World(start, zone)
        self.patches = made_of(self.world)
        self.patches.__enter__()
        self.world.look = lambda attempt: model_departures.departure(self.world, attempt)
        with self.world.at():
            self.people = People(self.world)
            for number, days in enumerate(late):
                amount = AMOUNTS[2 + number % 2]
                self.people.is_billed(self.people.customer(number), days, amount)
        self.office = Office(self.world, self.people)

    def teardown(self) -> None:
        try:
            if hasattr(self, "office") and self.rests:
                wrong = come_to_rest(self.world, self.people, self.office)
                assert not wrong, "\n".join(wrong)
        finally:
            if hasattr(self, "patches"):
                self.patches.__exit__(None, None, None)
                TOLD["left"] += len(self.world.departures)
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)
            TOLD["steps"] += self.steps
            TOLD["stories"] += 1

    # --- time -------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 2, 4, 7, 11]))
    def hours_pass(self, hours: int) -> None:
        self.world.now += hours * HOUR

    @rule(days=st.sampled_from([1, 2, 3, 5, 14]))
    def days_pass_without_a_beat(self, days: int) -> None:
        self.world.now += days * DAY

    @rule(days=st.sampled_from([1, 1, 3]))
    def ordinary_days(self, days: int) -> None:
        for _ in range(days):
            self.world.now += DAY
            working_day(self.world)

    @rule()
    def a_day_without_obstacles(self) -> None:
        """Else so much is in the way after some steps that hardly anything leaves."""
        clear_the_way(self.world, self.people, self.office)
        self.world.now += DAY
        working_day(self.world)

    @rule(back=st.sampled_from([HOUR, DAY]))
    def the_clock_jumps_back(self, back: timedelta) -> None:
        self.world.now -= back

    # --- the machine ------------------------------------------------------------------------

    @rule(die_at=st.sampled_from(["", "", "", "C0", "C1"]), skew=skews)
    def run(self, die_at: str, skew: timedelta) -> None:
        self.world.die_at, self.world.skew = die_at, skew
        self.world.alive(self.world.tick)

    @rule()
    def run_twice(self) -> None:
        """Two beats, a minute apart and whatever moved: the second finds nothing to do."""
        look_at_everybody(self.world, self.people)
        wrong = missed(self.world, self.people)
        assert not wrong, wrong

    @rule()
    def every_step_is_found_on_its_day(self) -> None:
        """The tick that looks at few finds what a look at everybody finds."""
        self.world.now += MINUTE
        self.world.alive(self.world.tick)
        wrong = missed(self.world, self.people)
        assert not wrong, wrong

    @rule(
        answers=st.lists(st.sampled_from(list(ANSWERS)), max_size=3),
        die_at=st.sampled_from(["", "", *POINTS]),
        acts=st.dictionaries(st.sampled_from(BETWEEN), st.tuples(chance, chance), max_size=3),
        skew=skews,
    )
    def send(
        self,
        answers: list[str],
        die_at: str,
        acts: dict[str, tuple[int, int]],
        skew: timedelta,
    ) -> None:
        """At the next slot: a moody mail server, people acting meanwhile, clocks, and death."""
        world = self.world
        if not _due(world.now).exists():
            self._to_the_slot()
        world.answers, world.die_at, world.skew = list(answers), die_at, skew
        world.acts = {name: self._act(which, how) for name, (which, how) in acts.items()}
        world.alive(world.send)

    @rule(skew=skews)
    def send_now(self, skew: timedelta) -> None:
        """At whatever moment it is, perhaps by a machine that believes in another one."""
        self.world.skew = skew
        self.world.alive(self.world.send)

    @rule(which=chance, how=chance, then=chance)
    def plan_act_send(self, which: int, how: int, then: int) -> None:
        """Something is planned, somebody acts before its slot and in the last look's way."""
        self.world.now += MINUTE
        self.world.alive(self.world.tick)
        self._act(which, how)()
        self._to_the_slot()
        self.world.acts = {"C3": self._act(then, how)}
        self.world.alive(self.world.send)

    def _to_the_slot(self) -> None:
        due = ContactAttempt.objects.filter(state=AttemptState.PLANNED, due_at__gt=self.world.now)
        first = due.order_by("due_at").values_list("due_at", flat=True).first()
        if first is not None:
            self.world.now = first + MINUTE

    @rule(skew=skews)
    def recover(self, skew: timedelta) -> None:
        """The leases of whoever died run out; the sweeper comes."""
        self.world.now += 4 * MINUTE
        self.world.skew = skew
        self.world.alive(self.world.sweep)

    # --- people -----------------------------------------------------------------------------

    @rule(which=chance, how=chance)
    def somebody_acts(self, which: int, how: int) -> None:
        self._act(which, how)()

    def _act(self, which: int, how: int) -> Callable[[], None]:
        """One thing of many that people do; also used in the middle of a sender's work."""
        acts = [*self.people.acts, *self.office.acts]
        return lambda: acts[which % len(acts)](how)

    @rule(how=chance, die_at=st.sampled_from(["", "", *AT_THE_DESK]), between=chance)
    def letters(self, how: int, die_at: str, between: int) -> None:
        """A letter is wanted, printed or posted; somebody acts in between, or dies at the desk."""
        office = self.office
        work = [office.want_letter, office.approve, office.print, office.post][how % 4]
        self.world.die_at = die_at
        self.world.acts = {"L9": self._act(between, how)}
        self.world.alive(lambda: work(how | 1))

    @rule(how=chance)
    @precondition(lambda self: held(HeldFor.APPROVAL))
    def approve_or_decline(self, how: int) -> None:
        self.office.approve(how)

    @rule()
    @precondition(lambda self: held(HeldFor.PAUSE) or held(HeldFor.STALE))
    def release_what_is_held(self) -> None:
        self.office.let_go()

    @rule(how=st.sampled_from(list(Settlement)))
    @precondition(lambda self: ContactAttempt.objects.filter(state="unknown").exists())
    def settle_unknown(self, how: Settlement) -> None:
        self.office.settle(how)

    @rule()
    @precondition(lambda self: ContactAttempt.objects.filter(state="failed").exists())
    def try_again(self) -> None:
        self.office.try_again()

    @rule(
        which=chance,
        kinds=st.lists(st.sampled_from(MAIL_EVENTS), min_size=1, max_size=3),
        again=st.booleans(),
    )
    def webhook(self, which: int, kinds: list[str], again: bool) -> None:
        """What the provider reports of something it took, in any order, perhaps twice."""
        ids = [d.attempt for d in self.world.departures if d.taken and d.channel == "email"]
        if not ids:
            return
        attempt = ContactAttempt.objects.get(pk=ids[which % len(ids)])
        for kind in kinds * (2 if again else 1):
            with self.world.at():
                stored = events.store(_report(attempt, kind), now=self.world.now)
                if stored is not None:
                    events.apply(stored, now=self.world.now)

    # --- what must be true ---------------------------------------------------------------------

    @invariant()
    def the_promise_holds(self) -> None:
        if not hasattr(self, "office"):
            return
        self.steps += 1
        if self.written == model_checks.writes():
            return  # nothing happened
        wrong = list(model_checks.after_every_step(self.world))
        assert not wrong, "\n".join(wrong)
        self.written = model_checks.writes()


TOLD = {"steps": 0, "stories": 0, "left": 0}


def _due(now: datetime) -> QuerySet[ContactAttempt]:
    return ContactAttempt.objects.filter(state=AttemptState.PLANNED, due_at__lte=now)


def _report(attempt: ContactAttempt, kind: str) -> Report:
    return Report(
        provider="sink",
        event_type=kind,
        event_id=f"{kind}-{attempt.uuid}",
        message_id=attempt.message_id,
        recipient=attempt.recipients.values_list("address", flat=True).first() or "",
        attempt=str(attempt.uuid),
        reject_reason="bounced" if kind == "bounced" else "",
    )


def tell_stories(stories: int, steps: int) -> None:
    """So many stories of so many steps each."""
    run_state_machine_as_test(
        Sending,
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not STEPS,  # the short form tells the same stories until code changes
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
            report_multiple_bugs=False,
            print_blob=False,
        ),
    )


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.timeout(0 if STEPS else 300)
@pytest.mark.django_db
@pytest.mark.usefixtures("plain_statements")
def test_the_promise_holds_in_every_invented_story() -> None:
    TOLD.update(steps=0, stories=0, left=0)
    while TOLD["steps"] < max(STEPS, 1):
        tell_stories(10 if STEPS else 5, 40)
        log.warning("the model: %(steps)d steps in %(stories)d stories, %(left)d left", TOLD)
    assert TOLD["stories"] >= 5
    assert 2 * TOLD["left"] > TOLD["stories"], "stories in which nothing leaves prove little"
