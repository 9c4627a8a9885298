"""Where one item stands on its policy: which rung is next, and what of ours is still open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from dunning.policy.reasons import Reason
from dunning.policy.types import (
    Action,
    DoneStep,
    ItemFacts,
    Policy,
    Settings,
    Step,
)
from dunning.policy.words import (
    Channel,
    Kind,
    Result,
    State,
    Tone,
    Workdays,
)

BY_HAND = frozenset({Channel.CALL, Channel.VISIT})
OPEN_STATES = frozenset({State.PLANNED, State.CLAIMED, State.SENDING, State.HELD, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Rung:
    """A step, or one turn of a repeating step, with the day it counts from the reference."""

    step: Step
    repeat: int
    day: int

    @property
    def by_hand(self) -> bool:
        """Whether one of its actions needs our people at work (rule 5)."""
        by_hand = (Channel.CALL, Channel.VISIT, Channel.LETTER)
        return any(action.channel in by_hand for action in self.step.actions)

    @property
    def faces_customer(self) -> bool:
        """Whether any of its actions reaches the customer."""
        ours = (Channel.INTERNAL, Channel.HANDOVER)
        return any(action.channel not in ours for action in self.step.actions)


@dataclass(frozen=True, slots=True)
class Ladder:
    policy: Policy
    rungs: tuple[Rung, ...]
    places: dict[tuple[str, int], int] = field(hash=False)

    def place(self, row: DoneStep) -> int:
        """Index of the rung a history row belongs to; by its day where the step is gone."""
        found = self.places.get((row.step_key, row.repeat))
        if found is not None or row.offset is None:
            return -1 if found is None else found
        return max((n for n, r in enumerate(self.rungs) if r.day <= row.offset), default=-1)

    def start(self, step_key: str) -> int:
        """Index where an imported item starts: the chosen step, never above firm (rule 1)."""
        chosen = self.places.get((step_key, 0), 0)
        gentle = [n for n, r in enumerate(self.rungs) if 0 <= r.step.tone.rank <= Tone.FIRM.rank]
        return min(chosen, max(gentle, default=0))


@lru_cache(maxsize=256)
def ladder_of(policy: Policy) -> Ladder:
    """The policy's steps with repeats written out, in the order of their days."""
    rungs = [
        Rung(step, turn, step.day + turn * step.repeat_every)
        for step in policy.steps
        for turn in range(step.repeat_limit if step.repeat_every else 1)
    ]
    rungs.sort(key=lambda rung: rung.day)
    places = {(rung.step.step_key, rung.repeat): n for n, rung in enumerate(rungs)}
    return Ladder(policy, tuple(rungs), places)


@dataclass(frozen=True, slots=True)
class Position:
    """``next`` indexes the rung to take, ``len(rungs)`` at the end of the ladder.

    ``last_on`` is the day of the last step done, ``missing`` what is left of a rung that was
    begun, ``block`` why nothing may follow yet, ``lapsed`` calls and visits never made.
    """

    next: int
    last_on: date | None = None
    pay_by: date | None = None
    delivered_on: date | None = None
    highest: int = -1
    missing: tuple[Action, ...] | None = None
    block: Reason | None = None
    lapsed: tuple[DoneStep, ...] = ()


def is_open(row: DoneStep) -> bool:
    """Whether the attempt is on its way and may still happen."""
    return row.state in OPEN_STATES


def is_done(row: DoneStep) -> bool:
    """Sent and not bounced, or recorded instead; cancelled and failed attempts are void.

    A notice to ourselves is written once, whether or not it found a colleague's address.
    """
    if row.state is State.SKIPPED or row.channel is Channel.INTERNAL:
        return True
    return row.state is State.SENT and row.result is not Result.BOUNCED


def lapses(row: DoneStep, today: date, days: Workdays, settings: Settings) -> bool:
    """A call or visit unmade after five business days lapses (rule 4)."""
    if row.channel not in BY_HAND or row.state not in (State.PLANNED, State.HELD):
        return False
    return today >= days.add(row.on, settings.call_lapses_business_days)


