"""What decide() reads, as plain values: policies, settings and the facts of one customer.

Everything is frozen and free of Django, so that the same facts come from the database,
from a story test or from a simulation. Dates are days of the customer's calendar; money
is Decimal with its currency beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from dunning.policy.reasons import Reason
from dunning.policy.words import (
    ZERO,
    Channel,
    Condition,
    Interval,
    ItemKey,
    Kind,
    Reference,
    Result,
    State,
    Tone,
    Workdays,
)


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
    legal_stop: str = ""
    placed: bool = False
    direct_debit_until: date | None = None
    opted_out_soft: bool = False
    cannot_pay_reason: str = ""
    paused: bool = False
    settings: Settings = field(default_factory=Settings)
