"""Payment plans: offered with a preview, changed, agreed, taken back."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, posted, refused_or_done
from arfollow.shared.events import actor_of
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from customers.models import Customer
from dunning.forms.agreed import PartsForm, PlanForm
from dunning.forms.agreements import DayOnlyForm, WhyForm
from dunning.models import PaymentPlan, PlanInstalment, PlanStatus
from dunning.outcomes import (
    PlanOffer,
    agree_plan,
    change_draft,
    days_around,
    offer_plan,
    open_items,
    preview_plan,
    say_day,
    withdraw_plan,
)
from dunning.views.agreed import state_of

WRITES = require_http_methods(["GET", "POST"])
FIRST_AFTER = timedelta(days=7)


def _today() -> date:
    return clock.today(Company.load().time_zone)


@WRITES
@requires(Role.COLLECTOR)
def plan_offer(request: HttpRequest, pk: int) -> HttpResponse:
    """The form, then what it would make, then the draft: nothing is kept unseen."""
    customer = get_object_or_404(Customer, pk=pk)
    days = days_around(customer, Company.load(), clock.now())
    initial = {"count": 3, "first_on": days.today + FIRST_AFTER, "every": 0}
    form = PlanForm(posted(request), items=open_items(pk), initial=initial)
    back = back_to(request, reverse("customer-detail", args=[pk]))
    offer: PlanOffer | None = None
    if request.method == "POST" and form.is_valid():
        if "keep" in request.POST:
            plan = refused_or_done(form, lambda: _keep(form, pk, days.today, request))
            if plan is not None:
                return redirect("plan-detail", pk=plan.pk)
        else:
            offer = refused_or_done(form, lambda: _preview(form, pk, days.today))
    status = 422 if form.is_bound and form.errors else 200
    context = {"customer": customer, "form": form, "offer": offer, "back": back}
    return render(request, "dunning/plan_offer.html", context, status=status)


def _preview(form: PlanForm, pk: int, today: date) -> PlanOffer:
    currency = form.cleaned_data.get("currency", "")
    return preview_plan(pk, form.terms(), today=today, items=form.wanted(), currency=currency)


def _keep(form: PlanForm, pk: int, today: date, request: HttpRequest) -> PaymentPlan:
    return offer_plan(
        pk,
        form.terms(),
        actor=actor_of(request.user),
        today=today,
        items=form.wanted(),
        currency=form.cleaned_data.get("currency", ""),
        note=form.cleaned_data["note"],
    )


@require_safe
@requires(Role.READ_ONLY)
def plan_detail(request: HttpRequest, pk: int) -> HttpResponse:
    rows = PaymentPlan.objects.select_related("customer__owner", "recorded_by")
    plan = get_object_or_404(rows, pk=pk)
    parts = list(plan.instalments.order_by("number"))
    unpaid = next((part for part in parts if part.paid_amount < part.amount), None)
    today = _today()
    context = {
        "plan": plan,
        "parts": [(part, _state(plan, part, today)) for part in parts],
        "state": state_of(plan, unpaid.due_on if unpaid else None, today),
        "paid": sum(part.paid_amount for part in parts),
        "invoices": plan.invoices.order_by("due_date", "pk")[:100],
        "messages_about": plan.messages.order_by("pk"),
    }
    return render(request, "dunning/plan.html", context)


def _state(plan: PaymentPlan, part: PlanInstalment, today: date) -> tuple[str, str]:
    """How one payment of the plan stands, in words and as the kind of its tag."""
    if part.paid_amount >= part.amount:
        return "Paid", "good"
    if plan.status == PlanStatus.ENDED:
        return "Not paid", "severe"
    if plan.status == PlanStatus.ACTIVE and part.due_on < today:
        return "Late", "late"
    return ("Part paid", "due") if part.paid_amount else ("To come", "current")


@WRITES
@requires(Role.COLLECTOR)
def plan_change(request: HttpRequest, pk: int) -> HttpResponse:
    plan = get_object_or_404(PaymentPlan.objects.select_related("customer"), pk=pk)
    page = ActionPage(
        title="Change the payment plan",
        submit="Keep these payments",
        back=reverse("plan-detail", args=[pk]),
        sub=f"{plan.customer.name}: {with_currency(plan.total, plan.currency)}",
        text="Together the payments make the plan's total. Empty both fields to take one out.",
        template="dunning/plan_change.html",
    )
    form = PartsForm(posted(request), parts=plan.instalments.all())

    def change(_: Any) -> str:
        change_draft(pk, form.parts(), actor=actor_of(request.user), today=_today())
        return "The plan is changed; it is still a draft."

    return act(request, page, form, change)


@WRITES
@requires(Role.COLLECTOR)
def plan_agree(request: HttpRequest, pk: int) -> HttpResponse:
    plan = get_object_or_404(PaymentPlan.objects.select_related("customer"), pk=pk)
    parts = [
        (f"Part {part.number}, {say_day(part.due_on)}", with_currency(part.amount, plan.currency))
        for part in plan.instalments.all()
    ]
    page = ActionPage(
        title="Agree the payment plan",
        submit="The customer agreed",
        back=back_to(request, reverse("plan-detail", args=[pk])),
        sub=f"{plan.customer.name}: {with_currency(plan.total, plan.currency)}",
        text="Steps wait while each part comes in on its day. The plan goes to them by e-mail.",
        facts=parts,
    )
    now = clock.now()

    def agree(data: Any) -> str:
        agree_plan(pk, on=data["on"], actor=actor_of(request.user), now=now)
        return "The plan is agreed; steps wait while it is kept."

    initial = {"on": _today()}
    return act(request, page, DayOnlyForm(posted(request), initial=initial), agree)


@WRITES
@requires(Role.COLLECTOR)
def plan_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    plan = get_object_or_404(PaymentPlan.objects.select_related("customer"), pk=pk)
    draft = plan.status == PlanStatus.DRAFT
    page = ActionPage(
        title="Withdraw the draft" if draft else "End the payment plan",
        submit="Withdraw the draft" if draft else "End the plan",
        back=reverse("plan-detail", args=[pk]),
        sub=f"{plan.customer.name}: {with_currency(plan.total, plan.currency)}",
        text="" if draft else "The steps of the policy go on from where they stood.",
    )

    def withdraw(data: Any) -> str:
        actor = actor_of(request.user)
        withdraw_plan(pk, on=_today(), reason=data["reason"], actor=actor)
        return "The draft is withdrawn." if draft else "The plan is ended; steps go on."

    return act(request, page, WhyForm(posted(request)), withdraw)
