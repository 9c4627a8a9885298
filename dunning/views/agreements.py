"""Promises, holds and plans, noted by hand; tasks and replies, dealt with."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, do_at_once, posted
from arfollow.shared.events import actor_of
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from customers.models import Customer
from customers.services import primary_contact
from dunning.forms.agreed import ExtendForm
from dunning.forms.agreements import HoldForm, PromiseForm, TaskForm, WhyForm
from dunning.models import Hold, PaymentPlan, PlanStatus, Promise, Task, TaskKind
from dunning.outcomes import (
    HoldInput,
    add_hold,
    add_promise,
    cancel_promise,
    days_around,
    extend_hold,
    finish_task,
    open_items,
    release_hold,
    say_day,
)
from dunning.policy import ItemKey

TASK_PAGES = (
    (TaskKind.FIND_CONTACT, "Add a contact", "contact-add"),
    (TaskKind.ASK_ADDRESS, "The postal address", "address-edit"),
    (TaskKind.OTHER, "Record a payment", "payment-add"),
    (TaskKind.ALLOCATE_OR_REFUND, "Record a payment", "payment-add"),
    (TaskKind.DECIDE, "Hold the follow-up", "hold-add"),
    (TaskKind.OWNER_DECIDES, "Legal stop", "legal-stop"),
)
WRITES = require_http_methods(["GET", "POST"])


def _home(request: HttpRequest, customer_id: int | None) -> str:
    """Back to where the person came from, else to the customer."""
    place = reverse("customer-detail", args=[customer_id]) if customer_id else reverse("worklist")
    return back_to(request, place)


@WRITES
@requires(Role.COLLECTOR)
def promise_add(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    days = days_around(customer, Company.load(), clock.now())
    initial = {"due_on": days.promise_default}
    contact = primary_contact(pk)
    confirms = Company.load().confirm_promises and contact is not None and contact.can_email
    items = open_items(pk)
    form = PromiseForm(posted(request), items=items, confirms=confirms, initial=initial)
    page = ActionPage(
        title="Note a promise",
        submit="Note the promise",
        back=_home(request, pk),
        sub=customer.name,
        text=f"Steps wait until the day and {days.promise_grace} business days more. "
        f"The latest day is {say_day(days.promise_latest)}; beyond it, agree a plan.",
    )

    def note(_: Any) -> str:
        actor = actor_of(request.user)
        made = add_promise(pk, form.given(), actor=actor, today=days.today, now=days.now)
        return f"{with_currency(made.amount, made.currency)} promised by {say_day(made.due_on)}."

    return act(request, page, form, note)


@WRITES
@requires(Role.COLLECTOR)
def promise_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    promise = get_object_or_404(Promise.objects.select_related("customer"), pk=pk)
    page = ActionPage(
        title="Cancel the promise",
        submit="Cancel the promise",
        back=_home(request, promise.customer_id),
        sub=f"{promise.customer.name}: {promise}",
        text="The steps of the policy go on as if it had not been noted.",
    )

    def cancel(data: Any) -> str:
        today = clock.today(Company.load().time_zone)
        cancel_promise(pk, on=today, reason=data["reason"], actor=actor_of(request.user))
        return "The promise is cancelled."

    return act(request, page, WhyForm(posted(request)), cancel)


@WRITES
@requires(Role.COLLECTOR)
def hold_add(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk)
    days = days_around(customer, Company.load(), clock.now())
    initial = {"invoice": request.GET.get("invoice"), "until": days.document_until}
    form = HoldForm(posted(request), customer_id=pk, initial=initial)
    page = ActionPage(
        title="Hold the follow-up",
        submit="Hold until that day",
        back=_home(request, pk),
        sub=customer.name,
        text="Nothing is sent and nobody is called until the day after the hold.",
    )

    def hold(data: Any) -> str:
        items = (ItemKey(data["invoice"].pk),) if data["invoice"] else ()
        wanted = HoldInput(data["reason"], data["until"], items, data["ours"], data["note"])
        add_hold(pk, wanted, actor=actor_of(request.user), today=days.today)
        return f"On hold until {say_day(data['until'])}."

    return act(request, page, form, hold)


@require_POST
@requires(Role.COLLECTOR)
def hold_end(request: HttpRequest, pk: int) -> HttpResponse:
    hold = get_object_or_404(Hold, pk=pk)

    def end() -> str:
        release_hold(pk, on=clock.today(Company.load().time_zone), actor=actor_of(request.user))
        return "The hold is ended; the next run looks at it."

    return do_at_once(request, _home(request, hold.customer_id), end)


@WRITES
@requires(Role.COLLECTOR)
def hold_extend(request: HttpRequest, pk: int) -> HttpResponse:
    hold = get_object_or_404(Hold.objects.select_related("customer", "invoice"), pk=pk)
    what = f"invoice {hold.invoice}" if hold.invoice else "the whole customer"
    page = ActionPage(
        title="Extend the hold",
        submit="Hold until that day",
        back=_home(request, hold.customer_id),
        sub=f"{hold.customer.name}: {what}",
        text=f"{hold.get_reason_display()}; it runs until {say_day(hold.ends_on)}.",
    )

    def extend(data: Any) -> str:
        today = clock.today(Company.load().time_zone)
        actor = actor_of(request.user)
        extend_hold(pk, until=data["until"], reason=data["reason"], actor=actor, today=today)
        return f"On hold until {say_day(data['until'])}."

    return act(request, page, ExtendForm(posted(request)), extend)


@WRITES
@requires(Role.COLLECTOR)
def task_done(request: HttpRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task.objects.select_related("customer", "assigned_to"), pk=pk)
    page = ActionPage(
        title=task.title,
        submit="Close the task",
        back=back_to(request, reverse("worklist")),
        sub=task.customer.name if task.customer else "",
        facts=_task_facts(task),
        template="dunning/task.html",
        extra={"customer": task.customer, "links": _where(task)},
    )

    def finish(data: Any) -> str:
        actor = actor_of(request.user)
        done = finish_task(pk, actor=actor, result=data["result"], needed=data["outcome"])
        return f"Task closed: {done.title}."

    return act(request, page, TaskForm(posted(request)), finish)


def _where(task: Task) -> list[tuple[str, str]]:
    """The pages on which the task is really done."""
    if task.customer_id is None:
        return []
    links = [
        (label, reverse(name, args=[task.customer_id]))
        for kind, label, name in TASK_PAGES
        if kind == task.kind
    ]
    if task.kind in (TaskKind.AGREE_PLAN, TaskKind.DECIDE, TaskKind.PLAN_MISSED):
        drafts = PaymentPlan.objects.filter(customer=task.customer_id, status=PlanStatus.DRAFT)
        links += [("The plan", reverse("plan-detail", args=[plan.pk])) for plan in drafts]
        links.append(("Offer a plan", reverse("plan-offer", args=[task.customer_id])))
    if task.attempt_id is not None:
        links.append(("The contact it is about", reverse("attempt-detail", args=[task.attempt_id])))
    return links


def _task_facts(task: Task) -> list[tuple[str, Any]]:
    return [
        ("Kind", task.get_kind_display()),
        ("Due", say_day(task.due_on)),
        ("For", task.assigned_to or "whoever is free"),
        ("Status", task.get_status_display()),
    ]
