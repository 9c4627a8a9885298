"""Rules 7 and 8: what stops a customer or an item, until when, and the task that ends it."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from dunning.policy.ladder import Position
from dunning.policy.netting import Net
from dunning.policy.reasons import Reason
from dunning.policy.types import (
    CustomerFacts,
    HoldFacts,
    ItemFacts,
    PlanFacts,
    PromiseFacts,
)
from dunning.policy.words import (
    Kind,
    Result,
    State,
    TaskKind,
    Tone,
)

ASK_RECENT = timedelta(days=30)
ELSEWHERE = frozenset({"agency", "solicitor"})


class Stop(NamedTuple):
    """Why nothing happens, the first day it may again (None: when the task is done)."""

    reason: Reason
    until: date | None = None
    task: TaskKind | None = None


def customer_stop(facts: CustomerFacts, today: date) -> Stop | None:
    """The first thing that stops the whole customer, gravest first."""
    for check in _CUSTOMER_CHECKS:
        stop = check(facts, today)
        if stop is not None:
            return stop
    return None


def _legal(facts: CustomerFacts, today: date) -> Stop | None:
    if not facts.legal_stop or facts.legal_stop in ELSEWHERE:
        return None
    return Stop(Reason.LEGAL_STOP, task=TaskKind.OWNER_DECIDES)


def _placed(facts: CustomerFacts, today: date) -> Stop | None:
    return Stop(Reason.PLACED) if facts.placed or facts.legal_stop in ELSEWHERE else None


def _paused(facts: CustomerFacts, today: date) -> Stop | None:
    return Stop(Reason.PAUSED) if facts.paused or facts.settings.paused else None


def _stale(facts: CustomerFacts, today: date) -> Stop | None:
    """Payment data older than the freshness limit holds automatic chasing (rule 7, L31)."""
    known = facts.settings.payment_data_as_of
    if known is None:
        return None
    limit = facts.calendar.add(known, facts.settings.freshness_business_days)
    return Stop(Reason.STALE_DATA) if today > limit else None


def _unreachable(facts: CustomerFacts, today: date) -> Stop | None:
    reachable = facts.postal_ok or any(c.may_email or c.may_call for c in facts.contacts)
    return None if reachable else Stop(Reason.UNREACHABLE, task=TaskKind.FIND_CONTACT)


def _unread(facts: CustomerFacts, today: date) -> Stop | None:
    return Stop(Reason.UNREAD_REPLY, task=TaskKind.READ_REPLY) if facts.unread_replies else None


def _held(facts: CustomerFacts, today: date) -> Stop | None:
    held = [hold for hold in _running(facts, today) if not hold.items]
    return _latest_hold(held, Reason.CUSTOMER_HOLD)


def _direct_debit(facts: CustomerFacts, today: date) -> Stop | None:
    until = facts.direct_debit_until
    if until is None or today > until:
        return None
    return Stop(Reason.DIRECT_DEBIT, until + timedelta(days=1))


def _just_paid(facts: CustomerFacts, today: date) -> Stop | None:
    """Two business days of rest after any payment."""
    if facts.last_payment_on is None or facts.last_payment_on > today:
        return None
    rest = facts.calendar.add(facts.last_payment_on, facts.settings.after_payment_business_days)
    return Stop(Reason.JUST_PAID, _day_after(facts, rest)) if today <= rest else None


_CUSTOMER_CHECKS: tuple[Callable[[CustomerFacts, date], Stop | None], ...] = (
    _legal,
    _placed,
    _paused,
    _stale,
    _unreachable,
    _unread,
    _held,
    _direct_debit,
    _just_paid,
)


def _day_after(facts: CustomerFacts, day: date) -> date:
    return facts.calendar.add(day, 1)


def _running(facts: CustomerFacts, today: date) -> Iterator[HoldFacts]:
    for hold in facts.holds:
        if hold.start <= today and (hold.until is None or today <= hold.until):
            yield hold


def _latest_hold(held: list[HoldFacts], reason: Reason) -> Stop | None:
    if not held:
        return None
    if any(hold.until is None for hold in held):
        return Stop(reason)
    last = max(hold.until for hold in held if hold.until is not None)
    return Stop(reason, last + timedelta(days=1))


def amount_stop(item: ItemFacts, net: Net, facts: CustomerFacts) -> Stop | None:
    """Paid, within tolerance, wholly disputed, or covered by the customer's own money."""
    tolerance = facts.settings.tolerance
    if item.open <= 0:
        return Stop(Reason.PAID)
    if item.collectible <= tolerance:
        return Stop(Reason.DISPUTED if item.disputed > 0 else Reason.TOLERANCE)
    if net.covers(item, tolerance):
        return Stop(Reason.COVERED, task=TaskKind.ALLOCATE_OR_REFUND)
    return None


