"""Contacts beside the ladder: promise follow-ups, "was it received?", monthly statements."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from dunning.policy.answer import (
    PlannedAttempt,
    SkipRecord,
)
from dunning.policy.channels import Todo, Work, resolve
from dunning.policy.ladder import Rung
from dunning.policy.netting import is_overdue
from dunning.policy.pace import COUNTED_STATES, is_contact
from dunning.policy.reasons import Reason
from dunning.policy.steps import Scene, Verdict
from dunning.policy.stops import needs_follow_up
from dunning.policy.table import asks_for, table
from dunning.policy.types import (
    Action,
    Contact,
    PromiseFacts,
    Step,
)
from dunning.policy.words import (
    Channel,
    Kind,
    Part,
    Tone,
)

ASK = Step("ask-received", 0, Tone.FRIENDLY, (Action("email", Channel.EMAIL),))
FIRST_DAYS_OF_MONTH = 7
STATEMENT_REST = timedelta(days=28)


def follow_ups(everyone: Sequence[Verdict], scene: Scene) -> list[PlannedAttempt]:
    """A call about each broken promise before the ladder goes on (rule 8); free of pace."""
    facts, today = scene.facts, scene.today
    ours = facts.settings.our_calendar
    if scene.stop or not facts.calendar.is_business_day(today):
        return []
    if ours is not None and not ours.is_business_day(today):
        return []
    return [
        _follow_up(promise, everyone, scene)
        for promise in facts.promises
        if promise.follow_up_open_since is None
        and needs_follow_up(promise, facts, today)
        and _still_open(promise, everyone, scene)
    ]


def _still_open(promise: PromiseFacts, everyone: Sequence[Verdict], scene: Scene) -> bool:
    return any(
        v.reason is Reason.PROMISE_BROKEN and is_overdue(v.item, scene.today)
        for v in everyone
        if not promise.items or v.item.key in promise.items
    )


def _follow_up(promise: PromiseFacts, everyone: Sequence[Verdict], scene: Scene) -> PlannedAttempt:
    concerned = [v for v in everyone if not promise.items or v.item.key in promise.items]
    caller = next(contact for contact in scene.facts.contacts if contact.may_call)
    return PlannedAttempt(
        channel=Channel.CALL,
        tone=Tone.FRIENDLY,
        kind=Kind.PROMISE_FOLLOW_UP,
        reason=Reason.PROMISE_BROKEN,
        step_key=f"promise-{promise.promise_id}",
        action_key="call",
        contact_id=caller.contact_id,
        lead=concerned[0].item.key,
        lines=tuple(table(concerned, scene)),
        promise_id=promise.promise_id,
    )


def lapsed_follow_ups(scene: Scene) -> list[SkipRecord]:
    """Promise calls nobody made within five business days; the ladder goes on."""
    facts, days = scene.facts, scene.facts.settings.call_lapses_business_days
    return [
        SkipRecord(
            key=min(promise.items, default=scene.facts.items[0].key),
            step_key=f"promise-{promise.promise_id}",
            action_key="call",
            channel=Channel.CALL,
            reason=Reason.NOT_MADE,
            attempt_id=promise.follow_up_attempt_id,
        )
        for promise in facts.promises
        if promise.follow_up_open_since is not None
        and not promise.followed_up
        and facts.items
        and scene.today >= facts.calendar.add(promise.follow_up_open_since, days)
    ]


def ask_received(
    asking: Sequence[Verdict], everyone: Sequence[Verdict], scene: Scene
) -> PlannedAttempt | None:
    """Ask once about the items they skipped: not received, or in query?"""
    lead = asking[0]
    rung = Rung(ASK, 0, 0)
    net = scene.net.amounts[lead.item.key]
    work = Work(lead.item, rung, scene.facts, scene.today, net, None)
    todo = resolve(work, ASK.actions)[0]
    if not isinstance(todo, Todo):
        return None
    keys = {v.item.key for v in asking}
    lines = tuple(
        replace(line, step_key=ASK.step_key, action_key="email")
        if line.key in keys and line.part is Part.IN_QUERY
        else line
        for line in table(everyone, scene)
    )
    return PlannedAttempt(
        channel=todo.channel,
        tone=Tone.FRIENDLY,
        kind=Kind.ASK_RECEIVED,
        reason=Reason.ASK_RECEIVED,
        step_key=ASK.step_key,
        action_key="email",
        contact_id=todo.contact_id,
        lead=lead.item.key,
        lines=lines,
        substitutes=todo.substitutes,
    )


def statement(everyone: Sequence[Verdict], scene: Scene) -> PlannedAttempt | None:
    """Monthly to overdue accounts (R19), beside the ladder; it counts as courtesy.

    Every e-mail carries a statement, so whoever had one in the last four weeks gets none;
    and nobody meets us through a statement before the ladder's first contact.
    """
    if not _wants_statement(everyone, scene) or not _may_have_statement(scene):
        return None
    contact = next((c for c in scene.facts.contacts if c.may_email), None)
    if contact is None:
        return None
    return PlannedAttempt(
        channel=Channel.EMAIL,
        tone=Tone.COURTESY,
        kind=Kind.STATEMENT,
        reason=Reason.STATEMENT,
        step_key=f"statement-{scene.today:%Y-%m}",
        action_key="email",
        contact_id=contact.contact_id,
        lines=tuple(table(everyone, scene)),
    )


def _wants_statement(everyone: Sequence[Verdict], scene: Scene) -> bool:
    """Whether the policy has statements, something is asked for, and nothing of ours is open."""
    policy = scene.policy
    if policy is None or not policy.settings.statements_monthly:
        return False
    if any(verdict.position.block for verdict in everyone):
        return False
    return any(asks_for(verdict, scene) for verdict in everyone)


def _may_have_statement(scene: Scene) -> bool:
    facts, today = scene.facts, scene.today
    if scene.stop or scene.final or facts.opted_out_soft:
        return False
    if today.day > FIRST_DAYS_OF_MONTH or not facts.calendar.is_business_day(today):
        return False
    if any(_is_recent(contact, today) for contact in facts.history):
        return False
    return any(is_contact(contact) for contact in facts.history)


def _is_recent(contact: Contact, today: date) -> bool:
    """An e-mail of ours in the last four weeks; after an urgent word no courtesy follows."""
    if contact.kind is Kind.INBOUND or contact.state not in COUNTED_STATES:
        return False
    recent = contact.channel is Channel.EMAIL and today - contact.on < STATEMENT_REST
    return recent or contact.tone.rank >= Tone.URGENT.rank
