"""What comes next for a customer, when, and why; and what stops the rest."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from customers.models import Customer
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    FollowUp,
    FollowUpState,
    HeldFor,
    Inbound,
    SendSwitch,
    SwitchScope,
    Tone,
)
from dunning.views.steps import step_words

WAITING = (AttemptState.PLANNED, AttemptState.HELD)


@dataclass(frozen=True, slots=True)
class Next:
    """The next contact: what, on which day (and when it leaves), why, and its page."""

    what: str
    on: date
    why: str
    at: datetime | None = None
    attempt_id: int = 0
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """One reason why nothing further is sent, and for how many items."""

    text: str
    items: int = 0


def next_of(customer: Customer) -> Next | None:
    """What the outbox holds for them, else the first day of a follow-up; None for nothing."""
    return _planned(customer) or _followed(customer)


def _planned(customer: Customer) -> Next | None:
    rows = ContactAttempt.objects.filter(
        customer=customer, state__in=WAITING, customer_facing=True
    ).defer("content")
    first = rows.order_by("local_date", "pk").first()
    if first is None:
        return None
    waits = first.get_held_for_display().lower() if first.held_for else ""
    return Next(
        what=_words(first),
        on=first.local_date,
        why=first.reason_text,
        at=first.due_at if first.state == AttemptState.PLANNED else None,
        attempt_id=first.pk,
        waits_for="approval" if first.held_for == HeldFor.APPROVAL else waits,
    )


def _words(attempt: ContactAttempt) -> str:
    """``Firm e-mail``, ``Call``, ``Final letter``."""
    channel = Channel(attempt.channel).label.lower()
    if attempt.tone == Tone.INTERNAL or attempt.channel in (Channel.CALL, Channel.VISIT):
        return channel.capitalize()
    return f"{Tone(attempt.tone).label} {channel}"


def _followed(customer: Customer) -> Next | None:
    rows = FollowUp.objects.filter(customer=customer, next_on__isnull=False)
    first = rows.exclude(next_step="").select_related("invoice").order_by("next_on", "pk").first()
    if first is None or first.next_on is None:
        return None
    version = first.policy_version_id
    words = step_words([version]) if version else {}
    what = words.get((version or 0, first.next_step), first.next_step).partition(", day")[0]
    why = f"{first.reason_text} It is about invoice {first.invoice.number}.".strip()
    return Next(what.partition(", ")[0], first.next_on, why)


def stops_of(customer: Customer, today: date) -> list[Stop]:
    """Why nothing is sent, for the customer as a whole and for its items."""
    found = []
    if customer.legal_stop:
        found.append(Stop(f"{customer.get_legal_stop_display()}: nothing is sent."))
    switches = SendSwitch.objects.filter(
        scope=SwitchScope.CUSTOMER, target=str(customer.pk), on=True
    )
    found += [Stop(f"Sending is stopped: {switch.reason}") for switch in switches]
    if Inbound.objects.filter(customer=customer, read_at=None, auto_reply=False).exists():
        found.append(Stop("They wrote to us, and nobody has read it yet."))
    unknown = ContactAttempt.objects.filter(customer=customer, state=AttemptState.UNKNOWN)
    if unknown.exists():
        found.append(Stop("Whether a message left is not known; decide about it in the outbox."))
    if customer.direct_debit_until and customer.direct_debit_until >= today:
        found.append(Stop("A direct debit is pending."))
    return found + _of_items(customer)


def _of_items(customer: Customer) -> list[Stop]:
    rows = FollowUp.objects.filter(
        customer=customer, state__in=(FollowUpState.WAITING, FollowUpState.BLOCKED)
    )
    reasons = Counter(text for text in rows.values_list("reason_text", flat=True) if text)
    return [Stop(text, items) for text, items in reasons.most_common(5)]
