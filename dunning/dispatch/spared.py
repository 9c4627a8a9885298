"""Messages that met a fault of ours: they go back as they came, nothing is burned (F-36)."""

from datetime import datetime

from dunning.dispatch import record
from dunning.dispatch.record import Errand
from dunning.models import ContactAttempt
from dunning.outbox import moves


def put_back(errand: Errand, *, due_at: datetime, error: str) -> bool:
    """Sending → planned after a refusal that would meet every message; its tries do not count."""
    with record.locked(errand.attempt_id) as attempt:
        done = moves.put_back(attempt.pk, errand.worker, due_at=due_at, error=error[:1000])
        if done:
            ContactAttempt.objects.filter(pk=attempt.pk).update(tries=attempt.tries)
    return done


def release(errand: Errand, *, due_at: datetime) -> bool:
    """Claimed → planned where our own code broke; another message is the next to be tried."""
    return moves.release(errand.attempt_id, errand.worker, due_at=due_at)
