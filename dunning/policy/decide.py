"""decide(): a pure function of (policy, facts of one customer, today)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from dunning.policy import severe
from dunning.policy.answer import (
    Decision,
    Plan,
    PlannedAttempt,
    SkipRecord,
    TaskDraft,
)
from dunning.policy.consolidate import attempts_of, gather
from dunning.policy.extras import ask_received, follow_ups, lapsed_follow_ups, statement
from dunning.policy.handover import hand_over, in_hand, too_small
from dunning.policy.ladder import BY_HAND
from dunning.policy.netting import oldest_first
from dunning.policy.pace import Wait, next_contact
from dunning.policy.reasons import Reason
from dunning.policy.steps import Scene, Verdict, judge, set_scene
from dunning.policy.stops import is_beyond_limits
from dunning.policy.types import (
    CustomerFacts,
    Policy,
)
from dunning.policy.words import (
    Channel,
    TaskKind,
    Tone,
)

KEPT_WHEN_WAITING = frozenset({Reason.NOT_MADE, Reason.LAPSED})


def decide(policy: Policy | None, facts: CustomerFacts, today: date) -> Plan:
    """Decide for every open item of one customer what happens today, and why.

    Each item gets one decision; the steps that are due become at most one contact, with one
    attempt per channel. Items may carry a policy of their own (invoice enrolment).
    """
    scene = set_scene(policy, facts, today)
    verdicts = [judge(item, scene) for item in sorted(facts.items, key=oldest_first)]
    verdicts, attempts = _contact(verdicts, scene)
    attempts += _quiet(verdicts, scene)
    verdicts, handed = _handed_over(verdicts, scene)
    attempts += handed
    attempts = _with_follow_ups(attempts, follow_ups(verdicts, scene))
    if not any(a.channel is Channel.EMAIL for a in attempts):
        monthly = statement(verdicts, scene)
        attempts += [monthly] if monthly is not None else []
    skips = [skip for verdict in verdicts for skip in verdict.skips]
    return Plan(
        attempts=tuple(attempts),
        decisions=tuple(_decision(verdict) for verdict in verdicts),
        skips=tuple(skips + lapsed_follow_ups(scene)),
        tasks=_tasks(verdicts, scene),
    )


def _contact(verdicts: list[Verdict], scene: Scene) -> tuple[list[Verdict], list[PlannedAttempt]]:
    """The one contact of today: a final demand, or a question, or the ladder's messages."""
    facing = [v for v in verdicts if v.todo and v.rung.faces_customer]
    finals = [v for v in facing if severe.is_final(v.rung.step)]
    asking = [v for v in verdicts if v.asks]
    if asking and not finals:
        return _question(verdicts, facing, asking, scene)
    chosen = finals or facing
    if not chosen:
        return verdicts, []
    group = gather(chosen, verdicts, scene)
    rules = group.lead.clock.rules
    wait = next_contact(scene.facts, rules, group.lead.item.key, group.tone, scene.today)
    if wait is not None:
        return _wait(verdicts, facing, wait), []
    if finals:
        others = [v for v in facing if not severe.is_final(v.rung.step)]
        verdicts = _wait(verdicts, others, Wait(scene.tomorrow, Reason.FINAL_RUNNING))
    return verdicts, _messages(chosen, verdicts, scene)


def _messages(
    chosen: list[Verdict], verdicts: Sequence[Verdict], scene: Scene
) -> list[PlannedAttempt]:
    """One message for all, except for items whose policy wants one message per invoice."""
    alone = [v for v in chosen if v.clock.rules.one_message_per_invoice]
    together = [v for v in chosen if not v.clock.rules.one_message_per_invoice]
    attempts: list[PlannedAttempt] = []
    if together:
        own = {v.item.key for v in alone}
        rest = [v for v in verdicts if v.item.key not in own]
        attempts += attempts_of(gather(together, rest, scene), rest, scene)
    for verdict in alone:
        attempts += attempts_of(gather([verdict], [verdict], scene), [verdict], scene)
    return attempts


def _question(
    verdicts: list[Verdict], facing: list[Verdict], asking: list[Verdict], scene: Scene
) -> tuple[list[Verdict], list[PlannedAttempt]]:
    """Ask about skipped items first; the ladder's own messages keep the pace after it."""
    lead = asking[0]
    rules = lead.clock.rules
    wait = next_contact(scene.facts, rules, lead.item.key, Tone.FRIENDLY, scene.today)
    if wait is not None:
        return _wait(verdicts, facing + asking, wait), []
    attempt = ask_received(asking, verdicts, scene)
    if attempt is None:
        return verdicts, []
    pace = scene.facts.calendar.add(scene.today, rules.pace_other_business_days)
    return _wait(verdicts, facing, Wait(pace, Reason.PACE)), [attempt]


