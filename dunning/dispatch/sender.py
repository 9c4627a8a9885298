"""One pass of the sender: claim, render, look a last time, deliver, record.

The same pass runs in the beat's task, in `send_due` and behind the button. Each row stands
alone: whatever happens to one, the others go on.
"""

import os
import secrets
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import structlog
from django.conf import settings
from django.db import OperationalError, connection
from structlog.contextvars import bind_contextvars, unbind_contextvars

from arfollow.shared import clock, faults
from arfollow.staff.models import Company
from dunning.delivery import truth
from dunning.delivery.base import Ambiguous, NotTaken, Receipt, Refused
from dunning.delivery.email import Mailbox
from dunning.delivery.envelope import NoRecipient, poisoned
from dunning.delivery.frozen import thaw
from dunning.delivery.mime import BadAddress
from dunning.delivery.render import render_and_freeze
from dunning.dispatch import brakes, circuit, record, reposting, searching, spared, streaks
from dunning.dispatch.gate import Answer, Verdict, can_send, local_day
from dunning.dispatch.record import Errand
from dunning.facts import Ground, lay_ground, renewed
from dunning.models import AttemptState, ContactAttempt, FrozenMessage
from dunning.outbox import highwater, moves, switches
from dunning.wording import NoSuchText, WordingError

CLAIM = 5
SECONDS = 15.0
ROUNDS = 3
CONFIG_WAIT = timedelta(minutes=15)
OUTAGE_WAIT = timedelta(minutes=1)
UNKNOWN_WAIT = timedelta(minutes=5)
GIVEN_BACK = "given_back"
RATE = "rate"

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Tally:
    """What one pass did; `remaining` is what is still due."""

    sent: int = 0
    failed: int = 0
    unknown: int = 0
    held: int = 0
    cancelled: int = 0
    remaining: int = 0

    def count(self, outcome: str) -> None:
        """Add one, where the outcome is one of ours."""
        if hasattr(self, outcome):
            setattr(self, outcome, getattr(self, outcome) + 1)


class Stop(Exception):
    """Nothing more is claimed in this pass: the provider is in trouble, or the rate is used."""


def send_some(
    *, now: datetime | None = None, seconds: float | None = SECONDS, worker: str = ""
) -> Tally:
    """Send what is due until nothing is, or for ``seconds`` (no new claim after that).

    ``now`` is the business time. NotOurDatabase where this installation may not send.
    """
    now = now or clock.now()
    started = time.monotonic()
    brakes.check_instance()
    brakes.beat("sender", now)
    tally = Tally(held=brakes.hold_storm(Company.load(), now))
    if circuit.trouble_until(now) is None:
        tally.sent += reposting.repost_unknown(now)
        _drain(tally, now, worker or worker_name(), seconds)
        if seconds is None or time.monotonic() - started < seconds:
            tally.sent += searching.search_unknown(now)
    tally.remaining = _due(now)
    return tally


