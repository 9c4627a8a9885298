"""Settling an unknown delivery by posting the same bytes again under the same key.

Only where the provider itself makes one message of two posts with one key, only while it
remembers the key, and only where a fresh last look finds the very facts that were frozen
(DELIVERY §3.3). Anywhere else the machine never sends an unknown message again.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from dunning.delivery.base import DeliveryError, NotTaken
from dunning.delivery.email import Mailbox
from dunning.delivery.frozen import thaw
from dunning.dispatch import circuit, record
from dunning.dispatch.gate import Answer, can_send
from dunning.models import AttemptState, Channel, ContactAttempt, FrozenMessage
from dunning.models.attempts import MAX_TRIES
from dunning.outbox import switches

REMEMBERED = {"resend": timedelta(hours=23), "brevo": timedelta(minutes=12)}
"""How long each provider surely knows a key: Resend 24 hours, Brevo 15 minutes."""

WEBHOOK_FIRST = timedelta(minutes=1)
OUTAGE_WAIT = timedelta(minutes=1)
TEXT = "Posted again under the same key; the provider has it once."

log = structlog.get_logger(__name__)


def repost_unknown(now: datetime) -> bool:
    """Try the oldest unknown message that may be posted again; whether it was settled."""
    way = circuit.provider()
    if way not in REMEMBERED or circuit.trouble_until(now) is not None:
        return False
    found = ContactAttempt.objects.filter(
        state=AttemptState.UNKNOWN,
        channel=Channel.EMAIL,
        provider=way,
        sending_at__gt=Now() - REMEMBERED[way],
        sending_at__lt=Now() - WEBHOOK_FIRST,
        tries__lt=MAX_TRIES,
    )
    for attempt_id in found.order_by("tries", "pk").values_list("pk", flat=True)[:1]:
        return _still_true(attempt_id, now) and _repost(attempt_id, now)
    return False


def _still_true(attempt_id: int, now: datetime) -> bool:
    """The last look says *go* for exactly the bytes that were frozen; it changes nothing."""
    ContactAttempt.objects.filter(pk=attempt_id).update(tries=F("tries") + 1)
    with record.locked(attempt_id) as attempt:
        company = switches.company_for_last_look()
        answer = can_send(attempt, company, now=now).answer
        unknown = attempt.state == AttemptState.UNKNOWN
        transaction.set_rollback(True)
    return unknown and answer is Answer.GO


def _repost(attempt_id: int, now: datetime) -> bool:
    rows = FrozenMessage.objects.select_related("document", "attempt")
    frozen = thaw(rows.get(attempt=attempt_id))
    try:
        with Mailbox() as mailbox:
            receipt = mailbox.send(frozen, deadline=settings.SEND_DEADLINE_SECONDS)
    except DeliveryError as error:
        log.warning("not settled", attempt=attempt_id, kind=type(error).__name__.lower())
        if isinstance(error, NotTaken) and error.is_outage:
            circuit.note_trouble(now, error.wait or OUTAGE_WAIT, why=str(error))
        return False
    return record.settled(attempt_id, receipt, text=TEXT, now=now)
