"""What is done with an account as a whole: its owner, supply, merging; a colleague's hand-over."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, posted, refused_or_done
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import requires
from customers.duplicates import duplicates_of
from customers.models import Customer
from dunning.forms.accounts import HandOverForm, MergeForm, OwnerForm, SupplyForm
from dunning.outcomes.merging import Plan, merge, preview_merge, refusal
from dunning.outcomes.ownership import assign, hand_over, preview_hand_over
from dunning.outcomes.supply import release_supply, sales_address, stop_supply

WRITES = require_http_methods(["GET", "POST"])


def _customer(pk: int) -> Customer:
    rows = Customer.objects.select_related("owner", "terms")
    return get_object_or_404(rows, pk=pk, merged_into=None)


def _home(request: HttpRequest, customer: Customer) -> str:
    return back_to(request, reverse("customer-detail", args=[customer.pk]))


def _today() -> Any:
    return clock.today(Company.load().time_zone)


@WRITES
@requires(Role.COLLECTOR)
def customer_assign(request: HttpRequest, pk: int) -> HttpResponse:
    customer = _customer(pk)
    form = OwnerForm(posted(request), initial={"owner": customer.owner_id or request.user.pk})
    page = ActionPage(
        title="Who looks after this customer",
        submit="Assign",
        back=_home(request, customer),
        sub=customer.name,
        text="Open tasks of the one before go along. Messages name the new person from now on.",
    )

    def give(data: Any) -> str:
        owner = assign(pk, data["owner"], actor=actor_of(request.user)).owner
        return f"{owner} looks after {customer.name}." if owner else "Nobody looks after it now."

    return act(request, page, form, give)


@WRITES
@requires(Role.MANAGER)
def customer_supply(request: HttpRequest, pk: int) -> HttpResponse:
    customer = _customer(pk)
    name, address = sales_address(customer, Company.load())
    told = (
        f"{name} <{address}> is told."
        if address
        else ("No sales address is known, so the owner and the managers are told.")
    )
    stopped = customer.credit_stop
    page = ActionPage(
        title="Let supply go on" if stopped else "Stop supply",
        submit="Let supply go on" if stopped else "Stop supply",
        back=_home(request, customer),
        sub=customer.name,
        text=f"{told} Nothing is stopped or released by itself.",
    )

    def change(data: Any) -> str:
        actor = actor_of(request.user)
        if stopped:
            release_supply(pk, data["reason"], actor=actor)
            return "Supply goes on; sales is told."
        stop_supply(pk, data["reason"], actor=actor, today=_today())
        return "Supply is stopped; sales is told."

    return act(request, page, SupplyForm(posted(request)), change)


@WRITES
@requires(Role.MANAGER)
def customer_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose (GET), see what moves (GET with a number), merge (POST)."""
    customer = _customer(pk)
    number = request.POST.get("number") or request.GET.get("number", "")
    form = MergeForm({"number": number} if number else None)
    absorbed = form.cleaned_data["number"] if form.is_bound and form.is_valid() else None
    if absorbed is not None and request.method == "POST":
        done = refused_or_done(form, lambda: _merge(request, absorbed, customer))
        if done is not None:
            messages.success(request, f"{absorbed} is part of {done} now.")
            return redirect("customer-detail", done.pk)
    context = {
        "customer": customer,
        "form": form,
        "absorbed": absorbed,
        "plan": _plan(form, absorbed, customer),
        "duplicates": duplicates_of(customer),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "customers/merge.html", context, status=status)


def _merge(request: HttpRequest, absorbed: Customer, survivor: Customer) -> Customer:
    actor = actor_of(request.user)
    return merge(absorbed.pk, survivor.pk, actor=actor, today=_today())


def _plan(form: MergeForm, absorbed: Customer | None, survivor: Customer) -> Plan | None:
    """What would happen; None, with the reason in the form, where it cannot."""
    if absorbed is None:
        return None
    reason = refusal(absorbed, survivor)
    if reason and not form.errors:
        form.add_error(None, reason)
    return None if reason else preview_merge(absorbed, survivor)


@WRITES
@requires(Role.MANAGER)
def staff_hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    giver = get_object_or_404(User, pk=pk)
    found = preview_hand_over(giver, _today())
    page = ActionPage(
        title=f"Hand over what {giver} looks after",
        submit=f"Hand over {found.customers} customers",
        back=back_to(request, reverse("staff-list")),
        text="Everything below goes to one colleague. For a holiday note an absence instead: "
        "it ends by itself.",
        facts=[
            ("Customers", found.customers),
            ("Of them overdue", found.overdue),
            ("Open tasks", found.tasks),
            ("Open disputes", found.disputes),
            ("Rules for new customers", found.rules),
        ],
    )

    def give(data: Any) -> str:
        actor, taker = actor_of(request.user), data["taker"]
        number = hand_over(giver, taker, actor=actor, why=data["why"])
        return f"{taker} looks after {number} more customers now."

    return act(request, page, HandOverForm(posted(request), giver=giver), give)