def worker_name() -> str:
    """Who works: machine, process and a random part, so that no two are ever the same."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"


def _due(now: datetime) -> int:
    due = ContactAttempt.objects.filter(
        state=AttemptState.PLANNED, due_at__lte=now, channel__in=moves.SENT_BY_MACHINE
    )
    return due.count()


def _drain(tally: Tally, now: datetime, worker: str, seconds: float | None) -> None:
    started, ground = time.monotonic(), lay_ground()
    probing, pace = circuit.open_since() is not None, circuit.pace(now)
    lease = timedelta(seconds=settings.SEND_LEASE_SECONDS)
    seen: set[int] = set()
    with Mailbox() as mailbox:
        while seconds is None or time.monotonic() - started < seconds:
            claimed = moves.claim(worker, now=now, lease=lease, limit=1 if probing else CLAIM)
            if seen.issuperset(claimed):  # nothing due, or only what was given back before
                break
            seen.update(claimed)
            try:
                for attempt_id in claimed:
                    if seconds is not None and time.monotonic() - started > seconds:
                        break  # a slow provider must not carry the task over its limit
                    errand = Errand(attempt_id, worker, now, now.date(), pace)
                    done = _one(errand, ground, mailbox)
                    tally.count(done)
                    if done == AttemptState.SENT:
                        _went_well(now, probing=probing)
            except Stop as stop:
                tally.count(str(stop))
                break
            highwater.rise()
    moves.release_all(worker)
    if seen:
        highwater.rise()


def _went_well(now: datetime, *, probing: bool) -> None:
    if not probing:
        streaks.over()
        return
    circuit.close(now)
    raise Stop("")  # the others follow with the next tick, slowly


def _one(errand: Errand, ground: Ground, mailbox: Mailbox) -> str:
    """Bring one claimed message to its end; answers its new state."""
    bind_contextvars(attempt=errand.attempt_id)
    try:
        errand = _on_its_day(errand)
        outcome = _prepare(errand, ground)
        return _deliver(errand, mailbox) if outcome == AttemptState.SENDING else outcome
    except Stop:
        raise
    except OperationalError as error:
        # Locked, full or away: no message is to blame. What is claimed goes back by its lease.
        log.error("database gave up", trouble=type(error).__name__, where=_where(error))
        raise
    except Exception as error:  # noqa: BLE001  # one broken row must not stop the others
        log.error("attempt broke", trouble=type(error).__name__, where=_where(error))
        return _broke(errand, error)
    finally:
        unbind_contextvars("attempt", "customer", "run")


def _broke(errand: Errand, error: Exception) -> str:
    """One that breaks is failed by itself. After five in a row of the same kind it is our code
    that is broken: the pass stops and says so, and no further message is burned."""
    cause = f"{type(error).__name__} at {_where(error)}"
    streak = streaks.add(f"broken: {cause}", errand.attempt_id, errand.now)
    if streak.count > streaks.LIMIT:
        spared.release(errand, due_at=errand.now + CONFIG_WAIT)
        failed = False
    else:
        text = f"{type(error).__name__}: {error}"
        failed = record.failed_before_sending(errand, error=text)
    outcome = AttemptState.FAILED if failed else GIVEN_BACK
    if streak.count >= streaks.LIMIT:
        why = f"Sending has stopped itself: {streak.count} messages in a row broke ({cause})."
        circuit.note_trouble(errand.now, CONFIG_WAIT, why=why, ours=True)
        raise Stop(outcome)
    return outcome


def _where(error: Exception) -> str:
    """The place alone: what an exception says may be somebody's address or text."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def _prepare(errand: Errand, ground: Ground) -> str:
    """Render as it was planned, then look; render again where the look found changes."""
    for _ in range(ROUNDS):
        broken = _render(errand)
        if broken:
            return broken
        outcome = _last_look(errand, ground)
        if outcome != Answer.RENDER:
            return outcome
    moves.release(errand.attempt_id, errand.worker)
    return GIVEN_BACK


def _on_its_day(errand: Errand) -> Errand:
    attempt = ContactAttempt.objects.select_related("customer").get(pk=errand.attempt_id)
    bind_contextvars(customer=attempt.customer_id, run=attempt.run_id)
    return replace(errand, today=local_day(attempt, Company.load(), errand.now))


def _last_look(errand: Errand, ground: Ground) -> str:
    """The gate and the point of no return, in one short transaction."""
    with record.locked(errand.attempt_id) as attempt:
        company = switches.company_for_last_look()
        if attempt.state != AttemptState.CLAIMED or attempt.worker != errand.worker:
            return GIVEN_BACK  # the lease ran out, or somebody cancelled it
        if record.left_before(attempt, errand, company):
            return GIVEN_BACK  # recorded; nothing of it is left to do
        known = renewed(ground, company)
        verdict = can_send(attempt, company, now=errand.now, ground=known)
        outcome = _carry_out(attempt, company, errand, verdict)
        faults.point("C3a")
    faults.point("C4" if outcome == AttemptState.SENDING else "")
    if outcome == RATE:
        raise Stop("")
    return outcome


def _carry_out(attempt: ContactAttempt, company: Company, errand: Errand, verdict: Verdict) -> str:
    if verdict.answer is Answer.RENDER:
        return Answer.RENDER
    if verdict.answer is not Answer.GO:
        return record.apply_verdict(attempt, errand.worker, verdict)
    if not brakes.take_turn(company, errand.now, pace=errand.pace):
        moves.release(attempt.pk, errand.worker)
        return RATE
    return AttemptState.SENDING if _begin(attempt, company, errand) else GIVEN_BACK


def _begin(attempt: ContactAttempt, company: Company, errand: Errand) -> bool:
    frozen = thaw(attempt.frozen)
    return moves.begin_sending(
        attempt.pk,
        errand.worker,
        lease=timedelta(seconds=settings.SEND_LEASE_SECONDS),
        message_id=frozen.headers["Message-ID"],
        provider=circuit.provider(),
        in_reply_to=frozen.headers.get("In-Reply-To", ""),
        shadowed=company.shadow_mode,
        local_date=errand.today if attempt.automatic else attempt.local_date,
    )


