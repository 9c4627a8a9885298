"""Every outcome of PROTOCOL §4 as a row of one table: how close it came, what it does.

The sentence of a row is what the person reads before saving; the days in it are those
that `dunning.outcomes.consequences` keeps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dunning.models import CallOutcome, Channel, ContactLevel, Promise
from dunning.outcomes.days import Days
from dunning.outcomes.tries import NUMBER_WRONG

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Group(StrEnum):
    """How the outcomes are laid out for the person who logs a call."""

    NOBODY = "Nobody reached"
    PAYING = "They will pay"
    MISSING = "Something is missing"
    NOT_PAYING = "They do not or cannot pay"
    STOP = "Everything stops"
    VISIT = "Visit"


@dataclass(frozen=True, slots=True)
class Row:
    """One outcome. `makes` tells whether the planned call is done by it (rule 4)."""

    outcome: CallOutcome
    group: Group
    level: ContactLevel
    says: str
    makes: bool = True


NONE, THIRD, RIGHT = ContactLevel.NONE, ContactLevel.THIRD, ContactLevel.RIGHT
O = CallOutcome  # noqa: E741  # the table below is read by its columns

ROWS: tuple[Row, ...] = (
    Row(
        O.NO_ANSWER,
        Group.NOBODY,
        NONE,
        "We try again on {retry}. Three tries on two days make the call done.",
        makes=False,
    ),
    Row(
        O.BUSY,
        Group.NOBODY,
        NONE,
        "We try again on {retry}. Three tries on two days make the call done.",
        makes=False,
    ),
    Row(O.VOICEMAIL, Group.NOBODY, NONE, "The call is done. We try again on {message_retry}."),
    Row(O.MESSAGE, Group.NOBODY, THIRD, "The call is done. We try again on {message_retry}."),
    Row(
        O.WRONG_NUMBER,
        Group.NOBODY,
        NONE,
        "The number is marked invalid, and a task asks for the right one.",
        makes=False,
    ),
    Row(
        O.DISCONNECTED,
        Group.NOBODY,
        NONE,
        "The number is marked invalid, and a task asks for the right one.",
        makes=False,
    ),
    Row(O.CALL_BACK, Group.NOBODY, RIGHT, "A task at that time. All steps wait until that day."),
    Row(
        O.PROMISE,
        Group.PAYING,
        RIGHT,
        "Steps wait until the date and {grace} business days more. Not paid by then, a call comes "
        "first. The latest date is {promise_latest}; beyond it, agree a plan.",
    ),
    Row(
        O.SAYS_PAID,
        Group.PAYING,
        RIGHT,
        "Steps wait until {says_paid}. A task asks for the remittance advice.",
    ),
    Row(O.WAITING_APPROVAL, Group.PAYING, RIGHT, "Steps wait until the date you enter."),
    Row(O.PAYMENT_RUN, Group.PAYING, RIGHT, "Steps wait until the day of the payment run."),
    Row(
        O.NOT_RECEIVED,
        Group.MISSING,
        RIGHT,
        "The invoices are sent again to the address below. The next step waits until {resent}.",
    ),
    Row(
        O.WRONG_PERSON,
        Group.MISSING,
        RIGHT,
        "The new contact takes the place of the old one and gets the invoices again.",
    ),
    Row(
        O.NEEDS_DOCUMENT,
        Group.MISSING,
        RIGHT,
        "A task to send it today. Steps wait until {document}; the wait does not escalate.",
    ),
    Row(
        O.DISPUTES,
        Group.NOT_PAYING,
        RIGHT,
        "The disputed amount leaves the follow-up until it is resolved, by {dispute_target}.",
    ),
    Row(
        O.ASKS_PLAN,
        Group.NOT_PAYING,
        RIGHT,
        "A plan is drafted, and a task asks to agree it. Steps wait for us until {plan}.",
    ),
    Row(
        O.CANNOT_PAY,
        Group.NOT_PAYING,
        RIGHT,
        "The reason goes on file. A task asks to offer a plan or to escalate.",
    ),
    Row(
        O.REFUSES,
        Group.NOT_PAYING,
        RIGHT,
        "The next step comes on its day. The owner is asked whether to escalate.",
    ),
    Row(
        O.HUNG_UP,
        Group.NOT_PAYING,
        NONE,
        "The next step comes on its day. The owner is asked whether to escalate.",
    ),
    Row(
        O.DO_NOT_CALL,
        Group.NOT_PAYING,
        RIGHT,
        "Nobody calls this contact again; e-mail and letters go on.",
    ),
    Row(
        O.REPRESENTED,
        Group.STOP,
        RIGHT,
        "Everything stops, also what is planned. The owner decides what comes next.",
    ),
    Row(
        O.INSOLVENT,
        Group.STOP,
        RIGHT,
        "Everything stops, also what is planned. The owner decides what comes next.",
    ),
    Row(
        O.DECEASED,
        Group.STOP,
        RIGHT,
        "Everything stops, also what is planned. The owner decides what comes next.",
    ),
    Row(
        O.COLLECTED,
        Group.VISIT,
        RIGHT,
        "A task asks to book the cheque today. Steps wait until {document}.",
    ),
    Row(O.NOT_COLLECTED, Group.VISIT, NONE, "The visit is done. The next step comes on its day."),
)
TABLE: Mapping[CallOutcome, Row] = {row.outcome: row for row in ROWS}
VISITS = frozenset({O.COLLECTED, O.NOT_COLLECTED})
ONLY_ON_VISITS = VISITS
NOT_ON_VISITS = frozenset({O.NO_ANSWER, O.BUSY, O.VOICEMAIL, O.HUNG_UP, *NUMBER_WRONG})


NOT_IN_WRITING = frozenset({O.NO_ANSWER, O.BUSY, O.VOICEMAIL, O.MESSAGE, O.HUNG_UP})


def outcomes_of(channel: str) -> tuple[Row, ...]:
    """The outcomes that a call, a visit, or a message of theirs can have."""
    if channel == Channel.VISIT:
        unfit = NOT_ON_VISITS
    elif channel == Channel.EMAIL:
        unfit = ONLY_ON_VISITS | NOT_IN_WRITING | NUMBER_WRONG
    else:
        unfit = ONLY_ON_VISITS
    return tuple(row for row in ROWS if row.outcome not in unfit)


def consequence(outcome: CallOutcome, days: Days) -> str:
    """What saving this outcome will do, in one or two sentences with its days."""
    return TABLE[outcome].says.format(
        retry=_moment(days.retry_at),
        message_retry=say_day(days.message_retry_on),
        grace=days.promise_grace,
        promise_latest=say_day(days.promise_latest),
        says_paid=say_day(days.says_paid_until),
        resent=say_day(days.resent_until),
        document=say_day(days.document_until),
        dispute_target=say_day(days.dispute_target),
        plan=say_day(days.plan_until),
    )


def say_day(day: date) -> str:
    """`21 Nov 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def promise_words(promise: Promise) -> str:
    """How a promise stands or ended, with its part: "Broke the promise of 20 Mar 2026: …"."""
    return promise.words


def _moment(at: datetime) -> str:
    return f"{say_day(at.date())} at {at:%H:%M}"
