"""What holds on every day of every life, whatever happens in it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from dunning.policy import (
    CUSTOMER_CHANNELS,
    PRESETS,
    Channel,
    CustomerFacts,
    HoldFacts,
    Interval,
    ItemKey,
    Kind,
    Part,
    Plan,
    Policy,
    Reason,
    Result,
    State,
    Tone,
    decide,
)
from dunning.policy.ladder import ladder_of
from dunning.policy.made import contacts_made
from tests.stories.world import Bill, Made, World

START = date(2025, 1, 6)
LIFE = 170
QUICK = settings(
    max_examples=30,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# One seed for all: the properties see the same lives, so each is lived once and kept.
SAME_LIVES = seed(20250106)
STOPPED = frozenset(
    {
        Reason.PAID,
        Reason.TOLERANCE,
        Reason.COVERED,
        Reason.DISPUTED,
        Reason.PROMISED,
        Reason.HOLD,
        Reason.CUSTOMER_HOLD,
        Reason.JUST_PAID,
        Reason.UNREAD_REPLY,
        Reason.LEGAL_STOP,
    }
)


@dataclass(frozen=True)
class Happening:
    """Something that befalls one of the invoices on a day."""

    after: int
    what: str
    which: int


@dataclass(frozen=True)
class Life:
    """Everything that is drawn: the policy, who works, the invoices, what happens."""

    policy: str
    staff: str
    approves: bool
    invoices: tuple[tuple[int, int, int, str], ...]
    happenings: tuple[Happening, ...]


WHATS = ("pay", "part", "dispute", "settle", "promise", "hold", "reply", "read", "quiet", "bounce")
lives = st.builds(
    Life,
    policy=st.sampled_from(["P1", "P2", "P3", "P4"]),
    staff=st.sampled_from(["calls", "never", "unanswered"]),
    approves=st.booleans(),
    invoices=st.lists(
        st.tuples(
            st.integers(-60, 60),
            st.sampled_from([0, 14, 30]),
            st.integers(1, 90000),
            st.sampled_from(["USD", "USD", "EUR"]),
        ),
        min_size=1,
        max_size=5,
    ).map(tuple),
    happenings=st.lists(
        st.builds(Happening, st.integers(0, LIFE - 1), st.sampled_from(WHATS), st.integers(0, 4)),
        max_size=8,
    ).map(tuple),
)


class Observed(World):
    """A world that keeps the facts and the plan of each day."""

    def __init__(self, life: Life) -> None:
        super().__init__(PRESETS[life.policy], staff=life.staff, approves=life.approves)
        self.days: list[tuple[date, CustomerFacts, Plan]] = []
        self.keys: list[ItemKey] = []
        for after, terms, cents, currency in life.invoices:
            issued = START + timedelta(days=after)
            due = issued + timedelta(days=terms)
            amount = str(Decimal(cents) / 100)
            key = self.invoice(issued.isoformat(), due.isoformat(), amount, currency)
            self.keys.append(key)

    def run(self, today: date) -> Plan:
        facts = self.facts(today)
        plan = super().run(today)
        self.days.append((today, facts, plan))
        return plan


@lru_cache(maxsize=128)
def live(life: Life) -> Observed:
    """The life from its first to its last day; nobody changes it afterwards."""
    world = Observed(life)
    by_day: dict[int, list[Happening]] = {}
    for happening in life.happenings:
        by_day.setdefault(happening.after, []).append(happening)
    for number in range(LIFE):
        today = START + timedelta(days=number)
        for happening in by_day.get(number, []):
            befall(world, happening, today)
        world.run(today)
    return world


def befall(world: Observed, happening: Happening, today: date) -> None:
    """Let it happen."""
    key = world.keys[happening.which % len(world.keys)]
    bill = world.bills[key]
    on = today.isoformat()
    if happening.what == "pay":
        world.pay(key, on)
    elif happening.what == "part" and bill.open > 1:
        world.pay(key, on, str((bill.open / 2).quantize(Decimal("0.01"))))
    elif happening.what == "dispute" and bill.open > 0 and not bill.dispute_open:
        world.dispute(key, on)
    elif happening.what == "settle" and bill.dispute_open:
        world.settle(key, on)
    elif happening.what == "promise":
        world.promise(on, (today + timedelta(days=9)).isoformat(), key)
    else:
        befall_customer(world, happening, today, bill)


def befall_customer(world: Observed, happening: Happening, today: date, bill: Bill) -> None:
    """What concerns more than one invoice."""
    until = today + timedelta(days=12)
    if happening.what == "hold":
        world.holds.append(HoldFacts("ours", today, until, ours=True))
        bill.stops.append(Interval(today, until))
    elif happening.what == "reply":
        world.inbound.append(today)
        world.unread += 1
    elif happening.what == "read":
        world.unread = 0
    elif happening.what == "quiet":
        world.quiet = (*world.quiet, Interval(today, until))
    elif happening.what == "bounce" and world.made and world.made[-1].channel is Channel.EMAIL:
        world.made[-1].result = Result.BOUNCED


def completing(plan: Plan) -> list[tuple[ItemKey, str, int]]:
    """Which steps a plan takes: item, step, turn."""
    return [
        (line.key, line.step_key, line.repeat)
        for attempt in plan.attempts
        for line in attempt.completing
        if line.key is not None
    ]


@SAME_LIVES
@QUICK
@given(lives)
def test_an_item_never_takes_two_steps_in_a_run(life: Life) -> None:
    for _, _, plan in live(life).days:
        taken = {(key, step, turn) for key, step, turn in completing(plan)}
        assert len(taken) == len({key for key, _, _ in taken})


@SAME_LIVES
@QUICK
@given(lives)
def test_a_step_never_comes_before_its_day_or_its_trigger(life: Life) -> None:
    for today, facts, plan in live(life).days:
        due = {item.key: item.due_date for item in facts.items}
        issued = {item.key: item.issue_date for item in facts.items}
        early = {d.key for d in plan.decisions if d.reason is Reason.EARLY}
        for attempt in plan.attempts:
            for line in attempt.completing:
                assert line.key is not None
                assert line.offset is not None
                if line.key in early:
                    assert due[line.key] < today
                    continue
                start = due[line.key]
                if life.policy == "P1":
                    start = max(issued[line.key], start - timedelta(days=21))
                assert today >= start + timedelta(days=line.offset)


@SAME_LIVES
@QUICK
@given(lives)
def test_nothing_is_skipped_without_a_record(life: Life) -> None:
    """Each rung up to the highest has a row: done, begun, recorded, or sent and bounced."""
    world = live(life)
    ladder = ladder_of(PRESETS[life.policy])
    _, facts, _ = world.days[-1]
    for item in facts.items:
        known = {
            ladder.places[row.step_key, row.repeat]
            for row in item.history
            if row.completes and row.kind is Kind.LADDER
        }
        assert known == set(range(max(known, default=-1) + 1))


@SAME_LIVES
@QUICK
@given(lives)
def test_contacts_keep_the_pace(life: Life) -> None:
    world = live(life)
    counted = sorted({made.done_on or made.on for made in world.made if counts_for_pace(made)})
    assert all(later >= world.calendar.add(first, 5) for first, later in pairwise(counted))


def counts_for_pace(made: Made) -> bool:
    """Made contacts of the ladder above courtesy that reached somebody."""
    return (
        made.plan.kind in (Kind.LADDER, Kind.ASK_RECEIVED)
        and made.channel in CUSTOMER_CHANNELS
        and made.tone is not Tone.COURTESY
        and made.state is State.SENT
        and made.result not in (Result.NO_CONTACT, Result.BOUNCED)
    )


@SAME_LIVES
@QUICK
@given(lives)
def test_an_item_rests_at_least_five_business_days_between_two_steps(life: Life) -> None:
    world = live(life)
    for key in world.keys:
        days = sorted(
            {
                made.on
                for made in world.made
                if made.state is State.SENT and made.result is not Result.BOUNCED
                for line in made.plan.completing
                if line.key == key and line.step_key != "courtesy"
            }
        )
        assert all(later >= world.calendar.add(first, 5) for first, later in pairwise(days))


@SAME_LIVES
@QUICK
@given(lives)
def test_stops_win(life: Life) -> None:
    for _, _, plan in live(life).days:
        stopped = {d.key for d in plan.decisions if d.reason in STOPPED}
        assert not stopped & {key for key, _, _ in completing(plan)}


@SAME_LIVES
@QUICK
@given(lives)
def test_the_same_day_again_plans_nothing_again(life: Life) -> None:
    world = Observed(life)
    world.staff, world.approves, world.mails_leave = "never", False, False
    for number in range(0, LIFE, 3):
        today = START + timedelta(days=number)
        world.run(today)
        again = decide(world.policy, world.facts(today), today)
        assert again.attempts == ()
        assert again.skips == ()


@SAME_LIVES
@QUICK
@given(lives)
def test_severe_steps_have_a_predecessor_the_gate_and_an_approval(life: Life) -> None:
    world = live(life)
    ladder = ladder_of(PRESETS[life.policy])
    for today, facts, plan in world.days:
        items = {item.key: item for item in facts.items}
        for attempt in plan.attempts:
            if attempt.tone is not Tone.FINAL and attempt.channel is not Channel.HANDOVER:
                continue
            assert attempt.needs_approval
            for line in attempt.completing:
                assert line.key is not None
                item = items[line.key]
                before = ladder.rungs[ladder.places[line.step_key, line.repeat] - 1]
                assert before.step.step_key in {row.step_key for row in item.history}
                assert contacts_made(item, today, facts) >= 3
                assert item.disputed == 0
                assert not item.dispute_open


@SAME_LIVES
@QUICK
@given(lives)
def test_the_order_of_invoices_is_irrelevant(life: Life) -> None:
    random = Random(5)
    for today, facts, plan in live(life).days[::7]:
        items = list(facts.items)
        random.shuffle(items)
        assert decide(PRESETS[life.policy], replace(facts, items=tuple(items)), today) == plan


@SAME_LIVES
@QUICK
@given(lives)
def test_the_total_of_a_notice_is_the_sum_of_its_please_pay_lines(life: Life) -> None:
    for today, facts, plan in live(life).days:
        items = {item.key: item for item in facts.items}
        for attempt in plan.attempts:
            for currency, total in attempt.totals().items():
                lines = [
                    line
                    for line in attempt.lines
                    if line.currency == currency and line.part is Part.PLEASE_PAY
                ]
                assert total == sum(line.amount for line in lines)
            for line in attempt.lines:
                if line.part is Part.PLEASE_PAY and line.key is not None:
                    assert items[line.key].due_date < today
                    assert line.amount <= items[line.key].open - items[line.key].disputed


@SAME_LIVES
@QUICK
@given(lives)
def test_every_item_has_one_decision_and_every_wait_an_end(life: Life) -> None:
    ended_by_a_task = {Reason.UNREAD_REPLY, Reason.FINISHED, Reason.BELOW_MINIMUM}
    ended_by_money = {Reason.PAID, Reason.TOLERANCE, Reason.DISPUTED}
    for today, facts, plan in live(life).days:
        assert {d.key for d in plan.decisions} == {item.key for item in facts.items}
        assert len(plan.decisions) == len(facts.items)
        tasks = {task.reason for task in plan.tasks}
        for decision in plan.decisions:
            if decision.next_on is not None:
                assert decision.next_on > today
            elif decision.reason in ended_by_a_task:
                assert decision.reason in tasks
            else:
                assert (
                    decision.reason
                    in ended_by_money | {Reason.BELOW_AGENCY_MINIMUM} | ({decision.reason} & tasks)
                    or decision.step_key
                )


@pytest.mark.parametrize("name", ["P1", "P2", "P4"])
@SAME_LIVES
@settings(QUICK, max_examples=8)
@given(st.integers(0, 60), st.integers(0, 40))
def test_an_automatic_step_never_waits_for_a_persons_call(
    name: str, issued_after: int, terms: int
) -> None:
    emails = {}
    for staff in ("calls", "never"):
        world = World(PRESETS[name], staff=staff)
        issued = START + timedelta(days=issued_after)
        world.invoice(issued.isoformat(), (issued + timedelta(days=terms)).isoformat())
        world.live(START.isoformat(), (START + timedelta(days=200)).isoformat())
        emails[staff] = {m.plan.step_key: m.on for m in world.made if m.channel is Channel.EMAIL}
    for step, on in emails["calls"].items():
        if step in emails["never"]:
            assert emails["never"][step] <= on
    soft = {"courtesy", "d3", "d10", "d17", "d22", "d45"} & set(emails["calls"])
    assert soft <= set(emails["never"])


@SAME_LIVES
@settings(QUICK, max_examples=15)
@given(st.integers(5, 40), st.integers(1, 45))
def test_stopped_days_never_escalate(after: int, stopped: int) -> None:
    """Whatever day a hold of ours begins and however long it is: each later step counts from
    a day that is so much later."""
    policy: Policy = PRESETS["P2"]
    plain, held = World(policy), World(policy)
    for world in (plain, held):
        world.invoice(START.isoformat(), START.isoformat())
    first = START + timedelta(days=after)
    hold = Interval(first, first + timedelta(days=stopped - 1))
    key = next(iter(held.bills))
    held.holds.append(HoldFacts("ours", hold.start, hold.end, ours=True))
    held.bills[key].stops.append(hold)
    for world in (plain, held):
        world.live(START.isoformat(), (START + timedelta(days=160)).isoformat())
    calm = {m.plan.step_key: m.on for m in plain.made}
    for made in held.made:
        for line in made.plan.completing:
            assert made.on >= calm[line.step_key]
            if made.on > first and line.offset is not None:
                assert made.on >= START + timedelta(days=line.offset + stopped)
