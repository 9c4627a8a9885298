"""Recovery by the database alone: leases that ran out, causes that are over (DELIVERY §3.6)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from arfollow.shared import clock, faults
from arfollow.shared.workdays import ONE_DAY, Calendar
from arfollow.staff.models import Company
from dunning.delivery import events
from dunning.dispatch import brakes, record
from dunning.facts.ground import payment_data_as_of
from dunning.models import AttemptState, Channel, ContactAttempt, Heartbeat, HeldFor
from dunning.outbox import SendTimes, desk, let_go, moves, switches, zone_of
from dunning.outbox.calendars import our_calendar, our_quiet_periods

LOST = "The process that was sending ended before it could say what became of it."
HOUR = timedelta(hours=1)
REACHED = "reached"
REACHED_AFTER = 3
BATCH = 500


def sweep(*, now: datetime | None = None) -> dict[str, int]:
    """Put right what a crash or the passing of time left; harmless any number of times."""
    now = now or clock.now()
    brakes.beat("sweeper", now)
    aside = _each(moves.poisonous(), _set_aside, now)
    back = moves.expire_claims()
    unknown = _each(moves.doubtful(), _name_unknown, now)
    return {
        "put_back": len(back),
        "set_aside": aside,
        "unknown": unknown,
        "released": release_over(now),
        "matched": events.apply_waiting(now),
        "reached": _once_a_day(now),
    }


def _each(ids: list[int], end: Callable[[int, date], bool], now: datetime) -> int:
    """Each in a transaction of its own: a sweeper that dies leaves no doubt without its task."""
    return sum(end(attempt_id, now.date()) for attempt_id in ids)


def _set_aside(attempt_id: int, today: date) -> bool:
    with record.locked(attempt_id) as attempt:
        done = moves.set_aside(attempt_id, reason="poison", text=record.POISON_TEXT)
        if done:
            record.tell_set_aside(attempt, today)
    return done


def _name_unknown(attempt_id: int, today: date) -> bool:
    with record.locked(attempt_id) as attempt:
        done = moves.expire_sending(attempt_id, LOST)
        faults.point("S1")
        if done:
            record.tell_unknown(attempt, today)
    return done


def release_over(now: datetime) -> int:
    """Let go what was held for a cause that is over: a pause, stale data, provider trouble."""
    company = Company.load()
    rows = ContactAttempt.objects.filter(state=AttemptState.HELD).order_by("id")
    rows = rows.exclude(switches.stopped())  # else 500 of them would stand before all others
    released = 0
    if not company.paused:
        released += _let_go(rows.filter(held_for=HeldFor.PAUSE)[:BATCH], company, now)
    if _is_fresh(company, now):
        released += _let_go(rows.filter(held_for=HeldFor.STALE)[:BATCH], company, now)
    return released


def _is_fresh(company: Company, now: datetime) -> bool:
    known = payment_data_as_of()
    today = now.astimezone(zone_of(SendTimes.of(company), "")).date()
    return known is None or our_calendar(company).add(known, company.freshness_days) >= today


def _let_go(rows: QuerySet[ContactAttempt], company: Company, now: datetime) -> int:
    released = 0
    for attempt_id in list(rows.values_list("pk", flat=True)):
        with record.locked(attempt_id) as attempt:
            waits = _waits_on(attempt, company, now)
            if attempt.state == AttemptState.HELD and not waits:
                let_go(attempt, now)
                desk.tell(attempt, "attempt.released", "Goes on: what held it is over")
                released += 1
    return released


def _waits_on(attempt: ContactAttempt, company: Company, now: datetime) -> bool:
    """A switch that is still on; after provider trouble an hour until the next try."""
    if attempt.error.startswith(record.HELD_BY_TROUBLE):
        return attempt.due_at is None or attempt.due_at + HOUR > now
    if company.shadow_mode and not company.shadow_email:
        return True
    return bool(switches.brake_on(attempt, company))


def _once_a_day(now: datetime) -> int:
    last = Heartbeat.objects.filter(name=REACHED).first()
    if last is not None and last.at.date() == now.date():
        return 0
    brakes.beat(REACHED, now)
    return mark_reached(now)


def mark_reached(now: datetime) -> int:
    """Accepted and not bounced within three business days over there: a contact made (rule 6)."""
    today, quiet = now.date(), our_quiet_periods()
    times = SendTimes.of(Company.load())
    rows = ContactAttempt.objects.filter(
        state=AttemptState.SENT,
        channel=Channel.EMAIL,
        customer_facing=True,
        shadowed=False,
        live=True,
        reached_on=None,
        done_on__lt=today,
        done_on__gt=today - 60 * ONE_DAY,
    )
    due: dict[date, list[int]] = {}
    theirs = ("customer__country", "customer__region", "customer__time_zone")
    known = rows.values_list("pk", "done_on", *theirs)
    for pk, done_on, country, region, zone in known.iterator(chunk_size=BATCH):
        if done_on is None:
            continue
        counts_on = Calendar(country, region or None, quiet=quiet).add(done_on, REACHED_AFTER)
        if counts_on <= now.astimezone(zone_of(times, zone)).date():
            due.setdefault(counts_on, []).append(pk)
    return sum(_reach(day, ids) for day, ids in due.items())


def _reach(day: date, ids: list[int]) -> int:
    """One UPDATE for each page of attempts that count from the same day."""
    pages = (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
    return sum(
        ContactAttempt.objects.filter(pk__in=page, reached_on=None).update(reached_on=day)
        for page in pages
    )
