"""What one item's own ladder asks for today: a step, a record, or the reason for neither."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from dunning.policy import severe
from dunning.policy.answer import (
    SkipRecord,
)
from dunning.policy.channels import Record, Todo, Work, resolve
from dunning.policy.clock import Clock
from dunning.policy.ladder import (
    Ladder,
    Position,
    Rung,
    find_position,
    is_done,
    is_open,
    ladder_of,
)
from dunning.policy.made import holds
from dunning.policy.memo import RememberedDays
from dunning.policy.netting import Net, is_overdue, net_of_credits
from dunning.policy.reasons import Reason
from dunning.policy.stops import (
    ItemStops,
    Stop,
    amount_stop,
    asked_stop,
    customer_stop,
    must_ask_received,
    running_final,
)
from dunning.policy.types import (
    Action,
    CustomerFacts,
    ItemFacts,
    Policy,
)
from dunning.policy.words import (
    TaskKind,
    Tone,
)

ONE_DAY = timedelta(days=1)
NO_RUNG = -1


@dataclass(frozen=True, slots=True)
class Verdict:
    """One item's answer before pace and consolidation; ``place`` >= 0 and ``todo`` act."""

    item: ItemFacts
    clock: Clock
    position: Position
    reason: Reason
    place: int = NO_RUNG
    next_on: date | None = None
    todo: tuple[Todo, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    task: TaskKind | None = None
    stopped: bool = False
    asks: bool = False

    @property
    def rung(self) -> Rung:
        return self.clock.ladder.rungs[self.place]

    @property
    def next_step(self) -> str:
        """Key of the step that comes next, empty at the end of the ladder."""
        place = self.position.next if self.place < 0 else self.place
        rungs = self.clock.ladder.rungs
        return rungs[place].step.step_key if place < len(rungs) else ""


class Scene(NamedTuple):
    """What all items of a customer share on one day."""

    facts: CustomerFacts
    policy: Policy | None
    today: date
    net: Net
    stop: Stop | None
    stops: ItemStops
    final: Stop | None
    overdue: int
    asking: int
    ladder: Ladder

    @property
    def tomorrow(self) -> date:
        """The next business day of the customer."""
        return self.facts.calendar.add(self.today, 1)

    def clock(self, item: ItemFacts) -> Clock:
        """The clock of the item's own policy, or of the customer's."""
        ladder = ladder_of(item.policy) if item.policy else self.ladder
        facts = self.facts
        ours = facts.settings.our_calendar
        return Clock(ladder, facts.calendar, ours, facts.quiet, self.today)


NO_POLICY = Policy(name="", steps=())


def set_scene(policy: Policy | None, facts: CustomerFacts, today: date) -> Scene:
    """Prepare what is common to every item, once."""
    facts = replace(facts, calendar=RememberedDays(facts.calendar))
    net = net_of_credits(facts, today)
    stops = ItemStops(facts, today)
    asking = [
        item
        for item in facts.items
        if is_overdue(item, today) and amount_stop(item, net, facts) is None
    ]
    return Scene(
        facts=facts,
        policy=policy,
        today=today,
        net=net,
        stop=customer_stop(facts, today),
        stops=stops,
        final=running_final(facts, today),
        overdue=sum(1 for i in facts.items if is_overdue(i, today) and i.collectible > 0),
        asking=len(asking),
        ladder=ladder_of(policy or NO_POLICY),
    )


def judge(item: ItemFacts, scene: Scene) -> Verdict:
    """The item's verdict: stops first, then what is open, then the clock, then the gates."""
    clock = scene.clock(item)
    today, facts = scene.today, scene.facts
    position = find_position(clock.ladder, item, today, clock.days, facts.settings)
    start = Verdict(item, clock, position, Reason.NOT_DUE, skips=_lapsed_calls(item, position))
    stop = (
        amount_stop(item, scene.net, facts)
        or scene.stop
        or scene.stops.find(item)
        or asked_stop(item, facts, today)
    )
    if stop is not None:
        return _stopped(start, stop)
    if not clock.ladder.rungs:
        return replace(start, reason=Reason.NO_POLICY, task=TaskKind.OWNER_DECIDES)
    if position.block is not None:
        return _blocked(start, scene)
    return _climb(_past_lapsed_courtesies(start, today), scene)


def _stopped(verdict: Verdict, stop: Stop) -> Verdict:
    return replace(verdict, reason=stop.reason, next_on=stop.until, task=stop.task, stopped=True)


def _blocked(verdict: Verdict, scene: Scene) -> Verdict:
    """Something of ours is open; it ages visibly and is looked at again each business day."""
    reason = verdict.position.block or Reason.HELD
    asks = (Reason.UNKNOWN_DELIVERY, Reason.DELIVERY_FAILED, Reason.DECLINED)
    task = TaskKind.CHECK_DELIVERY if reason in asks else None
    tomorrow = verdict.clock.days.add(scene.today, 1)
    return replace(verdict, reason=reason, next_on=tomorrow, task=task)


def _record(
    verdict: Verdict, action: Action, reason: Reason, place: int | None = None
) -> SkipRecord:
    rung = verdict.clock.ladder.rungs[verdict.position.next if place is None else place]
    return SkipRecord(
        key=verdict.item.key,
        step_key=rung.step.step_key,
        action_key=action.action_key,
        channel=action.channel,
        reason=reason,
        repeat=rung.repeat,
        cycle=verdict.item.cycle,
        offset=rung.day,
    )


def _lapsed_calls(item: ItemFacts, position: Position) -> tuple[SkipRecord, ...]:
    """Calls and visits unmade after five business days (rule 4)."""
    return tuple(
        SkipRecord(
            key=item.key,
            step_key=row.step_key,
            action_key=row.action_key,
            channel=row.channel,
            reason=Reason.NOT_MADE,
            repeat=row.repeat,
            cycle=row.cycle,
            offset=row.offset,
            attempt_id=row.attempt_id,
        )
        for row in position.lapsed
    )


def _past_lapsed_courtesies(verdict: Verdict, today: date) -> Verdict:
    """A courtesy step lapses, recorded, once its item is overdue (rule 1)."""
    position, skips = verdict.position, list(verdict.skips)
    rungs = verdict.clock.ladder.rungs
    while position.next < len(rungs) and is_overdue(verdict.item, today):
        step = rungs[position.next].step
        if step.tone is not Tone.COURTESY:
            break
        skips += [_record(verdict, a, Reason.LAPSED, position.next) for a in step.actions]
        position = replace(position, next=position.next + 1, missing=None)
    return replace(verdict, position=position, skips=tuple(skips))


def _climb(verdict: Verdict, scene: Scene) -> Verdict:
    """The clock, then what the step itself demands, then who carries it out."""
    verdict = _behind_predecessor(verdict)
    if verdict.position.next >= len(verdict.clock.ladder.rungs):
        return replace(verdict, reason=Reason.FINISHED, task=TaskKind.LADDER_END)
    waiting = _not_yet(verdict, scene)
    if waiting is not None:
        return waiting
    place = verdict.position.next
    rung = verdict.clock.ladder.rungs[place]
    firm = next(
        (n for n, r in enumerate(verdict.clock.ladder.rungs) if r.step.tone.rank >= 2),
        len(verdict.clock.ladder.rungs),
    )
    if must_ask_received(verdict.item, verdict.position, firm, scene.today):
        return replace(verdict, reason=Reason.ASK_RECEIVED, asks=True, next_on=scene.tomorrow)
    unmet = _unmet(verdict, rung, scene)
    if unmet is not None:
        skips = tuple(_record(verdict, action, unmet) for action in rung.step.actions)
        return replace(verdict, reason=unmet, skips=verdict.skips + skips, next_on=scene.tomorrow)
    stop = _step_stop(verdict, rung, scene)
    return _stopped(verdict, stop) if stop is not None else _carry_out(verdict, rung, scene)


def _behind_predecessor(verdict: Verdict) -> Verdict:
    """A severe step needs the one before it in the history; else that one comes first (L12)."""
    position, rungs = verdict.position, verdict.clock.ladder.rungs
    place = position.next
    if not 0 < place < len(rungs) or not rungs[place].step.is_severe:
        return verdict
    before = rungs[place - 1]
    known = any(
        (row.step_key, row.repeat) == (before.step.step_key, before.repeat)
        and row.cycle == verdict.item.cycle
        and (is_done(row) or is_open(row))
        for row in verdict.item.history
    )
    if known:
        return verdict
    return replace(verdict, position=replace(position, next=place - 1, missing=None))


def _not_yet(verdict: Verdict, scene: Scene) -> Verdict | None:
    """The verdict of an item whose step's day, or business day, has not come."""
    clock, today = verdict.clock, scene.today
    rung = clock.ladder.rungs[verdict.position.next]
    due = clock.due(verdict.item, verdict.position)
    if due.on > today and not _is_early(verdict, scene):
        return replace(verdict, reason=due.because, next_on=due.on)
    opens = clock.rolled(today, rung)
    if opens > today:
        ours = clock.days.is_business_day(today)
        reason = Reason.NOT_OUR_WORKING_DAY if ours else Reason.NOT_BUSINESS_DAY
        return replace(verdict, reason=reason, next_on=opens)
    return None


def _is_early(verdict: Verdict, scene: Scene) -> bool:
    """P1's option: the first step on the first day with two invoices overdue."""
    first = verdict.position.next == 0 and verdict.position.last_on is None
    enabled = verdict.clock.rules.early_first_step
    return enabled and first and scene.asking >= 2 and is_overdue(verdict.item, scene.today)


def _unmet(verdict: Verdict, rung: Rung, scene: Scene) -> Reason | None:
    """Why a step is recorded instead of taken: its condition, or a final demand that took it."""
    item, facts, today = verdict.item, scene.facts, scene.today
    if rung.faces_customer and severe.was_taken(item, facts, today):
        return Reason.IN_FINAL
    last_on = verdict.position.last_on
    met = all(holds(c, item, last_on, facts, today) for c in rung.step.conditions)
    return None if met else Reason.NOT_NEEDED


def _step_stop(verdict: Verdict, rung: Rung, scene: Scene) -> Stop | None:
    """What the step itself waits for; what is left of a final demand waits for none of it."""
    if rung.step.tone is Tone.COURTESY and scene.overdue:
        return Stop(Reason.OVERDUE_FIRST, scene.tomorrow)
    if verdict.position.missing is not None and severe.is_final(rung.step):
        return None
    if scene.final is not None and rung.faces_customer:
        return scene.final
    if rung.step.is_severe:
        return severe.severe_stop(verdict.item, rung.step, scene.net, scene.facts, scene.today)
    return None


def _carry_out(verdict: Verdict, rung: Rung, scene: Scene) -> Verdict:
    """Resolve the step's actions; where none can be done they are recorded instead."""
    item, position = verdict.item, verdict.position
    net = scene.net.amounts[item.key]
    work = Work(item, rung, scene.facts, scene.today, net, position.last_on)
    found = resolve(work, position.missing or rung.step.actions)
    todo = tuple(each for each in found if isinstance(each, Todo))
    records = [each for each in found if isinstance(each, Record)]
    skips = tuple(_record(verdict, each.action, each.reason) for each in records)
    task = next((each.task for each in found if each.task is not None), None)
    due = verdict.clock.due(item, position)
    reason = Reason.EARLY if due.on > scene.today else Reason.CAUGHT_UP
    reason = Reason.DUE if due.on == scene.today else reason
    if not todo:
        return replace(
            verdict,
            reason=records[0].reason,
            skips=verdict.skips + skips,
            task=task,
            next_on=scene.tomorrow,
        )
    return replace(
        verdict,
        reason=reason,
        place=position.next,
        todo=todo,
        skips=verdict.skips + skips,
        task=task,
    )
