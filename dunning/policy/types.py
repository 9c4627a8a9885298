"""The words of the policy as plain values: what decide() reads and what it answers.

Everything is frozen and free of Django, so that the same facts come from the database,
from a story test or from a simulation. Dates are days of the customer's calendar; money
is Decimal with its currency beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from dunning.policy.reasons import Reason

ZERO = Decimal("0.00")


class Tone(StrEnum):
    """How a message speaks; in order, softest first. ``internal`` never reaches a customer."""

    COURTESY = "courtesy"
    FRIENDLY = "friendly"
    FIRM = "firm"
    DIRECT = "direct"
    URGENT = "urgent"
    FINAL = "final"
    INTERNAL = "internal"

    @property
    def rank(self) -> int:
        """0 for courtesy up to 5 for final; internal ranks below all of them."""
        return TONE_RANK[self]


TONE_RANK = {tone: number for number, tone in enumerate(Tone)} | {Tone.INTERNAL: -1}


class Channel(StrEnum):
    EMAIL = "email"
    CALL = "call"
    LETTER = "letter"
    VISIT = "visit"
    INTERNAL = "internal"
    HANDOVER = "handover"


CUSTOMER_CHANNELS = frozenset({Channel.EMAIL, Channel.CALL, Channel.LETTER, Channel.VISIT})


class State(StrEnum):
    """States of a contact attempt (DELIVERY 3.2)."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    HELD = "held"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class Result(StrEnum):
    """How far a contact got; what counts as made is rule 6."""

    NONE = ""
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    RIGHT_PARTY = "right_party"
    THIRD_PARTY = "third_party"
    NO_CONTACT = "no_contact"
    RETURNED = "returned"


class Kind(StrEnum):
    """Why a contact attempt exists."""

    LADDER = "ladder"
    STATEMENT = "statement"
    PROMISE_FOLLOW_UP = "promise_follow_up"
    ASK_RECEIVED = "ask_received"
    CALL_BACK = "call_back"
    RESEND = "resend"
    THANKS = "thanks"
    MANUAL = "manual"
    INBOUND = "inbound"


class Part(StrEnum):
    """The three parts of a notice's table (rule 3)."""

    PLEASE_PAY = "please_pay"
    IN_QUERY = "in_query"
    NOT_YET_DUE = "not_yet_due"


class Condition(StrEnum):
    """When a step or action applies; where it is false, "not needed" is recorded."""

    NO_RESPONSE = "no_response"
    NO_INBOUND_SINCE_FINAL = "no_inbound_since_final"
    THREE_CONTACTS_MADE = "three_contacts_made"


class Reference(StrEnum):
    """The day a policy counts from."""

    DUE_DATE = "due_date"
    LATER_OF_ISSUE_AND_DUE_LESS_21 = "later_of_issue_and_due_less_21"


class TaskKind(StrEnum):
    ASK_ADDRESS = "ask_address"
    FIND_NUMBER = "find_number"
    FIND_CONTACT = "find_contact"
    ALLOCATE_OR_REFUND = "allocate_or_refund"
    LADDER_END = "ladder_end"
    AGREE_PLAN = "agree_plan"
    READ_REPLY = "read_reply"
    DECIDE = "decide"
    CHECK_DELIVERY = "check_delivery"
    OWNER_DECIDES = "owner_decides"


class ItemKey(NamedTuple):
    """An open item: an invoice (instalment_no 0) or one of its instalments."""

    invoice_id: int
    instalment_no: int = 0


class Interval(NamedTuple):
    """Days from *start* up to and including *end*; *end* None is still running."""

    start: date
    end: date | None


class Workdays(Protocol):
    """What the policy needs of a calendar (arfollow.shared.workdays.Calendar has it)."""

    def is_business_day(self, day: date) -> bool: ...
    def roll_forward(self, day: date) -> date: ...
    def add(self, day: date, count: int) -> date: ...
    def previous(self, day: date) -> date: ...


# --- the policy -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a step does; ``action_key`` is permanent within its step."""

    action_key: str
    channel: Channel
    role: str = "payables"
    approval: bool = False
    certified: bool = False
    conditions: tuple[Condition, ...] = ()
    also_escalation: bool = False
    offers_plan: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A rung: *day* counts from the policy's reference date; repeats carry their own number."""

    step_key: str
    day: int
    tone: Tone
    actions: tuple[Action, ...]
    conditions: tuple[Condition, ...] = ()
    repeat_every: int = 0
    repeat_limit: int = 1
    must_contain: tuple[str, ...] = ()

    @property
    def is_severe(self) -> bool:
        """Final demand, letter or hand-over (rule 6)."""
        severe = (Channel.LETTER, Channel.HANDOVER)
        return self.tone is Tone.FINAL or any(a.channel in severe for a in self.actions)


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What a policy decides beside its steps. Amounts are in the item's own currency."""

    early_first_step: bool = False
    one_message_per_invoice: bool = False
    statements_monthly: bool = False
    offer_plan: bool = True
    pause_min_business_days: int = 5
    pause_max_days: int = 14
    pace_same_business_days: int = 5
    pace_other_business_days: int = 10
    conversation_business_days: int = 20
    interest_per_contract: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    steps: tuple[Step, ...]
    reference: Reference = Reference.DUE_DATE
    settings: PolicySettings = field(default_factory=PolicySettings)
    version: int = 1
    description: str = ""

    def step(self, step_key: str) -> Step | None:
        """The step with this permanent key, or None where this version lacks it."""
        return next((s for s in self.steps if s.step_key == step_key), None)


