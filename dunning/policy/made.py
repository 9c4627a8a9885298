"""What counts as a contact made, a response, a conversation (rules 2, 4 and 6)."""

from collections.abc import Iterable
from datetime import date, timedelta

from dunning.policy.types import (
    Contact,
    CustomerFacts,
    DoneStep,
    ItemFacts,
    Step,
)
from dunning.policy.words import (
    AGREED,
    Channel,
    Condition,
    Kind,
    Result,
    State,
    Tone,
)

CALL_ATTEMPTS, CALL_DAYS = 3, 2
CALLS_A_WEEK = 3
NO_DEMAND = AGREED | {Kind.STATEMENT, Kind.THANKS, Kind.RESEND, Kind.ANSWER}


def is_made(row: DoneStep, today: date, facts: CustomerFacts) -> bool:
    """Right-party conversation, delivered letter, or e-mail delivered, or accepted and not
    bounced within three business days (rule 6)."""
    if row.state is not State.SENT or row.kind in NO_DEMAND or row.tone is Tone.COURTESY:
        return False
    if row.channel in (Channel.CALL, Channel.VISIT):
        return row.result is Result.RIGHT_PARTY
    if row.channel is Channel.LETTER:
        return row.result is Result.DELIVERED
    if row.channel is not Channel.EMAIL:
        return False
    if row.result is Result.DELIVERED:
        return True
    wait = facts.settings.accepted_counts_business_days
    settled = facts.calendar.add(row.done_on or row.on, wait)
    return row.result in (Result.ACCEPTED, Result.NONE) and today >= settled


def contacts_made(item: ItemFacts, today: date, facts: CustomerFacts) -> int:
    """Contacts that listed the item and reached the customer; actions of one day are one each."""
    rows = [row for row in item.history if row.cycle == item.cycle]
    made = {(row.attempt_id, row.on, row.channel) for row in rows if is_made(row, today, facts)}
    return len(made)


def responded_since(facts: CustomerFacts, day: date | None) -> bool:
    """Whether they wrote, called or talked to us on that day or later."""
    return day is not None and any(
        contact.on >= day and is_response(contact) for contact in facts.history
    )


def is_response(contact: Contact) -> bool:
    """An inbound contact (auto-replies are never recorded as such) or a conversation."""
    return contact.kind is Kind.INBOUND or is_conversation(contact)


def is_conversation(contact: Contact) -> bool:
    """A call or visit that reached the right person."""
    if contact.other_account or contact.state is not State.SENT:
        return False
    by_voice = contact.channel in (Channel.CALL, Channel.VISIT)
    return by_voice and contact.result is Result.RIGHT_PARTY


def conversation_covers(item: ItemFacts, step: Step, facts: CustomerFacts, today: date) -> bool:
    """Below direct, one conversation in 20 business days covers younger items' calls (rule 2)."""
    if step.tone.rank >= Tone.DIRECT.rank:
        return False
    return any(
        is_conversation(contact)
        and (contact.lead_due is None or contact.lead_due < item.due_date)
        and contact.lead != item.key
        and today <= facts.calendar.add(contact.on, 20)
        for contact in recent(facts.history, today, days=60)
    )


def recent(history: Iterable[Contact], today: date, *, days: int) -> list[Contact]:
    """Contacts of the last so many calendar days."""
    since = today - timedelta(days=days)
    return [contact for contact in history if since <= contact.on <= today]


def final_sent_on(item: ItemFacts) -> date | None:
    """The day of the final demand that listed the item, if one left."""
    days = [
        row.done_on or row.on
        for row in item.history
        if row.tone is Tone.FINAL and row.state is State.SENT and (row.completes or row.taken)
    ]
    return max(days, default=None)


def holds(
    condition: Condition, item: ItemFacts, last_on: date | None, facts: CustomerFacts, today: date
) -> bool:
    """Whether a step's or action's condition is met for the item today."""
    if condition is Condition.NO_RESPONSE:
        return not responded_since(facts, last_on)
    if condition is Condition.NO_INBOUND_SINCE_FINAL:
        return not responded_since(facts, final_sent_on(item))
    return contacts_made(item, today, facts) >= facts.settings.contacts_for_gate


def call_is_done(days: Iterable[date], *, reached: bool) -> bool:
    """A conversation, a message left, or three attempts on two different days (rule 4)."""
    tries = list(days)
    return reached or (len(tries) >= CALL_ATTEMPTS and len(set(tries)) >= CALL_DAYS)


def may_call_again(tries: Iterable[date], today: date) -> bool:
    """Unanswered calls: at most one a day and three a week (rule 2)."""
    week = [day for day in tries if today - timedelta(days=6) <= day <= today]
    return today not in week and len(week) < CALLS_A_WEEK
