"""Rule 2: how soon after the last contact the next one may follow."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from dunning.policy.reasons import Reason
from dunning.policy.types import (
    Contact,
    CustomerFacts,
    PolicySettings,
)
from dunning.policy.words import (
    AGREED,
    CUSTOMER_CHANNELS,
    Channel,
    ItemKey,
    Kind,
    Result,
    State,
    Tone,
)

EXEMPT = AGREED | {
    Kind.STATEMENT,
    Kind.THANKS,
    Kind.CALL_BACK,
    Kind.RESEND,
    Kind.ANSWER,
    Kind.INBOUND,
}
FOLLOW_UPS = frozenset({Kind.PROMISE_FOLLOW_UP})
COUNTED_STATES = frozenset({State.PLANNED, State.CLAIMED, State.SENDING, State.SENT, State.UNKNOWN})
WEEK = timedelta(days=7)


class Wait(NamedTuple):
    """The first day the next contact may be made, and why."""

    until: date
    because: Reason


def is_contact(contact: Contact) -> bool:
    """Courtesies, copies, thanks, internal notices and unanswered calls are no contact."""
    if contact.kind in EXEMPT or contact.kind in FOLLOW_UPS:
        return False
    if contact.channel not in CUSTOMER_CHANNELS or contact.state not in COUNTED_STATES:
        return False
    if contact.tone is Tone.COURTESY or contact.result is Result.BOUNCED:
        return False
    return contact.result is not Result.NO_CONTACT


def next_contact(
    facts: CustomerFacts, rules: PolicySettings, lead: ItemKey, tone: Tone, today: date
) -> Wait | None:
    """When a contact led by *lead* in *tone* may be made, if not today.

    A courtesy is no contact and waits for none; only the weekly cap holds it.
    """
    waits = [] if tone is Tone.COURTESY else _waits(facts, rules, lead, tone)
    if _messages_in_week(facts.history, today) >= facts.settings.messages_in_seven_days:
        waits.append(Wait(today + timedelta(days=1), Reason.WEEKLY_CAP))
    latest = max(waits, key=lambda wait: wait.until, default=None)
    return latest if latest is not None and latest.until > today else None


def _waits(facts: CustomerFacts, rules: PolicySettings, lead: ItemKey, tone: Tone) -> list[Wait]:
    ours = [c for c in facts.history if is_contact(c) and not c.other_account]
    theirs = [c for c in facts.history if is_contact(c) and c.other_account]
    waits = [
        Wait(_after(last, facts, rules, lead, tone), because)
        for last, because in (
            (_newest(ours), Reason.PACE),
            (_newest(theirs), Reason.PACE_ADDRESS),
        )
        if last is not None
    ]
    replied = _after_reply(facts, rules, _newest(ours))
    return waits if replied is None else [*waits, replied]


def _newest(contacts: Iterable[Contact]) -> Contact | None:
    return max(contacts, key=lambda c: (c.on, c.tone.rank), default=None)


def _after(
    last: Contact, facts: CustomerFacts, rules: PolicySettings, lead: ItemKey, tone: Tone
) -> date:
    """5 business days for the same item or a higher tone, else 10."""
    sooner = last.lead == lead or tone.rank > last.tone.rank
    wait = rules.pace_same_business_days if sooner else rules.pace_other_business_days
    return facts.calendar.add(last.on, wait)


def _after_reply(facts: CustomerFacts, rules: PolicySettings, last: Contact | None) -> Wait | None:
    """An inbound contact delays at most once between two of ours: the first one does."""
    inbound = [
        c.on for c in facts.history if c.kind is Kind.INBOUND and (last is None or c.on >= last.on)
    ]
    if not inbound:
        return None
    return Wait(facts.calendar.add(min(inbound), rules.pace_same_business_days), Reason.REPLIED)


def _messages_in_week(history: Iterable[Contact], today: date) -> int:
    """Automatic messages in seven days, courtesies included (D10)."""
    return sum(
        1
        for c in history
        if c.channel is Channel.EMAIL
        and c.kind is not Kind.INBOUND
        and c.state in COUNTED_STATES
        and today - WEEK < c.on <= today
    )