def _wait(verdicts: Sequence[Verdict], waiting: Sequence[Verdict], wait: Wait) -> list[Verdict]:
    """Put off the steps of these items; what lapsed stays recorded, the rest is kept for then."""
    keys = {verdict.item.key for verdict in waiting}
    return [_put_off(v, wait) if v.item.key in keys else v for v in verdicts]


def _put_off(verdict: Verdict, wait: Wait) -> Verdict:
    kept = tuple(skip for skip in verdict.skips if skip.reason in KEPT_WHEN_WAITING)
    return replace(
        verdict,
        reason=wait.because,
        next_on=wait.until,
        place=-1,
        todo=(),
        skips=kept,
        asks=False,
    )


def _quiet(verdicts: Sequence[Verdict], scene: Scene) -> list[PlannedAttempt]:
    """Internal notices of steps that reach no customer; no contact, so no pace."""
    internal = [
        v
        for v in verdicts
        if v.todo and not v.rung.faces_customer and not severe.is_handover(v.rung.step)
    ]
    return attempts_of(gather(internal, verdicts, scene), verdicts, scene) if internal else []


def _handed_over(
    verdicts: list[Verdict], scene: Scene
) -> tuple[list[Verdict], list[PlannedAttempt]]:
    due = [v for v in verdicts if v.todo and severe.is_handover(v.rung.step)]
    if not due:
        return verdicts, []
    wait = in_hand(scene)
    if wait is not None:
        return _wait(verdicts, due, wait), []
    attempt = hand_over(due, verdicts, scene)
    if attempt is not None:
        return verdicts, [attempt]
    keys = {v.item.key for v in due}
    return [too_small(v) if v.item.key in keys else v for v in verdicts], []


def _with_follow_ups(
    attempts: list[PlannedAttempt], calls: list[PlannedAttempt]
) -> list[PlannedAttempt]:
    """One call a day: a promise follow-up joins a call that is made anyway."""
    if not calls:
        return attempts
    for number, attempt in enumerate(attempts):
        if attempt.channel in BY_HAND:
            joined = replace(attempt, promise_id=calls[0].promise_id)
            return [*attempts[:number], joined, *attempts[number + 1 :]]
    return [*attempts, calls[0]]


def _decision(verdict: Verdict) -> Decision:
    """What is stored and shown; a step taken today names the one after it."""
    rungs, highest = verdict.clock.ladder.rungs, verdict.position.highest
    base = Decision(
        key=verdict.item.key,
        reason=verdict.reason,
        next_step=verdict.next_step,
        next_on=verdict.next_on,
        last_step=rungs[highest].step.step_key if highest >= 0 else "",
        last_on=verdict.position.last_on,
        stopped=verdict.stopped,
    )
    if not verdict.todo:
        return base
    after = verdict.place + 1
    return replace(
        base,
        step_key=verdict.rung.step.step_key,
        next_step=rungs[after].step.step_key if after < len(rungs) else "",
        next_on=verdict.clock.after(verdict.item, verdict.place),
    )


def _tasks(verdicts: Sequence[Verdict], scene: Scene) -> tuple[TaskDraft, ...]:
    """One task per kind and cause for the customer, on its oldest item."""
    found: dict[tuple[TaskKind, Reason], TaskDraft] = {}
    for verdict in verdicts:
        if verdict.task is None:
            continue
        draft = TaskDraft(verdict.task, verdict.reason, verdict.item.key, verdict.next_step)
        found.setdefault((draft.kind, draft.reason), draft)
    if any(is_beyond_limits(promise, scene.facts) for promise in scene.facts.promises):
        found.setdefault(
            (TaskKind.AGREE_PLAN, Reason.PROMISED), TaskDraft(TaskKind.AGREE_PLAN, Reason.PROMISED)
        )
    return tuple(found.values())


def records_of(plan: Plan) -> tuple[SkipRecord, ...]:
    """The skip records of a plan that are new rows, not attempts that lapsed."""
    return tuple(skip for skip in plan.skips if not skip.attempt_id)
