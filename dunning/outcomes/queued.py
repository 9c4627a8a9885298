"""What an outcome puts into the outbox, or takes out of it."""

import uuid
from collections.abc import Sequence

from arfollow.shared.errors import ServiceError
from customers.models import Contact
from dunning.models import (
    AttemptKind,
    AttemptRecipient,
    AttemptState,
    Channel,
    ContactAttempt,
    Tone,
)
from dunning.outbox import moves
from dunning.outcomes.inputs import Case
from dunning.outcomes.items import OpenItem, list_items
from dunning.outcomes.trail import UNDO
from dunning.policy import Reason

WAITING = (AttemptState.PLANNED, AttemptState.HELD)


def resend(case: Case, items: Sequence[OpenItem], *, contact: Contact | None = None) -> None:
    """Send the invoices again to an address; asked for, so it is no contact (rule 2).

    It leaves when the call cannot be taken back any more.
    """
    to = contact or case.contact
    if to is None or not to.can_email:
        raise ServiceError("There is no usable e-mail address to send it to.")
    attempt = ContactAttempt.objects.create(
        customer=case.customer,
        channel=Channel.EMAIL,
        kind=AttemptKind.RESEND,
        tone=Tone.FRIENDLY,
        language=case.customer.language,
        lead_invoice_id=items[0].key.invoice_id if items else None,
        lead_instalment_no=items[0].key.instalment_no if items else 0,
        automatic=False,
        exempt=True,
        reason="asked",
        reason_text=f"Asked for on the telephone: {case.record.get_outcome_display().lower()}.",
        planned_on=case.days.today,
        local_date=case.days.today,
        due_at=case.days.now + UNDO,
        dedupe_key=f"resend:{uuid.uuid4()}",
        created_by_id=case.actor.id,
    )
    list_items(attempt, items, today=case.days.today)
    AttemptRecipient.objects.create(attempt=attempt, contact=to, name=to.name, address=to.email)


def stop_everything(case: Case, text: str) -> int:
    """Take out of the outbox whatever waits for this customer; answers how much it was."""
    waiting = ContactAttempt.objects.filter(customer=case.customer, state__in=WAITING)
    ids = list(waiting.exclude(pk=case.attempt.pk).values_list("pk", flat=True))
    return sum(moves.cancel(pk, reason=Reason.LEGAL_STOP, text=text) for pk in ids)
