"""Rule 4: how each action of a step is carried out, or recorded where it cannot be."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dunning.policy.ladder import Rung
from dunning.policy.made import conversation_covers, holds
from dunning.policy.reasons import Reason
from dunning.policy.types import (
    Action,
    ContactFacts,
    CustomerFacts,
    ItemFacts,
)
from dunning.policy.words import (
    Channel,
    TaskKind,
    Tone,
)


@dataclass(frozen=True, slots=True)
class Todo:
    """An action with the channel that carries it out; a substitute completes the step."""

    action: Action
    channel: Channel
    contact_id: int | None = None
    substitutes: Channel | None = None
    task: TaskKind | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An action that is recorded instead of carried out."""

    action: Action
    reason: Reason
    task: TaskKind | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One item's step today: the facts its actions are resolved against."""

    item: ItemFacts
    rung: Rung
    facts: CustomerFacts
    today: date
    net: Decimal
    last_on: date | None


def resolve(work: Work, actions: tuple[Action, ...]) -> list[Todo | Record]:
    """Each action as something to do or something to record; nothing disappears.

    Where a substitute would double an action of the step, that action completes both.
    """
    found = [_one(work, action) for action in actions]
    own = {t.channel for t in found if isinstance(t, Todo) and t.substitutes is None}
    return [_not_twice(each, own) for each in found]


def _not_twice(found: Todo | Record, own: set[Channel]) -> Todo | Record:
    if isinstance(found, Todo) and found.substitutes is not None and found.channel in own:
        return Record(found.action, Reason.SUBSTITUTED, found.task)
    return found


def _one(work: Work, action: Action) -> Todo | Record:
    unmet = any(
        not holds(condition, work.item, work.last_on, work.facts, work.today)
        for condition in action.conditions
    )
    if unmet:
        return Record(action, Reason.NOT_NEEDED)
    if action.channel is Channel.EMAIL:
        return _email(work, action)
    if action.channel is Channel.CALL:
        return _call(work, action)
    if action.channel is Channel.LETTER:
        return _letter(work, action, None)
    return Todo(action, action.channel)


def _email(work: Work, action: Action) -> Todo | Record:
    """To the role's contact, else the next contact, else by call, else by letter."""
    soft = work.rung.step.tone in (Tone.COURTESY, Tone.FRIENDLY)
    if soft and work.facts.opted_out_soft:
        return Record(action, Reason.OPTED_OUT)
    contact = _first(work.facts, action.role, by_email=True)
    if contact is not None:
        wanted = action.role in contact.roles
        return Todo(
            action, Channel.EMAIL, contact.contact_id, task=None if wanted else TaskKind.ASK_ADDRESS
        )
    caller = _first(work.facts, action.role, by_email=False)
    if caller is not None:
        return Todo(
            action, Channel.CALL, caller.contact_id, Channel.EMAIL, task=TaskKind.ASK_ADDRESS
        )
    return _letter(work, action, Channel.EMAIL)


def _call(work: Work, action: Action) -> Todo | Record:
    if conversation_covers(work.item, work.rung.step, work.facts, work.today):
        return Record(action, Reason.CONVERSATION)
    contact = _first(work.facts, action.role, by_email=False)
    if contact is None:
        return Record(action, Reason.NO_NUMBER, TaskKind.FIND_NUMBER)
    return Todo(action, Channel.CALL, contact.contact_id)


def _letter(work: Work, action: Action, substitutes: Channel | None) -> Todo | Record:
    task = TaskKind.ASK_ADDRESS if substitutes else None
    if not work.facts.postal_ok:
        return Record(action, Reason.NO_ADDRESS, TaskKind.ASK_ADDRESS)
    if work.net < work.facts.settings.minimum_amount:
        return Record(action, Reason.SMALL_AMOUNT, task)
    return Todo(action, Channel.LETTER, None, substitutes, task)


def _first(facts: CustomerFacts, role: str, *, by_email: bool) -> ContactFacts | None:
    """The first usable contact of the role, else any usable one."""
    usable = [c for c in facts.contacts if (c.may_email if by_email else c.may_call)]
    return next((c for c in usable if role in c.roles), usable[0] if usable else None)
