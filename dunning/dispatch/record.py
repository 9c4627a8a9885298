"""What became of a delivery, written under the customer's lock with its event."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from arfollow.shared import clock, faults
from arfollow.shared.events import SYSTEM
from arfollow.shared.models import Event
from arfollow.staff.models import Company
from customers.services import lock_customer, touch
from dunning.delivery import returned
from dunning.delivery.base import REFUSED_WORDS, Ambiguous, NotTaken, Receipt, Refused
from dunning.delivery.ids import message_id
from dunning.dispatch.gate import Verdict
from dunning.models import AttemptState, ContactAttempt, HeldFor, ProviderStatus, TaskKind
from dunning.outbox import SendTimes, desk, moves, zone_of

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


@dataclass(frozen=True, slots=True)
class Errand:
    """One message in a worker's hands: who works on it, and the business time.

    ``pace`` is the rate of a restart after an outage, in messages a minute.
    """

    attempt_id: int
    worker: str
    now: datetime
    today: date
    pace: int | None = None


@contextmanager
def locked(attempt_id: int) -> Iterator[ContactAttempt]:
    """The attempt under its customer's lock: customer first, always (no deadlocks)."""
    with transaction.atomic():
        customer_id = ContactAttempt.objects.values_list("customer_id", flat=True).get(
            pk=attempt_id
        )
        lock_customer(customer_id)
        yield ContactAttempt.objects.select_related(
            "customer__owner", "policy_version__policy"
        ).get(pk=attempt_id)


def sent(errand: Errand, receipt: Receipt, *, late: bool = False) -> bool:
    """It was taken. A late answer settles what had become unknown meanwhile, and nobody is
    asked about it any more (F-19)."""
    with locked(errand.attempt_id) as attempt:
        crossed = _came_meanwhile(attempt)
        late = late or attempt.state == AttemptState.UNKNOWN
        faults.point("C7")
        done = moves.finish(
            attempt.pk,
            errand.worker,
            done_on=errand.today,
            sent_at=clock.now(),
            provider=receipt.provider,
            provider_message_id=receipt.provider_message_id,
            **({"reason_text": "Late answer of the mail server."} if late else {}),
        )
        if done:
            values = {"crossed": bool(crossed), "late": late, "refused": list(receipt.refused)}
            words = "Shadow copy sent" if attempt.shadowed else "Sent"
            extra = f"; {' and '.join(crossed)} while it was on its way" if crossed else ""
            extra += "; the answer came late" if late else ""
            desk.tell(attempt, "attempt.sent", f"{words}: {_subject(attempt)}{extra}",
                      values=values)  # fmt: skip
            desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=SYSTEM, at=clock.now())
            returned.refused_on_sending(attempt, receipt.refused, today=errand.today)
            touch(attempt.customer_id)
    faults.point("C8")
    return done


LEFT_BEFORE = "It left before this database was restored; the provider reports it."
HAD_LEFT = frozenset(
    {
        ProviderStatus.QUEUED,
        ProviderStatus.DEFERRED,
        ProviderStatus.DELIVERED,
        ProviderStatus.AUTORESPONDED,
    }
)


def left_before(attempt: ContactAttempt, errand: Errand, company: Company) -> bool:
    """Claimed → sent for what the provider has already, though nothing of it is known here: it
    left after the backup was made that this database comes from (F-70). Under the lock."""
    if attempt.provider_status not in HAD_LEFT:
        return False
    at = attempt.provider_status_at or errand.now
    begun = moves.begin_sending(
        attempt.pk,
        errand.worker,
        lease=timedelta(seconds=settings.SEND_LEASE_SECONDS),
        message_id=message_id(attempt.uuid, company.sender_email),
    )
    done = begun and moves.finish(
        attempt.pk,
        errand.worker,
        done_on=attempt.local_date,
        sending_at=at,
        sent_at=at,
        reason_text=LEFT_BEFORE,
    )
    if done:
        desk.tell(attempt, "attempt.sent", LEFT_BEFORE)
        touch(attempt.customer_id)
    return done


def settled(attempt_id: int, receipt: Receipt, *, text: str, now: datetime) -> bool:
    """An unknown delivery of which the provider has said that it has it."""
    with locked(attempt_id) as attempt:
        done = moves.settle_sent(
            attempt.pk,
            done_on=attempt.local_date,
            text=text,
            sent_at=clock.now(),
            provider_message_id=receipt.provider_message_id,
        )
        if done:
            desk.tell(attempt, "attempt.settled", f"Was unknown. {text}")
            desk.close_tasks(attempt, TaskKind.CHECK_DELIVERY, actor=SYSTEM, at=now)
            touch(attempt.customer_id)
    return done


def _subject(attempt: ContactAttempt) -> str:
    return attempt.frozen.subject if hasattr(attempt, "frozen") else str(attempt)


CROSSING = {
    "payment.recorded": "a payment was booked",
    "credit_note.added": "a credit note was booked",
    "dispute.opened": "a dispute was opened",
    "promise.made": "a promise was made",
    "plan.agreed": "a plan was agreed",
    "hold.set": "a hold was set",
}


def _came_meanwhile(attempt: ContactAttempt) -> list[str]:
    """What crossed it in flight: committed after the point of no return (D4), in words."""
    if attempt.sending_at is None:
        return []
    rows = Event.objects.filter(
        customer_id=attempt.customer_id, at__gte=attempt.sending_at, verb__in=CROSSING
    )
    verbs = dict.fromkeys(rows.order_by("pk").values_list("verb", flat=True))
    return [CROSSING[verb] for verb in verbs]


