"""Rules 2 and 3: all due items of a customer become one contact, one attempt per channel."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from dunning.policy import severe
from dunning.policy.answer import (
    Line,
    PlannedAttempt,
)
from dunning.policy.channels import Todo
from dunning.policy.clock import legal_deadline
from dunning.policy.netting import oldest_first
from dunning.policy.steps import Scene, Verdict
from dunning.policy.table import asks_for, is_taken, marked, table
from dunning.policy.types import (
    DoneStep,
)
from dunning.policy.words import (
    CUSTOMER_CHANNELS,
    Channel,
    Kind,
    Part,
    Result,
    State,
    Tone,
)

WRITTEN = frozenset({Channel.EMAIL, Channel.LETTER})
STATES_SAID = frozenset({State.SENT, State.PLANNED, State.CLAIMED, State.SENDING, State.UNKNOWN})
CEILING = Tone.URGENT


class Group(NamedTuple):
    """Items that share one contact today, their lead first, and the tone they get."""

    verdicts: tuple[Verdict, ...]
    lead: Verdict
    tone: Tone


def gather(verdicts: Sequence[Verdict], everyone: Sequence[Verdict], scene: Scene) -> Group:
    """Find the lead (highest own step, then oldest) and the tone of rule 3."""
    lead = min(verdicts, key=lambda v: (-v.rung.step.tone.rank, *oldest_first(v.item)))
    if all(severe.is_final(v.rung.step) for v in verdicts):
        return Group(tuple(verdicts), lead, Tone.FINAL)
    if lead.rung.step.tone is Tone.COURTESY:
        return Group(tuple(verdicts), lead, Tone.COURTESY)
    return Group(tuple(verdicts), lead, message_tone(everyone, scene))


def message_tone(everyone: Iterable[Verdict], scene: Scene) -> Tone:
    """The highest step reached by a *please pay* item above the minimum amount, never below
    the last message while its items are open; never final by riding along."""
    minimum = scene.facts.settings.minimum_amount
    asked = [v for v in everyone if asks_for(v, scene) and scene.net.amounts[v.item.key] >= minimum]
    ranks = [_own_rank(v) for v in asked] + [_floor(asked)]
    rank = min(max(ranks, default=1), CEILING.rank)
    return next(tone for tone in Tone if tone.rank == max(rank, Tone.FRIENDLY.rank))


def _own_rank(verdict: Verdict) -> int:
    """The step taken today or the highest done; one softer after a settled dispute."""
    if verdict.place >= 0:
        rank = verdict.rung.step.tone.rank
    else:
        rungs = verdict.clock.ladder.rungs[: verdict.position.highest + 1]
        rank = max((rung.step.tone.rank for rung in rungs), default=Tone.FRIENDLY.rank)
    return rank - 1 if _settled_since(verdict) else rank


def _settled_since(verdict: Verdict) -> bool:
    """Whether a dispute was settled and nothing was said about the item since."""
    settled, last_on = verdict.item.dispute_settled_on, verdict.position.last_on
    return settled is not None and (last_on is None or last_on <= settled)


def _floor(asked: Iterable[Verdict]) -> int:
    """Rank of the last message that listed an item still asked for."""
    said = [
        (row.on, row.tone.rank)
        for verdict in asked
        for row in verdict.item.history
        if _said(row, verdict)
    ]
    return max(said, default=(None, Tone.FRIENDLY.rank))[1]


def _said(row: DoneStep, verdict: Verdict) -> bool:
    settled = verdict.item.dispute_settled_on
    if settled is not None and row.on <= settled:
        return False
    reached = row.state in STATES_SAID and row.result is not Result.BOUNCED
    return reached and row.channel in CUSTOMER_CHANNELS


def attempts_of(group: Group, everyone: Sequence[Verdict], scene: Scene) -> list[PlannedAttempt]:
    """One attempt per channel for the group; all of them are one contact."""
    rows = table(everyone, scene)
    channels = dict.fromkeys(todo.channel for v in group.verdicts for todo in v.todo)
    return [_attempt(channel, group, everyone, rows, scene) for channel in channels]


def _attempt(
    channel: Channel,
    group: Group,
    everyone: Sequence[Verdict],
    rows: list[Line],
    scene: Scene,
) -> PlannedAttempt:
    pairs = [(v, t) for v in group.verdicts for t in v.todo if t.channel is channel]
    lead_verdict, lead_todo = _lead_pair(pairs, group.lead)
    written = channel in WRITTEN
    tone = group.tone if channel in CUSTOMER_CHANNELS else Tone.INTERNAL
    deadline = deadline_of([v for v, _ in pairs], tone, scene) if written else None
    own = {v.item.key: _completing(v, t, deadline) for v, t in pairs}
    lines = marked(rows, own)
    if channel not in CUSTOMER_CHANNELS:
        lines = tuple(line for line in lines if line.completes)
    elif tone is Tone.FINAL:
        lines = _take_along(lines, everyone, scene)
    final = tone is Tone.FINAL and channel in CUSTOMER_CHANNELS
    return PlannedAttempt(
        channel=channel,
        tone=tone,
        kind=Kind.LADDER,
        reason=lead_verdict.reason,
        step_key=lead_verdict.rung.step.step_key,
        action_key=lead_todo.action.action_key,
        role=lead_todo.action.role,
        contact_id=lead_todo.contact_id,
        lead=lead_verdict.item.key,
        lines=lines,
        needs_approval=final or any(t.action.approval for _, t in pairs),
        certified=any(t.action.certified for _, t in pairs),
        also_escalation=any(t.action.also_escalation for _, t in pairs),
        offers_plan=_offers_plan(pairs, scene),
        deadline=deadline,
        substitutes=lead_todo.substitutes,
        note=lead_todo.action.note,
        due_since=lead_verdict.clock.due(lead_verdict.item, lead_verdict.position).on,
    )


def _lead_pair(pairs: list[tuple[Verdict, Todo]], lead: Verdict) -> tuple[Verdict, Todo]:
    return next((pair for pair in pairs if pair[0] is lead), pairs[0])


def _completing(verdict: Verdict, todo: Todo, deadline: date | None) -> Line:
    """The line that moves the item's step; only its own firm-or-later step states a pay-by."""
    item, rung = verdict.item, verdict.rung
    firm = rung.step.tone.rank >= Tone.FIRM.rank
    return Line(
        part=Part.PLEASE_PAY,
        amount=item.collectible,
        currency=item.currency,
        key=item.key,
        label=item.number,
        due_date=item.due_date,
        step_key=rung.step.step_key,
        action_key=todo.action.action_key,
        repeat=rung.repeat,
        cycle=item.cycle,
        offset=rung.day,
        completes=True,
        pay_by=deadline if firm else None,
    )