def find_position(
    ladder: Ladder, item: ItemFacts, today: date, days: Workdays, settings: Settings
) -> Position:
    """Read the item's place from its history rows alone, so that it can always be rebuilt."""
    rows = [
        row
        for row in item.history
        if row.completes and row.cycle == item.cycle and row.kind is Kind.LADDER
    ]
    if not rows:
        return Position(next=ladder.start(item.start_step), last_on=item.chased_on)
    by_place: dict[int, list[DoneStep]] = {}
    for row in rows:
        by_place.setdefault(ladder.place(row), []).append(row)
    lapsed = tuple(row for row in rows if lapses(row, today, days, settings))
    top = max((n for n, found in by_place.items() if _is_taken(found)), default=None)
    current = max(by_place) if top is None else max(top, *by_place)
    here = _Here(ladder, current, by_place[current], today, days, settings)
    return Position(
        next=_next(here, top, item),
        last_on=_last_on(rows),
        pay_by=max((r.pay_by for r in rows if r.pay_by and _counts(r)), default=None),
        delivered_on=max((r.delivered_on for r in rows if r.delivered_on), default=None),
        highest=max((ladder.place(row) for row in rows if _counts(row)), default=-1),
        missing=_missing(here),
        block=_block(here),
        lapsed=lapsed,
    )


@dataclass(frozen=True, slots=True)
class _Here:
    """The highest rung with any row, and its rows."""

    ladder: Ladder
    place: int
    rows: Sequence[DoneStep]
    today: date
    days: Workdays
    settings: Settings

    @property
    def step(self) -> Step | None:
        return self.ladder.rungs[self.place].step if self.place >= 0 else None


def _is_taken(rows: Iterable[DoneStep]) -> bool:
    """Whether a rung was done, recorded or at least begun."""
    return any(is_done(row) or is_open(row) for row in rows)


def _counts(row: DoneStep) -> bool:
    return is_done(row) or is_open(row)


def _last_on(rows: Iterable[DoneStep]) -> date | None:
    """Day of the last step; a lapsed courtesy was no step and starts no pause."""
    days = [row.done_on or row.on for row in rows if _counts(row) and row.skip is not Reason.LAPSED]
    return max(days, default=None)


def _next(here: _Here, top: int | None, item: ItemFacts) -> int:
    """The rung after the highest one taken; a void or unfinished rung comes again."""
    if _missing(here) is not None:
        return here.place
    return here.ladder.start(item.start_step) if top is None else top + 1


def _missing(here: _Here) -> tuple[Action, ...] | None:
    """Actions of the rung that must be planned again, None where the rung is complete.

    One action that reached its end completes an ordinary rung; a severe one needs all.
    """
    if here.step is None:
        return None
    held = {row.action_key for row in here.rows if _counts(row)}
    if held and not here.step.is_severe:
        return None
    left = tuple(action for action in here.step.actions if action.action_key not in held)
    return left or None


def _block(here: _Here) -> Reason | None:
    """Why nothing may follow the rung yet (rule 4; DELIVERY 3.2)."""
    for row in here.rows:
        reason = _row_blocks(row, here)
        if reason is not None:
            return reason
    failures = sum(1 for row in here.rows if row.state is State.FAILED)
    stuck = failures >= here.settings.failures_before_stop and not _is_taken(here.rows)
    return Reason.DELIVERY_FAILED if stuck else None


def _row_blocks(row: DoneStep, here: _Here) -> Reason | None:
    if row.skip is Reason.DECLINED:
        again = row.again_on is not None and row.again_on <= here.today
        return None if again else Reason.DECLINED
    if row.channel in BY_HAND or row.channel is Channel.INTERNAL:
        return None
    if row.state is State.SENT and row.channel is Channel.LETTER:
        return Reason.LETTER_OPEN if _in_transit(row, here) else None
    return _waits_for(row) if is_open(row) else None


def _waits_for(row: DoneStep) -> Reason:
    if row.state is State.UNKNOWN:
        return Reason.UNKNOWN_DELIVERY
    if row.state is State.HELD:
        return Reason.AWAITING_APPROVAL if row.skip is None else Reason.HELD
    return Reason.LETTER_OPEN if row.channel is Channel.LETTER else Reason.QUEUED


def _in_transit(row: DoneStep, here: _Here) -> bool:
    """A certified letter blocks until delivered, returned or the end of the wait (FACTS 2)."""
    action = (
        next((a for a in here.step.actions if a.action_key == row.action_key), None)
        if (here.step)
        else None
    )
    if action is None or not action.certified or row.delivered_on is not None:
        return False
    wait = here.settings.letter_wait_business_days
    return here.today < here.days.add(row.done_on or row.on, wait)
