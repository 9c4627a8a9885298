"""A customer's timeline: the events, and the contacts beside them."""

from datetime import datetime

from django.db.models import Q, QuerySet

from customers.history import PAGE, Moment, events_of, newest
from dunning.models import AttemptState, Channel, ContactAttempt, Tone
from dunning.views.links import address

STATE_KINDS = {
    AttemptState.PLANNED: "promise",
    AttemptState.CLAIMED: "promise",
    AttemptState.SENDING: "promise",
    AttemptState.SENT: "good",
    AttemptState.FAILED: "severe",
    AttemptState.UNKNOWN: "severe",
    AttemptState.HELD: "due",
}


def timeline(customer_id: int, *, before: datetime | None = None) -> list[Moment]:
    """Events and contacts of a customer, newest first; calls tell of themselves as events."""
    attempts = ContactAttempt.objects.filter(customer_id=customer_id)
    return newest(events_of(customer_id, before=before), contacts(attempts, before=before))


def contacts(attempts: QuerySet[ContactAttempt], *, before: datetime | None = None) -> list[Moment]:
    """Contacts as lines of a timeline; a call that was made is an event already."""
    shown = attempts.exclude(channel=Channel.CALL, state=AttemptState.SENT)
    if before is not None:
        shown = shown.filter(Q(sent_at__lt=before) | Q(sent_at__isnull=True, created_at__lt=before))
    return [_moment(row) for row in shown.select_related("created_by").order_by("-id")[:PAGE]]


def _moment(row: ContactAttempt) -> Moment:
    state = AttemptState(row.state)
    tone = "" if row.tone == Tone.INTERNAL else f", {Tone(row.tone).label.lower()}"
    return Moment(
        when=row.sent_at or row.created_at,
        title=f"{Channel(row.channel).label}{tone}",
        who=str(row.created_by) if row.created_by else "arfollow",
        text=row.reason_text,
        kind=STATE_KINDS.get(state, "current"),
        kind_label=row.get_provider_status_display() if row.provider_status else state.label,
        url=address("attempt-detail", row.pk),
    )
