"""Promises, holds and plans: what makes steps wait, and what ends the waiting (rule 8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.shared.money import round_half_up, with_currency
from customers.services import lock_customer, touch
from dunning.models import (
    ContactAttempt,
    Hold,
    HoldReason,
    Promise,
    PromiseItem,
    PromiseStatus,
)
from dunning.outbox.calendars import customer_calendar
from dunning.outcomes.days import PROMISE_LIMIT_DAYS
from dunning.outcomes.items import ZERO, OpenItem, chosen, one_currency
from dunning.outcomes.messages import confirm_promise, drop_messages, nudge_day
from dunning.outcomes.notes import leave_event
from dunning.outcomes.words import say_day
from dunning.policy import ItemKey

PROMISES_IN_ROW = 2


@dataclass(frozen=True, slots=True)
class PromiseInput:
    """A promise as it was given; without `amount` everything collectible is meant.

    `confirm` off: no e-mail thanks for it, whatever the company's setting says.
    """

    due_on: date
    amount: Decimal | None = None
    currency: str = ""
    items: Sequence[ItemKey] = ()
    person: str = ""
    note: str = ""
    confirm: bool = True


def add_promise(
    customer_id: int,
    given: PromiseInput,
    *,
    actor: Actor,
    today: date,
    call: ContactAttempt | None = None,
    now: datetime | None = None,
) -> Promise:
    """Note a promise to pay. Steps wait until its date and the grace (rule 8).

    With `now`, the moment it is noted at, it is confirmed by e-mail; without (promises of
    old, brought over) it is not. Refused: a date in the past, more than 30 days ahead, a
    third promise in a row, more than is open. Beyond these limits a payment plan is the
    right answer.
    """
    with transaction.atomic():
        customer = lock_customer(customer_id)
        _check_promise(customer_id, given.due_on, today)
        items = chosen(customer_id, given.items, today=today)
        currency, covered = one_currency(given.currency, items)
        amount = _promised(given.amount, covered, currency)
        known = _same_promise(customer_id, given.due_on, currency, amount, today)
        if known is not None:
            return known
        promise = Promise.objects.create(
            customer=customer,
            call=call,
            made_on=today,
            due_on=given.due_on,
            currency=currency,
            amount=amount,
            person=given.person,
            note=given.note,
            recorded_by_id=actor.id,
            nudge_on=nudge_day(today, given.due_on, customer_calendar(customer)),
        )
        _cover(promise, covered)
        said = f"Promise of {with_currency(amount, currency)} by {say_day(given.due_on)}"
        leave_event("promise.made", promise, customer_id, said, actor)
        if now is not None and given.confirm:
            confirm_promise(promise, now=now, actor=actor)
        touch(customer_id)
    return promise


def _same_promise(
    customer_id: int, due_on: date, currency: str, amount: Decimal, today: date
) -> Promise | None:
    """The same promise noted a moment ago: a form that was sent twice (L18)."""
    return Promise.objects.filter(
        customer_id=customer_id,
        made_on=today,
        due_on=due_on,
        currency=currency,
        amount=amount,
        status=PromiseStatus.OPEN,
    ).first()


def _check_promise(customer_id: int, due_on: date, today: date) -> None:
    if due_on < today:
        raise ServiceError("The promised day has passed. Enter today or a later day.")
    if due_on > today + timedelta(days=PROMISE_LIMIT_DAYS):
        raise ServiceError(
            f"A promise reaches {PROMISE_LIMIT_DAYS} days ahead at most. Agree a plan instead."
        )
    if promises_in_row(customer_id) >= PROMISES_IN_ROW:
        raise ServiceError("The last two promises were not kept. Agree a plan instead.")


def promises_in_row(customer_id: int) -> int:
    """Broken promises since the last one that was kept, newest first."""
    settled = Promise.objects.filter(customer_id=customer_id).exclude(
        status__in=[PromiseStatus.OPEN, PromiseStatus.CANCELLED]
    )
    row = 0
    for status in settled.order_by("-made_on", "-id").values_list("status", flat=True)[:10]:
        if status != PromiseStatus.BROKEN:
            break
        row += 1
    return row


def _promised(amount: Decimal | None, items: Sequence[OpenItem], currency: str) -> Decimal:
    total = sum((item.collectible for item in items), ZERO)
    promised = total if amount is None else amount
    if promised <= 0 or promised > total:
        most = with_currency(total, currency)
        raise ServiceError(f"The promise must be above nothing and at most {most}.")
    return round_half_up(promised)


def _cover(promise: Promise, items: Sequence[OpenItem]) -> None:
    rows = [
        PromiseItem(
            promise=promise,
            invoice_id=item.key.invoice_id,
            instalment_no=item.key.instalment_no,
            open_then=item.open,
        )
        for item in items
    ]
    PromiseItem.objects.bulk_create(rows, batch_size=500)


def cancel_promise(promise_id: int, *, on: date, reason: str, actor: Actor) -> Promise:
    """Take a promise back that was noted by mistake or replaced; steps go on."""
    with transaction.atomic():
        promise = Promise.objects.get(pk=promise_id)
        lock_customer(promise.customer_id)
        promise.refresh_from_db()
        if promise.status != PromiseStatus.OPEN:
            raise ServiceError(f"This promise is {promise.get_status_display().lower()} already.")
        promise.status, promise.settled_on = PromiseStatus.CANCELLED, on
        promise.nudge_on = None
        promise.save(update_fields=["status", "settled_on", "nudge_on"])
        said = f"Promise of {promise} cancelled: {reason}"
        drop_messages(said, promise_id=promise.pk)
        leave_event("promise.cancelled", promise, promise.customer_id, said, actor)
        touch(promise.customer_id)
    return promise


@dataclass(frozen=True, slots=True)
class HoldInput:
    """A stop with a reason and its last day; without items the whole customer waits."""

    reason: str
    until: date
    items: Sequence[ItemKey] = ()
    ours: bool = False
    note: str = ""


OUR_SIDE = frozenset({HoldReason.DOCUMENT, HoldReason.OURS, HoldReason.QUIET})


def add_hold(
    customer_id: int,
    wanted: HoldInput,
    *,
    actor: Actor,
    today: date,
    call: ContactAttempt | None = None,
) -> list[Hold]:
    """Make steps wait until a day; answers the holds that are new.

    What is on our side stops the clock (rule 1).
    """
    if wanted.until < today:
        raise ServiceError("A hold ends today or later.")
    with transaction.atomic():
        customer = lock_customer(customer_id)
        items = chosen(customer_id, wanted.items, today=today) if wanted.items else []
        keys: list[ItemKey | None] = [item.key for item in items] or [None]
        holds = [
            Hold(
                customer=customer,
                invoice_id=key.invoice_id if key else None,
                instalment_no=key.instalment_no if key else 0,
                reason=wanted.reason,
                stops_clock=wanted.ours or wanted.reason in OUR_SIDE,
                starts_on=today,
                ends_on=wanted.until,
                call=call,
                note=wanted.note[:300],
                recorded_by_id=actor.id,
            )
            for key in keys
        ]
        new = [hold for hold in holds if not _is_set(hold)]
        if new:
            Hold.objects.bulk_create(new)
            _tell_of_hold(new[0], items, actor)
            touch(customer_id)
    return new


def _is_set(hold: Hold) -> bool:
    """Whether the very same hold is on already: a form that was sent twice (L18)."""
    return Hold.objects.filter(
        customer=hold.customer,
        invoice=hold.invoice,
        instalment_no=hold.instalment_no,
        reason=hold.reason,
        stops_clock=hold.stops_clock,
        starts_on=hold.starts_on,
        ends_on=hold.ends_on,
        released_on=None,
    ).exists()


def _tell_of_hold(hold: Hold, items: Sequence[OpenItem], actor: Actor) -> None:
    whom = ", ".join(item.number for item in items[:5]) if items else "the customer"
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    label = hold.get_reason_display()
    said = f"On hold until {say_day(hold.ends_on)}: {label} ({whom}{more})"
    leave_event("hold.set", hold, hold.customer_id, said, actor, {"note": hold.note})


def release_hold(hold_id: int, *, on: date, actor: Actor) -> Hold:
    """End a hold before its day; twice is harmless."""
    with transaction.atomic():
        hold = Hold.objects.get(pk=hold_id)
        lock_customer(hold.customer_id)
        hold.refresh_from_db()
        if hold.released_on is None:
            hold.released_on = on
            hold.save(update_fields=["released_on"])
            said = f"Hold ended: {hold.get_reason_display()}"
            leave_event("hold.ended", hold, hold.customer_id, said, actor)
            touch(hold.customer_id)
    return hold


def extend_hold(hold_id: int, *, until: date, reason: str, actor: Actor, today: date) -> Hold:
    """A later last day for a hold that still runs, with the reason why."""
    with transaction.atomic():
        hold = Hold.objects.get(pk=hold_id)
        lock_customer(hold.customer_id)
        hold.refresh_from_db()
        if hold.released_on is not None or hold.ends_on < today:
            raise ServiceError("This hold has ended already. Set a new one.")
        if until <= hold.ends_on:
            raise ServiceError(f"It runs until {say_day(hold.ends_on)}. Enter a later day.")
        said = f"Hold extended from {say_day(hold.ends_on)} to {say_day(until)}: {reason}"
        values = {"before": str(hold.ends_on), "after": str(until)}
        hold.ends_on = until
        hold.save(update_fields=["ends_on"])
        leave_event("hold.extended", hold, hold.customer_id, said, actor, values)
        touch(hold.customer_id)
    return hold
