"""The last look: what a planned message must say now, or why it must not leave (L5, rule 7).

A message was decided hours ago. Money, disputes, promises and holds that came since shrink
it; where nothing is left that it was sent for, it is cancelled. Two business days of rest
after a payment keep new messages back, not one that was on its way and is still true.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dunning.policy.answer import (
    Line,
)
from dunning.policy.netting import is_overdue
from dunning.policy.reasons import Reason
from dunning.policy.steps import Scene, set_scene
from dunning.policy.stops import Stop, amount_stop
from dunning.policy.table import credit_lines
from dunning.policy.types import (
    CustomerFacts,
    ItemFacts,
)
from dunning.policy.words import (
    AGREED,
    CUSTOMER_CHANNELS,
    Channel,
    ItemKey,
    Kind,
    Part,
    Tone,
)

NOT_NOW = frozenset({Reason.PAUSED, Reason.STALE_DATA})
"""Causes that end by themselves: the message is held, not cancelled."""

NO_BAR = frozenset({Reason.JUST_PAID, Reason.UNREACHABLE})
"""Stops of planning that do not concern a message on its way (addresses are looked at apart)."""

ASKED_FOR = frozenset(
    {
        Kind.RESEND,
        Kind.THANKS,
        Kind.MANUAL,
        Kind.ANSWER,
        Kind.CALL_BACK,
        Kind.PROMISE_CONFIRMED,
        Kind.PLAN_CONFIRMED,
    }
)
"""Kinds that a person asked for: their figures are renewed, the stops are not theirs."""

ABOUT_ITEMS = AGREED | {Kind.RESEND}
"""Kinds that say nothing any more once all they name is paid."""

FOR_EVERYTHING = frozenset({Reason.LEGAL_STOP, Reason.PLACED})
"""Stops that hold for what a person asked for, too: from here on the owner decides."""

SOFT = frozenset({Tone.COURTESY, Tone.FRIENDLY})
"""What a customer who opted out of soft reminders does not get by e-mail."""

SETTLED = frozenset({Reason.PAID, Reason.TOLERANCE})


@dataclass(frozen=True, slots=True)
class Planned:
    """What the message was decided to be."""

    channel: Channel
    kind: Kind
    tone: Tone
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What it says now. ``reason`` is set where it must not leave at all."""

    lines: tuple[Line, ...]
    reason: Reason | None = None


def recheck(facts: CustomerFacts, planned: Planned, today: date) -> Verified:
    """Look at every line again under today's facts; ``today`` is the customer's date."""
    scene = set_scene(None, facts, today)
    asked = planned.kind in ASKED_FOR
    stop = _customer_stop(scene)
    if stop is not None and (not asked or stop.reason in FOR_EVERYTHING):
        return Verified((), stop.reason)
    items = {item.key: item for item in facts.items}
    lines, reasons = [], []
    for key, own in _own_lines(planned).items():
        rows, reason = _again(items.get(key), own, planned, scene)
        lines += rows
        reasons.append((key, reason))
    if planned.channel in CUSTOMER_CHANNELS:
        lines += credit_lines(lines, scene)
    if asked or planned.kind in AGREED:
        empty = planned.kind in ABOUT_ITEMS and not lines
        return Verified(tuple(lines), Reason.PAID if empty else None)
    reason = _against(planned, lines, reasons, scene)
    if reason is None and _is_unwanted(planned, facts):
        reason = Reason.OPTED_OUT
    return Verified(tuple(lines), reason)


def _customer_stop(scene: Scene) -> Stop | None:
    stop = scene.stop
    return None if stop is None or stop.reason in NO_BAR else stop


def _is_unwanted(planned: Planned, facts: CustomerFacts) -> bool:
    """They asked for no soft reminders after this one was planned (the same rule as planning)."""
    soft = planned.tone in SOFT and planned.channel is Channel.EMAIL
    return soft and facts.opted_out_soft


def _own_lines(planned: Planned) -> dict[ItemKey, Line]:
    """One line for each item, in their order: the completing one where there are several."""
    found: dict[ItemKey, Line] = {}
    for line in planned.lines:
        if line.key is not None and (line.key not in found or line.completes):
            found[line.key] = line
    return found


def _again(
    item: ItemFacts | None, own: Line, planned: Planned, scene: Scene
) -> tuple[list[Line], Reason | None]:
    """The rows of one item now, and why it is not what the message is sent for any more."""
    if item is None:
        return [], Reason.PAID
    stop = amount_stop(item, scene.net, scene.facts) or scene.stops.find(item)
    reason = stop.reason if stop is not None else None
    if reason in SETTLED:
        return [], reason
    part = _part(item, reason, planned.kind, scene)
    if reason is None and item.dispute_open and _is_severe(planned):
        reason, part = Reason.DISPUTED, Part.IN_QUERY
    keeps = reason is None and (part is Part.PLEASE_PAY or planned.tone is Tone.COURTESY)
    row = replace(
        own,
        part=part,
        amount=item.collectible,
        due_date=item.due_date,
        completes=own.completes and keeps,
        taken=own.taken and keeps,
    )
    covered = part is Part.PLEASE_PAY and item.currency in scene.net.settled
    rows = [row] if item.collectible > 0 and not covered else []
    return rows + _contested(item, own, planned), reason


def _contested(item: ItemFacts, own: Line, planned: Planned) -> list[Line]:
    """The disputed part, as customers are shown it."""
    if item.disputed <= 0 or planned.channel not in CUSTOMER_CHANNELS:
        return []
    amount = min(item.disputed, item.open)
    return [Line(Part.IN_QUERY, amount, item.currency, item.key, own.label, item.due_date)]


def _is_severe(planned: Planned) -> bool:
    severe = (Channel.LETTER, Channel.HANDOVER)
    return planned.tone is Tone.FINAL or planned.channel in severe


def _part(item: ItemFacts, reason: Reason | None, kind: Kind, scene: Scene) -> Part:
    if reason is Reason.HOLD:
        return Part.IN_QUERY
    agreed = reason in (Reason.PROMISED, Reason.PLAN) and kind not in AGREED
    if agreed or not is_overdue(item, scene.today):
        return Part.NOT_YET_DUE
    return Part.PLEASE_PAY


def _against(
    planned: Planned,
    lines: Sequence[Line],
    reasons: Iterable[tuple[ItemKey, Reason | None]],
    scene: Scene,
) -> Reason | None:
    """Why nothing is left to send: the reason of the first item it was sent for."""
    own = {line.key for line in planned.lines if line.completes}
    if planned.tone is Tone.COURTESY:
        if any(is_overdue(i, scene.today) and i.key in own for i in scene.facts.items):
            return Reason.LAPSED
        if scene.asking:
            return Reason.OVERDUE_FIRST
    if any(line.completes for line in lines):
        return None
    why = [reason for key, reason in reasons if key in own or not own]
    asks = any(line.part is Part.PLEASE_PAY and line.amount > 0 for line in lines)
    if not own and asks:
        return None
    waits = any(i.key in own and not is_overdue(i, scene.today) for i in scene.facts.items)
    otherwise = Reason.NOT_DUE if waits else Reason.PAID  # its date was corrected meanwhile
    return next((reason for reason in why if reason is not None), otherwise)
