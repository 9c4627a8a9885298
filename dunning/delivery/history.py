"""What happened before: contacts that reached them, and an account's history for colleagues."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from dunning.models import (
    AttemptItem,
    AttemptState,
    CallRecord,
    Channel,
    ContactAttempt,
    ContactLevel,
    FollowUp,
    ItemPart,
    ProviderStatus,
    StepAction,
    Tone,
)
from dunning.wording.formats import distinct, joined, short_date
from dunning.wording.notice import InternalFacts, PriorContact

LISTED = 12
"""Newest contacts that a message or a script names."""

NOT_REACHED = (ProviderStatus.BOUNCED, ProviderStatus.REJECTED, ProviderStatus.COMPLAINED)
WRITTEN = (Channel.EMAIL, Channel.LETTER)


def prior_contacts(attempt: ContactAttempt) -> tuple[PriorContact, ...]:
    """Earlier contacts about these items that reached the customer, oldest first (rule 6).

    A call script also lists what was sent and did not come back: the caller's evidence when
    they say that nothing arrived (R32).
    """
    earlier = _earlier(attempt)
    if attempt.channel not in (Channel.CALL, Channel.VISIT):
        earlier = earlier.filter(reached_on__isnull=False)
    rows = list(earlier.order_by("-done_on", "-pk")[:LISTED])
    spoken = _spoken([row.pk for row in rows])
    told = [_prior(row, spoken.get(row.pk)) for row in rows]
    return tuple(reversed([each for each in told if each is not None]))


def _earlier(attempt: ContactAttempt) -> QuerySet[ContactAttempt]:
    """Contacts of the customer that named one of this attempt's invoices."""
    items = AttemptItem.objects.filter(attempt=attempt, invoice__isnull=False)
    named = AttemptItem.objects.filter(invoice__in=items.values("invoice"))
    rows = ContactAttempt.objects.filter(
        customer_id=attempt.customer_id,
        state=AttemptState.SENT,
        customer_facing=True,
        shadowed=False,
        pk__in=named.values("attempt"),
    ).exclude(pk=attempt.pk)
    return rows.exclude(tone=Tone.COURTESY).exclude(provider_status__in=NOT_REACHED)


def _spoken(ids: Sequence[int]) -> dict[int, CallRecord]:
    found = CallRecord.objects.filter(attempt__in=ids).select_related("contact")
    return {record.attempt_id: record for record in found}


def _prior(row: ContactAttempt, call: CallRecord | None) -> PriorContact | None:
    on = row.reached_on or row.done_on
    if on is None:
        return None
    if row.channel in (Channel.CALL, Channel.VISIT):
        if call is None or call.level != ContactLevel.RIGHT:
            return None
        person = call.person or (call.contact.name if call.contact else "")
        return PriorContact(on=on, channel=row.channel, about=f"spoke with {person}" * bool(person))
    if row.channel not in WRITTEN:
        return None
    delivered = row.provider_status == ProviderStatus.DELIVERED
    return PriorContact(on=row.done_on or on, channel=row.channel, about="delivered" * delivered)


def internal_facts(attempt: ContactAttempt) -> InternalFacts:
    """Reason on file, the newest contacts of any kind, and what comes next."""
    customer = attempt.customer
    rows = ContactAttempt.objects.filter(
        customer=customer, state__in=(AttemptState.SENT, AttemptState.SKIPPED)
    )
    newest = rows.exclude(pk=attempt.pk).order_by("-done_on", "-pk")[:LISTED]
    step = _next_step(attempt)
    return InternalFacts(
        reason=customer.cannot_pay_reason,
        history=tuple(_told(row) for row in reversed(newest)),
        next_step=step[0] if step else "",
        next_on=step[1] if step else None,
        link=account_link(customer.pk),
    )


def _told(row: ContactAttempt) -> str:
    skipped = row.state == AttemptState.SKIPPED
    named = row.get_channel_display()
    what = named if skipped else f"{named}, {row.get_tone_display().lower()}"
    said = row.reason_text.rstrip(".") if skipped else row.provider_status
    day = short_date(row.done_on or row.planned_on)
    return f"{day}: {what}{f' ({said})' if said else ''}"


def _next_step(attempt: ContactAttempt) -> tuple[str, date] | None:
    """The earliest step that waits among the invoices asked for."""
    asked = attempt.items.filter(part=ItemPart.PLEASE_PAY, invoice__isnull=False)
    waiting = FollowUp.objects.filter(invoice__in=asked.values("invoice"), next_on__isnull=False)
    row = waiting.order_by("next_on").first()
    if row is None or row.next_on is None:
        return None
    return f"Next step: {_step_words(row)}", row.next_on


def _step_words(row: FollowUp) -> str:
    """What a step does, in words: ``final, by e-mail and letter``."""
    actions = StepAction.objects.filter(
        step__version_id=row.policy_version_id, step__step_key=row.next_step
    ).order_by("position")
    labels = dict(Channel.choices)
    found = list(actions.values_list("step__tone", "channel"))
    if not found:
        return "to be decided"
    ways = joined(distinct(str(labels.get(channel, channel)).lower() for _, channel in found))
    return f"{found[0][0]}, by {ways}"


def account_link(customer_id: int) -> str:
    """The customer's page, for colleagues."""
    try:
        return f"{settings.BASE_URL}{reverse('customer-detail', args=[customer_id])}"
    except NoReverseMatch:
        return str(settings.BASE_URL)