def not_taken(errand: Errand, error: NotTaken) -> bool:
    """Back to planned with a growing pause; after the fourth time it is held."""
    with locked(errand.attempt_id) as attempt:
        tries = attempt.tries
        wait = error.wait or jittered(BACKOFF[min(tries, len(BACKOFF) - 1)], attempt, tries)
        done = moves.put_back(attempt.pk, errand.worker, due_at=errand.now + wait, error=str(error))
        if done and tries >= len(BACKOFF):
            moves.hold([attempt.pk], HeldFor.PAUSE, text=f"{HELD_BY_TROUBLE}: {error}")
            title = f"Mail is not taken: {error}"
            desk.ask(attempt, TaskKind.CHECK_DELIVERY, title, due_on=errand.today)
            desk.tell(attempt, "attempt.held", f"Held: not taken {tries + 1} times")
    return done


def jittered(wait: timedelta, attempt: ContactAttempt, tries: int) -> timedelta:
    """Up to a fifth longer, by the attempt and the try: what failed together does not come
    back together. The same attempt always waits as long."""
    share = (attempt.uuid.int + 37 * tries) % 101
    return wait + wait * share / 500


HELD_BY_TROUBLE = "The mail provider did not take it"


def refused(errand: Errand, error: Refused) -> bool:
    """Failed for good: the step is open again, a person looks into it."""
    with locked(errand.attempt_id) as attempt:
        text = REFUSED_WORDS.get(error.reason, "The message was refused.")
        done = moves.fail(attempt.pk, errand.worker, reason=error.reason, text=text,
                          error=str(error))  # fmt: skip
        if done:
            _refused(attempt, f"{text} {error}", error, errand.today)
    return done


def _refused(attempt: ContactAttempt, words: str, error: Refused, today: date) -> None:
    """One task: for another address where it was the address, else to look into it."""
    if error.reason != "refused_address" or attempt.shadowed:
        _failed(attempt, words, today)
        return
    desk.tell(attempt, "attempt.failed", words)
    said = error.recipients or {
        address: str(error) for address in attempt.recipients.values_list("address", flat=True)
    }
    returned.refused_on_sending(attempt, said, today=today)
    touch(attempt.customer_id)


def failed(errand: Errand, *, reason: str, error: str) -> bool:
    """Failed before the point of no return: a text that does not render, bad bytes."""
    with locked(errand.attempt_id) as attempt:
        text = FAILED_WORDS[reason]
        done = moves.fail(attempt.pk, errand.worker, reason=reason, text=text, error=error[:1000])
        if done:
            _failed(attempt, f"{text} {error}"[:300], errand.today)
            desk.warn(attempt, f"{text} {error}")
    return done


FAILED_WORDS = {
    "template": "The text could not be made.",
    "render": "The message could not be rendered.",
    "bytes": "The stored message is damaged.",
}


def _failed(attempt: ContactAttempt, words: str, today: date) -> None:
    desk.tell(attempt, "attempt.failed", words)
    desk.ask(attempt, TaskKind.CHECK_DELIVERY, f"Message failed: {words}", due_on=today)
    touch(attempt.customer_id)


POISON_TEXT = "Set aside: three workers began to prepare it and none finished."


def tell_set_aside(attempt: ContactAttempt, today: date) -> None:
    """What a message that kills its workers leaves: an event and a task with its name."""
    _failed(attempt, POISON_TEXT, today)
    desk.warn(attempt, POISON_TEXT)


def ambiguous(errand: Errand, error: Ambiguous) -> bool:
    """It may have left: named, listed, never sent again by the machine."""
    with locked(errand.attempt_id) as attempt:
        done = moves.unknown(attempt.pk, errand.worker, error=str(error))
        if done:
            tell_unknown(attempt, errand.today)
    return done


def tell_unknown(attempt: ContactAttempt, today: date) -> None:
    """What an unknown delivery leaves: an event, a task, a customer to look at."""
    desk.tell(attempt, "attempt.unknown", "Nobody can tell whether the message left")
    title = "Did our message arrive? Settle it, send it again or drop it"
    desk.ask(attempt, TaskKind.CHECK_DELIVERY, title, due_on=today)
    touch(attempt.customer_id)


def apply_verdict(attempt: ContactAttempt, worker: str, verdict: Verdict) -> str:
    """Carry out a *hold*, *cancel* or *wait* of the gate under the lock it was given in."""
    if verdict.held_for:
        moves.hold([attempt.pk], verdict.held_for, text=verdict.text)
        desk.tell(attempt, "attempt.held", f"Held: {verdict.text}")
        return AttemptState.HELD
    if verdict.until is None:
        moves.cancel(attempt.pk, reason=verdict.code, text=verdict.text)
        desk.tell(attempt, "attempt.cancelled", f"Not sent: {verdict.text}")
        touch(attempt.customer_id)
        return AttemptState.CANCELLED
    _postpone(attempt, worker, verdict.until)
    return AttemptState.PLANNED


def _postpone(attempt: ContactAttempt, worker: str, until: datetime) -> None:
    """To a later slot, on the first day that is free for the customer."""
    zone = zone_of(SendTimes.of(Company.load()), attempt.customer.time_zone)
    for days in range(14):
        due_at = until + timedelta(days=days)
        local_date = due_at.astimezone(zone).date()
        try:
            with transaction.atomic():
                moves.postpone(attempt.pk, worker, due_at=due_at, local_date=local_date)
        except IntegrityError:  # that day has its message already
            continue
        return


def failed_before_sending(errand: Errand, *, error: str) -> bool:
    """Something broke that should not: failed while nothing had left, else it stays sending
    until the sweeper names it unknown."""
    with locked(errand.attempt_id) as attempt:
        claimed = attempt.state == AttemptState.CLAIMED
    return claimed and failed(errand, reason="render", error=error)
