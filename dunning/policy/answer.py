"""What decide() answers, as plain values: a decision for each item, attempts, records, tasks."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dunning.policy.reasons import Reason
from dunning.policy.words import (
    ZERO,
    Channel,
    ItemKey,
    Kind,
    Part,
    TaskKind,
    Tone,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one item today, and why.

    ``step_key`` is the step taken today, ``last_step`` the one done before it; ``next_on``
    the day the next step is due or the stop ends, None where a person's act ends it.
    """

    key: ItemKey
    reason: Reason
    step_key: str = ""
    next_step: str = ""
    next_on: date | None = None
    last_step: str = ""
    last_on: date | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a notice's table; a completing line moves its item's step.

    Credits are lines with ``key`` None and a negative amount.
    """

    part: Part
    amount: Decimal
    currency: str
    key: ItemKey | None = None
    label: str = ""
    due_date: date | None = None
    step_key: str = ""
    action_key: str = ""
    repeat: int = 0
    cycle: int = 1
    offset: int | None = None
    completes: bool = False
    taken: bool = False
    pay_by: date | None = None


@dataclass(frozen=True, slots=True)
class PlannedAttempt:
    """One contact attempt for one customer and channel, with its table.

    ``due_since`` is the day on which the leading item's step was due.
    """

    channel: Channel
    tone: Tone
    kind: Kind
    reason: Reason
    step_key: str = ""
    action_key: str = ""
    role: str = "payables"
    contact_id: int | None = None
    lead: ItemKey | None = None
    lines: tuple[Line, ...] = ()
    needs_approval: bool = False
    certified: bool = False
    also_escalation: bool = False
    offers_plan: bool = False
    deadline: date | None = None
    substitutes: Channel | None = None
    promise_id: int | None = None
    note: str = ""
    due_since: date | None = None

    @property
    def completing(self) -> tuple[Line, ...]:
        """The lines that move their item's step."""
        return tuple(line for line in self.lines if line.completes)

    def totals(self) -> dict[str, Decimal]:
        """What is asked for, per currency: the sum of the *please pay* lines, credits negative."""
        totals: dict[str, Decimal] = {}
        for line in self.lines:
            if line.part is Part.PLEASE_PAY:
                totals[line.currency] = totals.get(line.currency, ZERO) + line.amount
        return totals


@dataclass(frozen=True, slots=True)
class SkipRecord:
    """A step's action recorded instead of done, so that the ladder can be rebuilt."""

    key: ItemKey
    step_key: str
    action_key: str
    channel: Channel
    reason: Reason
    repeat: int = 0
    cycle: int = 1
    offset: int | None = None
    attempt_id: int = 0


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """Work for a person that ends a stop; ``key`` None concerns the whole customer."""

    kind: TaskKind
    reason: Reason
    key: ItemKey | None = None
    step_key: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole answer for one customer and day."""

    attempts: tuple[PlannedAttempt, ...] = ()
    decisions: tuple[Decision, ...] = ()
    skips: tuple[SkipRecord, ...] = ()
    tasks: tuple[TaskDraft, ...] = ()
    warnings: tuple[str, ...] = ()
