"""What a waiting message would say if it left now: exactly what an approver approves.

The last look is taken for real and taken back: nothing is written, so a preview may be
opened by anybody and as often as they like.
"""

from datetime import date

from django.db import transaction

from arfollow.shared.errors import ServiceError
from dunning.delivery import truth
from dunning.delivery.notice import notice_of, text_of
from dunning.models import AttemptState, ContactAttempt
from dunning.policy import sentence
from dunning.wording import Notice, Text

WAITING = (AttemptState.PLANNED, AttemptState.CLAIMED, AttemptState.HELD)


def foresee(attempt: ContactAttempt, *, today: date) -> tuple[Notice, Text]:
    """The notice and its text as of now; of a message that is done, as it stands.

    ServiceError says why it would not go at all; WordingError and NoSuchText why it cannot.
    """
    if attempt.state not in WAITING:
        return notice_of(attempt, today=today), text_of(attempt)
    rows = ContactAttempt.objects.select_related("customer")
    with transaction.atomic():
        found = truth.refresh(rows.get(pk=attempt.pk), today=today)
        if found.reason is not None:
            raise ServiceError(f"It would not go out any more: {sentence(found.reason)}")
        row = rows.get(pk=attempt.pk)
        told = notice_of(row, today=today), text_of(row)
        transaction.set_rollback(True)
    return told
