"""Rule 6: what must be true before a final demand, a letter of one, or a hand-over."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from dunning.policy.made import contacts_made
from dunning.policy.netting import Net
from dunning.policy.reasons import Reason
from dunning.policy.stops import Stop
from dunning.policy.types import (
    Contact,
    CustomerFacts,
    DoneStep,
    ItemFacts,
    Step,
)
from dunning.policy.words import (
    ZERO,
    Channel,
    State,
    TaskKind,
    Tone,
)

VOID = (State.CANCELLED, State.FAILED, State.SKIPPED)


def is_final(step: Step) -> bool:
    """Whether the step is a final demand."""
    return step.tone is Tone.FINAL


def is_handover(step: Step) -> bool:
    """Whether the step hands the account over."""
    return any(action.channel is Channel.HANDOVER for action in step.actions)


def severe_stop(
    item: ItemFacts, step: Step, net: Net, facts: CustomerFacts, today: date
) -> Stop | None:
    """The first gate a severe step does not pass yet."""
    if item.dispute_open or item.disputed > 0:
        return Stop(Reason.DISPUTED)
    if contacts_made(item, today, facts) < facts.settings.contacts_for_gate:
        return Stop(Reason.GATE, facts.calendar.add(today, 1), TaskKind.DECIDE)
    if net.amounts[item.key] < facts.settings.minimum_amount:
        return Stop(Reason.BELOW_MINIMUM, task=TaskKind.DECIDE)
    needs_address = any(action.channel is Channel.LETTER for action in step.actions)
    if needs_address and not facts.postal_ok:
        return Stop(Reason.NO_ADDRESS, task=TaskKind.ASK_ADDRESS)
    return _final_recent(facts, today) if is_final(step) else None


def _final_recent(facts: CustomerFacts, today: date) -> Stop | None:
    """One final demand per customer in 60 days."""
    last = last_final(facts)
    if last is None:
        return None
    again = last.on + timedelta(days=facts.settings.final_once_in_days)
    return Stop(Reason.FINAL_RECENT, again) if today < again else None


def last_final(facts: CustomerFacts) -> Contact | None:
    """The newest final demand that left, is on its way, or waits for approval."""
    finals = [
        contact
        for contact in facts.history
        if contact.tone is Tone.FINAL and contact.state not in VOID and not contact.other_account
    ]
    return max(finals, key=lambda contact: contact.on, default=None)


def was_taken(item: ItemFacts, facts: CustomerFacts, today: date) -> bool:
    """Whether the customer's recent final demand already took this item."""
    since = today - timedelta(days=facts.settings.final_once_in_days)
    return any(_took(row) and row.on > since for row in item.history if row.cycle == item.cycle)


def _took(row: DoneStep) -> bool:
    return row.taken and row.tone is Tone.FINAL and row.state is State.SENT


def handover_total(items: Iterable[ItemFacts], net: Net, currency: str) -> Decimal:
    """What a hand-over of these items amounts to in one currency."""
    return sum((net.amounts[i.key] for i in items if i.currency == currency), ZERO)