def _render(errand: Errand) -> str:
    """Freeze the bytes; answers an end state where there can be none."""
    attempt = ContactAttempt.objects.select_related(
        "customer__owner", "policy_version__policy"
    ).get(pk=errand.attempt_id)
    company = Company.load()
    if switches.brake_on(attempt, company):
        return ""  # not worth rendering: the look holds it
    try:
        render_and_freeze(attempt, company, today=errand.today)
    except (NoSuchText, WordingError) as error:
        return _unrenderable(errand, attempt, str(error))
    except NoRecipient:
        return ""  # the look cancels it, with the reason
    except BadAddress:
        return _misaddressed(errand, poisoned(attempt, company))
    faults.point("C3")
    return ""


def _misaddressed(errand: Errand, addresses: dict[str, str]) -> str:
    """No message can carry these addresses: failed, with a task for each (F-46). Where it is our
    own address, the look cancels it."""
    if not addresses:
        return ""
    said = "; ".join(addresses.values())[:300]
    done = record.refused(errand, Refused(said, reason="refused_address", recipients=addresses))
    return AttemptState.FAILED if done else GIVEN_BACK


def _unrenderable(errand: Errand, attempt: ContactAttempt, error: str) -> str:
    """A text may fail only because nothing is left to say: then it is cancelled as paid."""
    with record.locked(errand.attempt_id) as current:
        found = truth.refresh(current, today=errand.today)
        if found.reason is None and not found.changed:
            done = record.failed(errand, reason="template", error=error)
            return AttemptState.FAILED if done else GIVEN_BACK
    return ""


def _deliver(errand: Errand, mailbox: Mailbox) -> str:
    """From the point of no return to the record of what became of it."""
    frozen = thaw(FrozenMessage.objects.select_related("document", "attempt").get(
        attempt=errand.attempt_id))  # fmt: skip
    try:
        receipt = mailbox.send(frozen, deadline=settings.SEND_DEADLINE_SECONDS, late=_late(errand))
    except (NotTaken, Refused, Ambiguous) as error:
        return _not_delivered(errand, error)
    return AttemptState.SENT if record.sent(errand, receipt) else GIVEN_BACK


def _not_delivered(errand: Errand, error: NotTaken | Refused | Ambiguous) -> str:
    """Record what it proves; Stop where every other message would meet the same."""
    log.warning("not delivered", kind=type(error).__name__.lower(), provider=circuit.provider())
    match error:
        case NotTaken():
            record.not_taken(errand, error)
            if error.is_outage or _meets_everybody(errand, error.cause):
                _open(errand, error.wait or OUTAGE_WAIT, str(error))
            return AttemptState.PLANNED
        case Refused():
            return _refused(errand, error)
    record.ambiguous(errand, error)
    if circuit.open_since() is not None or circuit.is_failing():
        _open(errand, UNKNOWN_WAIT, str(error), AttemptState.UNKNOWN)
    return AttemptState.UNKNOWN


def _meets_everybody(errand: Errand, cause: str) -> bool:
    """Whether that many different messages met this in a row."""
    if not cause:
        return False
    return streaks.add(cause, errand.attempt_id, errand.now).messages >= streaks.LIMIT


def _refused(errand: Errand, error: Refused) -> str:
    if error.is_config:
        return _refused_us(errand, error)
    record.refused(errand, error)
    return AttemptState.FAILED


def _refused_us(errand: Errand, error: Refused) -> str:
    """Our key, our set-up: no fault of the message. A refused key burns none (F-36); of a set-up
    that cannot work the first message tells (F-35), those that probe afterwards are spared."""
    is_open, is_key = circuit.open_since() is not None, error.reason == "refused_key"
    if not is_open and not is_key:
        record.refused(errand, error)
        _open(errand, CONFIG_WAIT, str(error), AttemptState.FAILED)
    if not is_open and streaks.is_its_own(errand.attempt_id, errand.now):
        record.refused(errand, error)
        return AttemptState.FAILED
    spared.put_back(errand, due_at=errand.now + OUTAGE_WAIT, error=str(error))
    streak = streaks.add(error.reason, errand.attempt_id, errand.now)
    if is_open or streak.count >= streaks.LIMIT:
        _open(errand, CONFIG_WAIT, str(error))
    return AttemptState.PLANNED


def _open(errand: Errand, wait: timedelta, why: str, counted: str = "") -> NoReturn:
    circuit.note_trouble(errand.now, wait, why=why)
    raise Stop(counted)


def _late(errand: Errand) -> Callable[[Receipt], None]:
    """What a delivery that was given up learns afterwards is recorded all the same."""

    def note(receipt: Receipt) -> None:
        try:
            record.sent(errand, receipt, late=True)
        finally:
            connection.close()

    return note