class ItemStops:
    """Stops of single items, prepared once per customer so that many items stay cheap."""

    def __init__(self, facts: CustomerFacts, today: date) -> None:
        self.facts, self.today = facts, today
        self.promises = [(p, self._promise(p)) for p in facts.promises]
        self.plans = [p for p in facts.plans if _plan_kept(p, facts, today)]
        self.holds = [hold for hold in _running(facts, today) if hold.items]

    def find(self, item: ItemFacts) -> Stop | None:
        """A promise, a kept plan or a hold that concerns this item."""
        for promise, stop in self.promises:
            if stop is not None and _concerns(promise, item):
                return stop
        if any(_concerns(plan, item) for plan in self.plans):
            return Stop(Reason.PLAN)
        return _latest_hold([h for h in self.holds if item.key in h.items], Reason.HOLD)

    def _promise(self, promise: PromiseFacts) -> Stop | None:
        """Until its date + grace; then a call task before the ladder goes on.

        At most two in a row or 30 days ahead: beyond that a promise stops nothing.
        """
        if promise.state == "open":
            end = promise_end(promise, self.facts)
            if self.today <= end:
                too_many = promise.in_row > self.facts.settings.promise_max_in_row
                return None if too_many else Stop(Reason.PROMISED, _day_after(self.facts, end))
        if needs_follow_up(promise, self.facts, self.today):
            return Stop(Reason.PROMISE_BROKEN, _day_after(self.facts, self.today))
        return None


def promise_end(promise: PromiseFacts, facts: CustomerFacts) -> date:
    """The last day a promise stops the ladder."""
    settings = facts.settings
    furthest = promise.made_on + timedelta(days=settings.promise_max_days)
    grace = settings.promise_grace_business_days
    return facts.calendar.add(min(promise.due_on, furthest), grace)


def is_beyond_limits(promise: PromiseFacts, facts: CustomerFacts) -> bool:
    """Whether a promise asks for more than we grant; then a plan is agreed instead."""
    settings = facts.settings
    far = (promise.due_on - promise.made_on).days > settings.promise_max_days
    return promise.state == "open" and (far or promise.in_row > settings.promise_max_in_row)


def needs_follow_up(promise: PromiseFacts, facts: CustomerFacts, today: date) -> bool:
    """Broken or part kept, and the call about it neither made nor lapsed.

    Old promises are history: the call is owed within twenty business days of the date.
    """
    if promise.followed_up or promise.state in ("kept", "cancelled"):
        return False
    if not any(c.may_call for c in facts.contacts):
        return False
    end = promise_end(promise, facts)
    if today <= end or today > facts.calendar.add(end, 20):
        return False
    since = promise.follow_up_open_since
    if since is None:
        return True
    return today < facts.calendar.add(since, facts.settings.call_lapses_business_days)


def _plan_kept(plan: PlanFacts, facts: CustomerFacts, today: date) -> bool:
    if plan.state != "active":
        return False
    grace = facts.settings.promise_grace_business_days
    return plan.missed_on is None or today <= facts.calendar.add(plan.missed_on, grace)


def _concerns(thing: PromiseFacts | PlanFacts, item: ItemFacts) -> bool:
    return not thing.items or item.key in thing.items


def must_ask_received(item: ItemFacts, position: Position, firm_place: int, today: date) -> bool:
    """They paid a newer item and skipped this one, recently, before anything firm went out."""
    since = item.skipped_since
    if since is None or since > today or today - since > ASK_RECENT:
        return False
    if position.highest >= firm_place or item.due_date >= today:
        return False
    return not any(row.kind is Kind.ASK_RECEIVED and row.on >= since for row in item.history)


def asked_stop(item: ItemFacts, facts: CustomerFacts, today: date) -> Stop | None:
    """Ten business days to answer whether the skipped item was received."""
    asked = [
        row.done_on or row.on
        for row in item.history
        if row.kind is Kind.ASK_RECEIVED
        and row.state in (State.SENT, State.PLANNED, State.CLAIMED, State.SENDING, State.UNKNOWN)
        and row.result is not Result.BOUNCED
    ]
    if not asked:
        return None
    end = facts.calendar.add(max(asked), facts.settings.ask_received_business_days)
    return Stop(Reason.ASKED_RECEIVED, _day_after(facts, end)) if today <= end else None


def running_final(facts: CustomerFacts, today: date) -> Stop | None:
    """While a final demand runs, nothing else is chased automatically (rule 6)."""
    ends = [
        row.pay_by
        for item in facts.items
        for row in item.history
        if row.tone is Tone.FINAL and row.state is State.SENT and row.pay_by is not None
    ]
    if not ends or today > max(ends):
        return None
    return Stop(Reason.FINAL_RUNNING, _day_after(facts, max(ends)))
