"""Payment plans: laid out, changed, agreed, and ended by money or by time (rule 8).

A plan is several dated payments over open invoices. While it is kept, steps wait; a missed
instalment and its grace end it where everybody can see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from django.db import transaction

from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor
from arfollow.shared.money import smallest_unit, with_currency
from arfollow.shared.workdays import Calendar
from customers.models import Customer
from customers.services import lock_customer, touch
from dunning.models import (
    ContactAttempt,
    PaymentPlan,
    PlanInstalment,
    PlanStatus,
    TaskKind,
)
from dunning.outbox.calendars import customer_calendar
from dunning.outcomes.items import ZERO, OpenItem, chosen, one_currency
from dunning.outcomes.messages import confirm_plan, drop_messages
from dunning.outcomes.notes import close_tasks, leave_event
from dunning.outcomes.words import say_day
from dunning.policy import ItemKey

PARTS = 3
FIRST_AFTER = 7
MONTH_DAYS = 30
MOST_PARTS = 60
MOST_DAYS = 3 * 366


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment: its day and amount."""

    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """How a plan is laid out: `count` equal parts, or parts of `each` until all is covered.

    `every` is the days between two parts; 0 means monthly, on the first part's day of the
    month (its last day where a month is shorter).
    """

    first_on: date
    count: int = 0
    each: Decimal | None = None
    every: int = 0


def lay_out(total: Decimal, terms: PlanTerms, *, step: Decimal = Decimal("0.01")) -> list[Part]:
    """The instalments of a plan over `total`; the last one takes the rest.

    `step` is the smallest amount that can be paid. Parts are rounded down to it, so that
    the last part is never smaller than nothing. ServiceError where the terms make no plan.
    """
    fixed = terms.each is not None
    amounts = _fixed(total, terms.each or ZERO) if fixed else _equal(total, terms.count, step)
    if len(amounts) > MOST_PARTS:
        raise ServiceError(f"That makes {len(amounts)} payments; a plan has {MOST_PARTS} at most.")
    return [Part(_day(terms, number), amount) for number, amount in enumerate(amounts)]


def _equal(total: Decimal, count: int, step: Decimal) -> list[Decimal]:
    if count < 1:
        raise ServiceError("Enter how many payments, or the amount of each.")
    if count > MOST_PARTS:
        raise ServiceError(f"A plan has {MOST_PARTS} payments at most.")
    part = (total / count).quantize(step, rounding=ROUND_DOWN)
    if part <= 0:
        raise ServiceError("The amount is too small for so many payments.")
    return [part] * (count - 1) + [total - part * (count - 1)]


def _fixed(total: Decimal, each: Decimal) -> list[Decimal]:
    if each <= 0:
        raise ServiceError("Each payment must be above nothing.")
    whole, rest = divmod(total, each)
    if whole > MOST_PARTS:
        raise ServiceError(f"That makes more than {MOST_PARTS} payments; enter a larger amount.")
    return [each] * int(whole) + ([rest] if rest else [])


