"""The words of the policy: tones, channels, states, kinds; what an item and a day are."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

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
    PROMISE_CONFIRMED = "promise_confirmed"
    PROMISE_NUDGE = "promise_nudge"
    PLAN_CONFIRMED = "plan_confirmed"
    MANUAL = "manual"
    ANSWER = "answer"
    INBOUND = "inbound"


AGREED = frozenset({Kind.PROMISE_CONFIRMED, Kind.PROMISE_NUDGE, Kind.PLAN_CONFIRMED})
"""Kinds that speak of what was agreed: no contact under the pace, and no demand."""


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
