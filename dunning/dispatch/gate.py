"""The last look: one gate for the batch, the beat and the button.

Everything is read again under the customer's lock, which payments, disputes, promises and
holds take too; the row goes to *sending* in the same transaction (DELIVERY §3.5).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from arfollow.staff.models import Company
from dunning.delivery import truth
from dunning.delivery.envelope import NoRecipient
from dunning.delivery.mime import BadAddress
from dunning.delivery.render import digest_of
from dunning.facts import Ground
from dunning.models import (
    AttemptState,
    Channel,
    ContactAttempt,
    FrozenMessage,
    HeldFor,
)
from dunning.outbox import SendTimes, in_window, next_slot, switches, taken_days, zone_of
from dunning.outbox.calendars import customer_calendar, our_calendar
from dunning.policy import Reason, sentence
from dunning.policy.recheck import NOT_NOW

WEEK = timedelta(days=7)
ON_ITS_WAY = (AttemptState.SENDING, AttemptState.SENT, AttemptState.UNKNOWN)


class Answer(StrEnum):
    """What the gate says."""

    GO = "go"
    RENDER = "render"
    WAIT = "wait"
    HOLD = "hold"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer and, where it is not *go*, why, in words."""

    answer: Answer
    code: str = ""
    text: str = ""
    held_for: HeldFor = HeldFor.NOTHING
    until: datetime | None = None


GO = Verdict(Answer.GO)


def local_day(attempt: ContactAttempt, company: Company, now: datetime) -> date:
    """The date it is for the customer (ours for an internal notice)."""
    internal = attempt.channel == Channel.INTERNAL
    zone = zone_of(SendTimes.of(company), "" if internal else attempt.customer.time_zone)
    return now.astimezone(zone).date()


def can_send(
    attempt: ContactAttempt,
    company: Company,
    *,
    now: datetime,
    ground: Ground | None = None,
    override: str = "",
) -> Verdict:
    """Whether this attempt may leave at this moment; call it under the customer's lock.

    ``override`` is a person's typed reason for a message of their own: it lifts the sending
    window and the caps, never a brake, a stop of the law, a dead address, a paid invoice or
    an unknown delivery.
    """
    braked = switches.brake_on(attempt, company)
    if braked:
        return Verdict(Answer.HOLD, Reason.PAUSED, braked, HeldFor.PAUSE)
    today = local_day(attempt, company, now)
    verdict = (
        _unsettled(attempt)
        or _untrue(attempt, today, ground)
        or _unaddressed(attempt, company, today)
    )
    if verdict is not None:
        return verdict
    if override or not attempt.automatic:
        return GO
    return _not_now(attempt, company, now, today) or GO


def _unsettled(attempt: ContactAttempt) -> Verdict | None:
    """While an earlier message may or may not have left, no further one goes (rule of §3.2)."""
    open_ones = ContactAttempt.objects.filter(
        customer_id=attempt.customer_id, state=AttemptState.UNKNOWN, channel=Channel.EMAIL
    )
    if attempt.channel != Channel.EMAIL or not open_ones.exclude(pk=attempt.pk).exists():
        return None
    return _cancel(Reason.UNKNOWN_DELIVERY)


def _untrue(attempt: ContactAttempt, today: date, ground: Ground | None) -> Verdict | None:
    """Shrinks the message to what is still true; nothing left means cancel (L5)."""
    found = truth.refresh(attempt, today=today, ground=ground)
    if found.reason is None:
        return None
    if found.reason in NOT_NOW:
        held = HeldFor.STALE if found.reason is Reason.STALE_DATA else HeldFor.PAUSE
        return Verdict(Answer.HOLD, found.reason, sentence(found.reason), held)
    return _cancel(found.reason)


def _unaddressed(attempt: ContactAttempt, company: Company, today: date) -> Verdict | None:
    """Nobody to write to, or frozen bytes that say something else by now."""
    try:
        wanted = digest_of(attempt, company, today=today)
    except (NoRecipient, BadAddress) as error:
        if company.shadow_mode and not company.shadow_email:
            return Verdict(Answer.HOLD, Reason.PAUSED, str(error), HeldFor.PAUSE)
        return Verdict(Answer.CANCEL, "no_recipient", str(error))
    if FrozenMessage.objects.filter(attempt=attempt, facts_digest=wanted).exists():
        return None
    return Verdict(Answer.RENDER)


def _cancel(reason: Reason) -> Verdict:
    return Verdict(Answer.CANCEL, reason, sentence(reason))


def _not_now(
    attempt: ContactAttempt, company: Company, now: datetime, today: date
) -> Verdict | None:
    """The sending window and the caps move an automatic message to a later slot."""
    internal = attempt.channel == Channel.INTERNAL
    times = SendTimes.of(company)
    zone = zone_of(times, "" if internal else attempt.customer.time_zone)
    calendar = our_calendar(company) if internal else customer_calendar(attempt.customer)
    why = ""
    if not in_window(times, zone=zone, calendar=calendar, moment=now):
        why = "Outside the sending window."
    elif attempt.customer_facing and not attempt.exempt:
        why = _capped(attempt, company, today)
    if not why:
        return None
    moved = not why.startswith("Outside")
    taken = {today} if moved else frozenset()
    slot = next_slot(times, zone=zone, calendar=calendar, now=now - times.undo, taken=taken)
    return Verdict(Answer.WAIT, "later", why, until=slot.due_at)


def _capped(attempt: ContactAttempt, company: Company, today: date) -> str:
    """Caps of rule 2 and D10: per customer in seven days, per mailbox and day."""
    others = ContactAttempt.objects.filter(
        automatic=True,
        customer_facing=True,
        exempt=False,
        channel=Channel.EMAIL,
        state__in=ON_ITS_WAY,
    ).exclude(pk=attempt.pk)
    same_day = taken_days(attempt.customer_id, attempt.channel, today, but=attempt.pk)
    if today in same_day:
        return "The customer gets another message today."
    recent = others.filter(customer_id=attempt.customer_id, local_date__gt=today - WEEK)
    if recent.count() >= company.weekly_cap:
        return sentence(Reason.WEEKLY_CAP)
    addresses = attempt.recipients.values_list("address", flat=True)
    mailbox = Q(recipients__address__in=list(addresses), local_date=today)
    if others.filter(mailbox).exclude(customer_id=attempt.customer_id).exists():
        return sentence(Reason.PACE_ADDRESS)
    return ""