def _day(terms: PlanTerms, number: int) -> date:
    if terms.every:
        return terms.first_on + timedelta(days=terms.every * number)
    months = terms.first_on.month - 1 + number
    year, month = terms.first_on.year + months // 12, months % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return date(year, month, min(terms.first_on.day, last))


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan as it is about to be drafted: what it covers and its instalments."""

    currency: str
    total: Decimal
    items: tuple[OpenItem, ...]
    parts: tuple[Part, ...]


def preview_plan(
    customer_id: int,
    terms: PlanTerms,
    *,
    today: date,
    items: Sequence[ItemKey] = (),
    currency: str = "",
) -> PlanOffer:
    """What a draft on these terms would be; nothing is written.

    Parts that fall on a weekend or holiday move to the customer's next business day.
    """
    if terms.first_on < today:
        raise ServiceError("The first payment is due today or later.")
    customer = Customer.objects.get(pk=customer_id)
    code, covered = one_currency(currency, chosen(customer_id, items, today=today))
    total = sum((item.collectible for item in covered), ZERO)
    laid_out = lay_out(total, terms, step=smallest_unit(code))
    parts = _on_business_days(laid_out, customer_calendar(customer))
    _check_reach(parts, today)
    return PlanOffer(code, total, tuple(covered), tuple(parts))


def _on_business_days(parts: Sequence[Part], calendar: Calendar) -> list[Part]:
    return [replace(part, due_on=calendar.roll_forward(part.due_on)) for part in parts]


def _check_reach(parts: Sequence[Part], today: date) -> None:
    if parts[-1].due_on > today + timedelta(days=MOST_DAYS):
        raise ServiceError("A plan ends within three years.")


def draft_plan(
    customer: Customer,
    items: Sequence[OpenItem],
    *,
    actor: Actor,
    today: date,
    call: ContactAttempt | None = None,
) -> PaymentPlan:
    """A draft over what can be asked for: three parts a month apart, the first in a week."""
    currency, covered = one_currency("", items)
    total = sum((item.collectible for item in covered), ZERO)
    terms = PlanTerms(today + timedelta(days=FIRST_AFTER), count=PARTS, every=MONTH_DAYS)
    small = total < PARTS
    unit = smallest_unit(currency)
    parts = [Part(terms.first_on, total)] if small else lay_out(total, terms, step=unit)
    offer = PlanOffer(currency, total, tuple(covered), tuple(parts))
    return _store(customer, offer, actor=actor, call=call)


def offer_plan(
    customer_id: int,
    terms: PlanTerms,
    *,
    actor: Actor,
    today: date,
    items: Sequence[ItemKey] = (),
    currency: str = "",
    note: str = "",
) -> PaymentPlan:
    """Keep what `preview_plan` showed as a draft; the same draft twice is one (L18)."""
    with transaction.atomic():
        customer = lock_customer(customer_id)
        offer = preview_plan(customer_id, terms, today=today, items=items, currency=currency)
        known = _same_draft(customer_id, offer)
        if known is not None:
            return known
        return _store(customer, offer, actor=actor, note=note)


def _same_draft(customer_id: int, offer: PlanOffer) -> PaymentPlan | None:
    drafts = PaymentPlan.objects.filter(
        customer_id=customer_id,
        status=PlanStatus.DRAFT,
        currency=offer.currency,
        total=offer.total,
    )
    wanted = [(part.due_on, part.amount) for part in offer.parts]
    for plan in drafts.prefetch_related("instalments"):
        if [(row.due_on, row.amount) for row in plan.instalments.all()] == wanted:
            return plan
    return None


def _store(
    customer: Customer,
    offer: PlanOffer,
    *,
    actor: Actor,
    call: ContactAttempt | None = None,
    note: str = "",
) -> PaymentPlan:
    plan = PaymentPlan.objects.create(
        customer=customer,
        call=call,
        currency=offer.currency,
        total=offer.total,
        note=note,
        recorded_by_id=actor.id,
    )
    plan.invoices.set({item.key.invoice_id for item in offer.items})
    _write_parts(plan, offer.parts)
    said = f"Payment plan drafted: {_told(plan, offer.parts)}"
    leave_event("plan.drafted", plan, customer.pk, said, actor)
    return plan


def _told(plan: PaymentPlan, parts: Sequence[Part]) -> str:
    amount = with_currency(plan.total, plan.currency)
    last = say_day(parts[-1].due_on)
    return f"{amount} in {len(parts)} payments from {say_day(parts[0].due_on)} to {last}"


def _write_parts(plan: PaymentPlan, parts: Sequence[Part]) -> None:
    PlanInstalment.objects.bulk_create(
        PlanInstalment(plan=plan, number=number, due_on=part.due_on, amount=part.amount)
        for number, part in enumerate(parts, start=1)
    )


def change_draft(plan_id: int, parts: Sequence[Part], *, actor: Actor, today: date) -> PaymentPlan:
    """Other days and amounts for a draft; together they still make its total."""
    with transaction.atomic():
        plan = locked_plan(plan_id)
        _must_be(plan, PlanStatus.DRAFT)
        _check_parts(plan, parts, today)
        plan.instalments.all().delete()
        _write_parts(plan, parts)
        said = f"Payment plan changed: {_told(plan, parts)}"
        leave_event("plan.changed", plan, plan.customer_id, said, actor)
    return plan


def _check_parts(plan: PaymentPlan, parts: Sequence[Part], today: date) -> None:
    if not parts:
        raise ServiceError("A plan has at least one payment.")
    days = [part.due_on for part in parts]
    if days != sorted(set(days)):
        raise ServiceError("Each payment is later than the one before it.")
    if days[0] < today:
        raise ServiceError("The first payment is due today or later.")
    if any(part.amount <= 0 for part in parts):
        raise ServiceError("Each payment must be above nothing.")
    together = sum((part.amount for part in parts), ZERO)
    if together != plan.total:
        apart = with_currency(abs(plan.total - together), plan.currency)
        side = "less" if together < plan.total else "more"
        whole = with_currency(plan.total, plan.currency)
        raise ServiceError(f"The payments make {apart} {side} than the plan's {whole}.")
    _check_reach(parts, today)


def agree_plan(plan_id: int, *, on: date, actor: Actor, now: datetime | None = None) -> PaymentPlan:
    """The customer agreed: from now on steps wait while the plan is kept (rule 8).

    With `now` it is put in writing by e-mail. The task to agree it is done.
    """
    with transaction.atomic():
        plan = locked_plan(plan_id)
        _must_be(plan, PlanStatus.DRAFT)
        first = plan.instalments.order_by("number").first()
        if first is not None and first.due_on < on:
            raise ServiceError("The first payment was due before that day. Change the plan first.")
        plan.status, plan.agreed_on = PlanStatus.ACTIVE, on
        plan.save(update_fields=["status", "agreed_on"])
        said = f"Payment plan agreed over {with_currency(plan.total, plan.currency)}"
        leave_event("plan.agreed", plan, plan.customer_id, said, actor)
        close_tasks(plan.customer_id, TaskKind.AGREE_PLAN, actor=actor, result="Agreed")
        if now is not None:
            confirm_plan(plan, now=now, today=on, actor=actor)
        touch(plan.customer_id)
    return plan


def withdraw_plan(plan_id: int, *, on: date, reason: str, actor: Actor) -> PaymentPlan:
    """Take back a draft, or end a plan that runs; steps go on the next day."""
    with transaction.atomic():
        plan = locked_plan(plan_id)
        if plan.status == PlanStatus.DRAFT:
            end, said = PlanStatus.WITHDRAWN, f"Payment plan withdrawn: {reason}"
        else:
            _must_be(plan, PlanStatus.ACTIVE)
            end, said = PlanStatus.ENDED, f"Payment plan ended by us: {reason}"
        end_plan(plan, end, said, on, actor)
    return plan


def locked_plan(plan_id: int) -> PaymentPlan:
    """The plan, read under its customer's lock, in the caller's transaction."""
    plan = PaymentPlan.objects.select_related("customer").get(pk=plan_id)
    lock_customer(plan.customer_id)
    plan.refresh_from_db()
    return plan


def _must_be(plan: PaymentPlan, wanted: PlanStatus) -> None:
    if plan.status != wanted:
        raise ServiceError(f"This plan is {plan.get_status_display().lower()} already.")


def end_plan(plan: PaymentPlan, status: PlanStatus, said: str, on: date, actor: Actor) -> None:
    """Write how it ended, take back what still waits about it; under the customer's lock."""
    plan.status, plan.ended_on, plan.ended_why = status, on, said[:300]
    plan.save(update_fields=["status", "ended_on", "ended_why"])
    leave_event(f"plan.{status}", plan, plan.customer_id, said, actor)
    drop_messages(said, plan_id=plan.pk)
    touch(plan.customer_id)


def ended_plan(customer_id: int) -> PaymentPlan | None:
    """The plan that was not kept, while it is the newest and something of it is still open."""
    agreed = PaymentPlan.objects.filter(customer_id=customer_id).exclude(
        status__in=[PlanStatus.DRAFT, PlanStatus.WITHDRAWN]
    )
    newest = agreed.order_by("-pk").first()
    if newest is None or newest.status != PlanStatus.ENDED:
        return None
    return newest if newest.invoices.filter(open_amount__gt=0).exists() else None
