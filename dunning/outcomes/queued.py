"""What an outcome puts into the outbox, or takes out of it."""

from collections.abc import Sequence

from arfollow.shared.errors import ServiceError
from customers.models import Contact
from dunning.models import AttemptState, ContactAttempt
from dunning.outbox import moves
from dunning.outcomes.copies import Copy, plan_copy
from dunning.outcomes.inputs import Case
from dunning.outcomes.items import OpenItem
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
    where = "in writing" if case.record.reply_id else "on the telephone"
    why = f"Asked for {where}: {case.record.get_outcome_display().lower()}."
    days = case.days
    plan_copy(Copy(case.customer, to, items, days.today, days.now + UNDO, why), actor=case.actor)


def stop_everything(case: Case, text: str) -> int:
    """Take out of the outbox whatever waits for this customer; answers how much it was."""
    waiting = ContactAttempt.objects.filter(customer=case.customer, state__in=WAITING)
    ids = list(waiting.exclude(pk=case.attempt.pk).values_list("pk", flat=True))
    return sum(moves.cancel(pk, reason=Reason.LEGAL_STOP, text=text) for pk in ids)