def deadline_of(verdicts: Sequence[Verdict], tone: Tone, scene: Scene) -> date | None:
    """The date a message states (rule 5): the last business day before the next step of its
    items, or the legal minimum of a final demand; friendly ones carry the due date instead."""
    own = [v.clock.deadline(v.item, v.place) for v in verdicts]
    if tone is Tone.FINAL:
        facts = scene.facts
        legal = legal_deadline(
            facts.calendar, facts.settings, facts.country, facts.legal_type, scene.today
        )
        return max(legal, *own)
    return min(own) if tone.rank >= Tone.FIRM.rank else None


def _take_along(
    lines: tuple[Line, ...], everyone: Sequence[Verdict], scene: Scene
) -> tuple[Line, ...]:
    """A final demand takes every undisputed item at least thirty days late (rule 6)."""
    taken = {v.item.key for v in everyone if is_taken(v, scene)}
    return tuple(
        replace(line, taken=True)
        if line.part is Part.PLEASE_PAY and line.key in taken and not line.completes
        else line
        for line in lines
    )


def _offers_plan(pairs: list[tuple[Verdict, Todo]], scene: Scene) -> bool:
    """Only with a reason on file why they cannot pay, where the policy allows it (R50)."""
    if not scene.facts.cannot_pay_reason:
        return False
    return any(t.action.offers_plan and v.clock.rules.offer_plan for v, t in pairs)
