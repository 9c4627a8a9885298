"""Hand-over (rule 6): per customer, approved, of items that a final demand listed."""

from collections.abc import Sequence
from dataclasses import replace

from dunning.policy import severe
from dunning.policy.answer import (
    Line,
    PlannedAttempt,
)
from dunning.policy.ladder import is_open
from dunning.policy.made import contacts_made, final_sent_on
from dunning.policy.pace import Wait
from dunning.policy.reasons import Reason
from dunning.policy.steps import Scene, Verdict
from dunning.policy.types import DoneStep
from dunning.policy.words import (
    Channel,
    Kind,
    Part,
    TaskKind,
    Tone,
)


def belongs(verdict: Verdict, scene: Scene) -> bool:
    """Whether an item goes along: final demand sent, undisputed, three contacts made."""
    item = verdict.item
    if verdict.stopped or item.dispute_open or item.disputed > 0 or item.collectible <= 0:
        return False
    if final_sent_on(item) is None:
        return False
    gate = scene.facts.settings.contacts_for_gate
    return contacts_made(item, scene.today, scene.facts) >= gate


def in_hand(scene: Scene) -> Wait | None:
    """Why no second hand-over is asked for: one of the customer's waits, or was declined."""
    rows = [
        row
        for item in scene.facts.items
        for row in item.history
        if row.channel is Channel.HANDOVER and row.cycle == item.cycle
    ]
    if any(is_open(row) for row in rows):
        return Wait(scene.tomorrow, Reason.AWAITING_APPROVAL)
    until = [row.again_on or scene.tomorrow for row in rows if _declined(row, scene)]
    return Wait(max(until), Reason.DECLINED) if until else None


def _declined(row: DoneStep, scene: Scene) -> bool:
    """Whether the answer "not now" still holds."""
    over = row.again_on is not None and row.again_on <= scene.today
    return row.skip is Reason.DECLINED and not over


def hand_over(
    due: Sequence[Verdict], everyone: Sequence[Verdict], scene: Scene
) -> PlannedAttempt | None:
    """The attempt, or None where every currency is below the agency's minimum."""
    own = {verdict.item.key: verdict for verdict in due}
    going = [v for v in everyone if v.item.key in own or belongs(v, scene)]
    items = [v.item for v in going]
    minimum = scene.facts.settings.agency_minimum
    totals = [severe.handover_total(items, scene.net, code) for code in {i.currency for i in items}]
    if max(totals) < minimum:
        return None
    lead = due[0]
    todo = lead.todo[0]
    return PlannedAttempt(
        channel=Channel.HANDOVER,
        tone=Tone.INTERNAL,
        kind=Kind.LADDER,
        reason=lead.reason,
        step_key=lead.rung.step.step_key,
        action_key=todo.action.action_key,
        role=todo.action.role,
        lead=lead.item.key,
        lines=tuple(_line(v, scene, completes=v.item.key in own) for v in going),
        needs_approval=True,
    )


def _line(verdict: Verdict, scene: Scene, *, completes: bool) -> Line:
    item = verdict.item
    row = Line(
        part=Part.PLEASE_PAY,
        amount=scene.net.amounts[item.key],
        currency=item.currency,
        key=item.key,
        label=item.number,
        due_date=item.due_date,
        cycle=item.cycle,
        completes=completes,
        taken=not completes,
    )
    if not completes:
        return row
    rung = verdict.rung
    return replace(
        row,
        step_key=rung.step.step_key,
        action_key=verdict.todo[0].action.action_key,
        repeat=rung.repeat,
        offset=rung.day,
    )


def too_small(verdict: Verdict) -> Verdict:
    """A hand-over below the agency's minimum: a person decides instead."""
    return replace(
        verdict,
        reason=Reason.BELOW_AGENCY_MINIMUM,
        place=-1,
        todo=(),
        task=TaskKind.DECIDE,
        stopped=True,
    )
