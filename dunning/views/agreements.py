"""Promises, holds and plans, noted by hand; tasks and replies, dealt with."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, do_at_once, posted
from arfollow.shared.events import actor_of
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from customers.models import Customer
from dunning.forms.agreements import DayOnlyForm, HoldForm, PromiseForm, TaskForm, WhyForm
from dunning.models import Hold, Inbound, PaymentPlan, PlanStatus, Promise, Task, TaskKind
from dunning.outcomes import (
    HoldInput,
    add_hold,
    add_promise,
    agree_plan,
    cancel_promise,
    days_around,
    finish_task,
    open_items,
    read_reply,
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
    form = PromiseForm(posted(request), items=open_items(pk), initial=initial)
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
        made = add_promise(pk, form.given(), actor=actor, today=days.today)
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
def plan_agree(request: HttpRequest, pk: int) -> HttpResponse:
    plan = get_object_or_404(PaymentPlan.objects.select_related("customer"), pk=pk)
    parts = [
        (f"Part {part.number}, {say_day(part.due_on)}", with_currency(part.amount, plan.currency))
        for part in plan.instalments.all()
    ]
    page = ActionPage(
        title="Agree the payment plan",
        submit="The customer agreed",
        back=_home(request, plan.customer_id),
        sub=f"{plan.customer.name}: {with_currency(plan.total, plan.currency)}",
        text="Steps wait while each part comes in on its day.",
        facts=parts,
    )

    def agree(data: Any) -> str:
        agree_plan(pk, on=data["on"], actor=actor_of(request.user))
        return "The plan is agreed; steps wait while it is kept."

    initial = {"on": clock.today(Company.load().time_zone)}
    return act(request, page, DayOnlyForm(posted(request), initial=initial), agree)


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
    if task.kind == TaskKind.AGREE_PLAN:
        drafts = PaymentPlan.objects.filter(customer=task.customer_id, status=PlanStatus.DRAFT)
        links += [("The plan", reverse("plan-agree", args=[plan.pk])) for plan in drafts]
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


@WRITES
@requires(Role.COLLECTOR)
def reply_read(request: HttpRequest, pk: int) -> HttpResponse:
    """The reply, and a button that says it was read and dealt with."""
    reply = get_object_or_404(Inbound.objects.select_related("customer", "attempt"), pk=pk)
    back = back_to(request, reverse("worklist"))
    if request.method == "POST":
        now, actor = clock.now(), actor_of(request.user)

        def read() -> str:
            read_reply(pk, actor=actor, now=now)
            return "The reply is read; the follow-up goes on."

        return do_at_once(request, back, read)
    return render(request, "dunning/reply.html", {"reply": reply, "back": back})
