"""A new attempt in the place of one that does not count."""

from datetime import datetime

from arfollow.shared.events import Actor
from dunning.models import AttemptItem, AttemptRecipient, AttemptState, ContactAttempt
from dunning.outbox import desk
from dunning.outbox.planning import dedupe_key

SAME = (
    "customer_id", "run_id", "policy_version_id", "channel", "kind", "tone", "language",
    "step_key", "action_key", "substitute_for", "lead_invoice_id", "lead_instalment_no",
    "promise_id", "certified", "offers_plan", "customer_facing", "exempt", "planned_on",
    "local_date", "pay_by", "in_reply_to", "content", "note",
)  # fmt: skip
SAME_ITEM = (
    "invoice_id", "instalment_no", "label", "part", "currency", "amount", "days_late",
    "completes", "step_key", "action_key", "repeat", "cycle", "offset", "taken", "pay_by",
)  # fmt: skip


def copy_of(attempt: ContactAttempt, *, actor: Actor, now: datetime) -> ContactAttempt:
    """The same step once more, asked for by a person: due now, looked at again before it goes."""
    new = ContactAttempt(**{name: getattr(attempt, name) for name in SAME})
    new.automatic, new.created_by_id, new.approved_by_id = False, actor.id, actor.id
    new.approved_at = new.due_at = now
    new.state = AttemptState.PLANNED
    new.reason, new.reason_text = "sent_again", "A person had it sent again."
    new.dedupe_key = f"{dedupe_key(new)}:again:{attempt.pk}"  # pressed twice, it is there once
    new.save(force_insert=True)
    AttemptItem.objects.bulk_create(
        AttemptItem(attempt=new, **{name: getattr(item, name) for name in SAME_ITEM})
        for item in attempt.items.all()
    )
    AttemptRecipient.objects.bulk_create(
        AttemptRecipient(
            attempt=new, contact_id=to.contact_id, field=to.field, name=to.name, address=to.address
        )
        for to in attempt.recipients.all()
    )
    desk.tell(new, "attempt.planned", "Sent again by a decision", actor=actor)
    return new
