"""Payments settle a plan's instalments in order; a missed one ends it (rule 8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from arfollow.shared.events import SYSTEM
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company
from dunning.facts import received_by_plan
from dunning.models import PaymentPlan, PlanInstalment, PlanStatus, TaskKind
from dunning.outbox.calendars import customer_calendar, our_calendar
from dunning.outcomes.items import ZERO
from dunning.outcomes.notes import TaskNote, open_task
from dunning.outcomes.plans import end_plan, locked_plan
from dunning.outcomes.words import say_day


@dataclass(frozen=True, slots=True)
class PlansSettled:
    """How many plans a settling ended, by how they ended."""

    kept: int = 0
    ended: int = 0


def settle_plans(today: date) -> PlansSettled:
    """Bring the instalments of running plans up to date and end what is over.

    Only plans with news in the customer's ledger or an instalment past its grace.
    """
    company = Company.load()
    ends = [
        _settle(plan_id, company, today)
        for plan_id in plans_to_look_at(today, company.promise_grace_days)
    ]
    return PlansSettled(kept=ends.count(PlanStatus.KEPT), ended=ends.count(PlanStatus.ENDED))


def plans_to_look_at(today: date, grace: int) -> list[int]:
    """Running plans whose customer's ledger moved, or whose instalment is some days late."""
    late = PlanInstalment.objects.filter(
        plan=OuterRef("pk"),
        paid_amount__lt=F("amount"),
        due_on__lt=today - timedelta(days=grace),
    )
    moved = Q(looked_seq__lt=F("customer__ledger_seq"))
    rows: QuerySet[PaymentPlan] = PaymentPlan.objects.filter(
        moved | Q(Exists(late)), status=PlanStatus.ACTIVE, agreed_on__lte=today
    )
    return list(rows.order_by("customer_id", "id").values_list("pk", flat=True))


def spread(received: Decimal, amounts: Sequence[Decimal]) -> list[Decimal]:
    """What of each instalment is paid when so much came in: the first is filled first."""
    paid, left = [], received
    for amount in amounts:
        part = min(max(left, ZERO), amount)
        paid.append(part)
        left -= part
    return paid


def _settle(plan_id: int, company: Company, today: date) -> str:
    with transaction.atomic():
        plan = locked_plan(plan_id)
        if plan.status != PlanStatus.ACTIVE:
            return ""
        seen = plan.customer.ledger_seq
        rows = _bring_up_to_date(plan, today)
        missed = _missed(plan, rows, company, today)
        if all(row.paid_amount >= row.amount - company.tolerance for row in rows):
            return _kept(plan, today)
        if not plan.invoices.filter(open_amount__gt=0).exists():
            return _kept(plan, today)
        if missed is not None:
            return _broken(plan, missed, rows, company, today)
        PaymentPlan.objects.filter(pk=plan.pk).update(looked_seq=seen)
    return ""


def _bring_up_to_date(plan: PaymentPlan, today: date) -> list[PlanInstalment]:
    rows = list(plan.instalments.order_by("number"))
    paid = spread(received_by_plan(plan, until=today), [row.amount for row in rows])
    for row, amount in zip(rows, paid, strict=True):
        row.paid_amount = amount
    PlanInstalment.objects.bulk_update(rows, ["paid_amount"])
    return rows


def _missed(
    plan: PaymentPlan, rows: Sequence[PlanInstalment], company: Company, today: date
) -> PlanInstalment | None:
    """The oldest instalment that is not paid and whose grace has passed."""
    calendar = customer_calendar(plan.customer)
    late = (
        row
        for row in rows
        if row.paid_amount < row.amount - company.tolerance
        and today > calendar.add(row.due_on, company.promise_grace_days)
    )
    return next(late, None)


def _kept(plan: PaymentPlan, today: date) -> str:
    said = f"Payment plan kept: {with_currency(plan.total, plan.currency)} came in"
    end_plan(plan, PlanStatus.KEPT, said, today, SYSTEM)
    return PlanStatus.KEPT


def _broken(
    plan: PaymentPlan,
    missed: PlanInstalment,
    rows: Sequence[PlanInstalment],
    company: Company,
    today: date,
) -> str:
    """The plan ends in the open: an event, a task for the owner, the reason on the plan."""
    part = with_currency(missed.amount, plan.currency)
    came = sum((row.paid_amount for row in rows), ZERO)
    whole = with_currency(plan.total, plan.currency)
    said = (
        f"Payment plan ended: payment {missed.number} of {part}, due {say_day(missed.due_on)}, "
        f"was missed; {came:,.2f} of {whole} came in"
    )
    end_plan(plan, PlanStatus.ENDED, said, today, SYSTEM)
    due = our_calendar(company).roll_forward(today)
    open_task(plan.customer, TaskNote(TaskKind.PLAN_MISSED, said, due, f"plan:{plan.pk}"))
    return PlanStatus.ENDED