@dataclass(frozen=True, slots=True)
class Settings:
    """Company defaults (PROTOCOL section 2, last paragraph)."""

    tolerance: Decimal = Decimal("1.00")
    promise_grace_business_days: int = 2
    promise_max_in_row: int = 2
    promise_max_days: int = 30
    says_paid_days: int = 5
    freshness_business_days: int = 3
    after_payment_business_days: int = 2
    ask_received_business_days: int = 10
    minimum_amount: Decimal = Decimal("25.00")
    agency_minimum: Decimal = Decimal("250.00")
    call_lapses_business_days: int = 5
    letter_wait_business_days: int = 10
    accepted_counts_business_days: int = 3
    contacts_for_gate: int = 3
    final_once_in_days: int = 60
    final_takes_from_days: int = 30
    final_legal_days: int = 14
    final_legal_days_by: Mapping[tuple[str, str], int] = field(
        default_factory=lambda: {("GB", "consumer"): 30, ("GB", "sole_trader"): 30}
    )
    messages_in_seven_days: int = 3
    failures_before_stop: int = 3
    payment_data_as_of: date | None = None
    paused: bool = False
    our_calendar: Workdays | None = None


# --- the facts --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DoneStep:
    """One row of an item's history: an attempt (or a skip record) that completed or listed it.

    ``on`` is the day it was planned for, ``done_on`` the day it was sent, logged or posted,
    ``delivered_on`` the day a certified letter arrived, came back or was given up.
    ``tone`` is the message's, which may be higher than the step's. ``completes`` is False
    where the item only rode along; ``taken`` marks items that a final demand took (rule 6).
    ``offset`` is the step's day when it was taken, for policies edited since. A declined
    approval is a cancelled row with ``skip`` DECLINED, and ``again_on`` where a date was set.
    """

    step_key: str
    action_key: str
    channel: Channel
    state: State
    on: date
    repeat: int = 0
    cycle: int = 1
    done_on: date | None = None
    delivered_on: date | None = None
    skip: Reason | None = None
    tone: Tone = Tone.FRIENDLY
    pay_by: date | None = None
    result: Result = Result.NONE
    completes: bool = True
    taken: bool = False
    offset: int | None = None
    again_on: date | None = None
    kind: Kind = Kind.LADDER
    attempt_id: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of the customer's history, ours or (``kind`` inbound) theirs.

    ``other_account`` marks a contact that reached the same mailbox for another account.
    """

    on: date
    channel: Channel
    tone: Tone
    lead: ItemKey | None = None
    kind: Kind = Kind.LADDER
    result: Result = Result.NONE
    state: State = State.SENT
    other_account: bool = False
    lead_due: date | None = None


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One open item. ``open`` less ``disputed`` is collectible.

    ``start_step`` is where an imported item starts, ``chased_on`` when it was last chased
    before; ``skipped_since`` the day on which a newer item was paid and this one was not.
    """

    key: ItemKey
    number: str
    issue_date: date
    due_date: date
    currency: str
    open: Decimal
    disputed: Decimal = ZERO
    dispute_open: bool = False
    dispute_settled_on: date | None = None
    history: tuple[DoneStep, ...] = ()
    start_step: str = ""
    chased_on: date | None = None
    cycle: int = 1
    clock_stops: tuple[Interval, ...] = ()
    skipped_since: date | None = None
    policy: Policy | None = None

    @property
    def collectible(self) -> Decimal:
        """Open less disputed, never below zero."""
        return max(self.open - self.disputed, ZERO)


@dataclass(frozen=True, slots=True)
class CreditFacts:
    """A credit note or unapplied cash, as a positive amount not yet used."""

    amount: Decimal
    currency: str
    label: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """One person at the customer: which roles they hold and how they can be reached."""

    contact_id: int
    roles: frozenset[str]
    may_email: bool = False
    may_call: bool = False


@dataclass(frozen=True, slots=True)
class HoldFacts:
    """A hold; ``items`` empty means the whole customer, ``ours`` that our side causes it."""

    reason: str
    start: date
    until: date | None = None
    ours: bool = False
    items: frozenset[ItemKey] = frozenset()


@dataclass(frozen=True, slots=True)
class PromiseFacts:
    """A promise to pay; ``in_row`` counts promises since the last kept one, from 1."""

    promise_id: int
    made_on: date
    due_on: date
    amount: Decimal = ZERO
    state: str = "open"
    items: frozenset[ItemKey] = frozenset()
    in_row: int = 1
    followed_up: bool = False
    follow_up_open_since: date | None = None
    follow_up_attempt_id: int = 0


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A payment plan; ``missed_on`` is the due day of its oldest unpaid, fallen-due instalment."""

    state: str = "active"
    items: frozenset[ItemKey] = frozenset()
    missed_on: date | None = None


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """Everything decide() may know about one customer on one day."""

    customer_id: int
    number: str
    calendar: Workdays
    items: tuple[ItemFacts, ...] = ()
    country: str = ""
    language: str = "en"
    legal_type: str = "company"
    contacts: tuple[ContactFacts, ...] = ()
    postal_ok: bool = False
    history: tuple[Contact, ...] = ()
    holds: tuple[HoldFacts, ...] = ()
    promises: tuple[PromiseFacts, ...] = ()
    plans: tuple[PlanFacts, ...] = ()
    credits: tuple[CreditFacts, ...] = ()
    quiet: tuple[Interval, ...] = ()
    last_payment_on: date | None = None
    unread_replies: int = 0
    last_statement_on: date | None = None
    legal_stop: str = ""
    placed: bool = False
    direct_debit_until: date | None = None
    opted_out_soft: bool = False
    cannot_pay_reason: str = ""
    paused: bool = False
    settings: Settings = field(default_factory=Settings)


# --- the answer -------------------------------------------------------------------------


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
    """One contact attempt for one customer and channel, with its table."""

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
