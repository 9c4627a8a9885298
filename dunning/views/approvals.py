"""Approvals: what waits for a manager, exactly as it would go to whom (rule 6)."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from arfollow.shared.acting import back_to
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.shared.lists import Column, export_links, export_of
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import requires
from customers.models import Address
from dunning import outbox
from dunning.forms.texts import ApprovalForm
from dunning.models import AttemptState, Channel, ContactAttempt, HeldFor, ItemPart, Tone

SHOWN = 20
"""Customers on a page: each message is shown as it would go."""

COLUMNS = (
    Column("customer__name", "Customer"),
    Column("customer__number", "Customer number"),
    Column("channel", "Channel", value=lambda row: row.get_channel_display()),
    Column("tone", "Tone", value=lambda row: row.get_tone_display()),
    Column("planned_on", "Since"),
    Column("pay_by", "Pay by"),
    Column("edited_by__username", "Edited by"),
    Column("reason_text", "Why"),
)
TABS = {
    "all": "Everything",
    "final": "Final demands",
    "letters": "Letters",
    "handover": "Hand-overs",
    "other": "Other",
}


def waiting(kind: str = "all") -> QuerySet[ContactAttempt]:
    """What waits for an approval, the oldest first."""
    rows = ContactAttempt.objects.filter(
        state=AttemptState.HELD, held_for=HeldFor.APPROVAL
    ).order_by("planned_on", "customer_id", "pk")
    match kind:
        case "final":
            return rows.filter(tone=Tone.FINAL).exclude(channel=Channel.HANDOVER)
        case "letters":
            return rows.filter(channel=Channel.LETTER)
        case "handover":
            return rows.filter(channel=Channel.HANDOVER)
        case "other":
            severe = (Channel.LETTER, Channel.HANDOVER)
            return rows.exclude(tone=Tone.FINAL).exclude(channel__in=severe)
    return rows


@require_safe
@requires(Role.READ_ONLY)
def approval_list(request: HttpRequest) -> HttpResponseBase:
    """E-mail and letter of a customer side by side, with what can be decided."""
    asked = request.GET.get("kind", "all")
    kind = asked if asked in TABS else "all"
    rows = waiting(kind)
    exported = export_of(
        request, "Approvals", COLUMNS, rows.select_related("customer", "edited_by")
    )
    if exported is not None:
        return exported
    customers = list(dict.fromkeys(rows.values_list("customer_id", flat=True)))
    page = _number(request.GET.get("page", ""), len(customers))
    chosen = customers[(page - 1) * SHOWN : page * SHOWN]
    context = {
        "groups": _groups(rows.filter(customer__in=chosen), request.user),
        "tabs": [_tab(key, kind) for key in TABS],
        "kind": kind,
        "number": len(customers),
        "page": page,
        "more": page * SHOWN < len(customers),
        "exports": export_links(request),
    }
    return render(request, "dunning/approvals.html", context)


def _number(asked: str, customers: int) -> int:
    last = max(1, -(-customers // SHOWN))
    return min(max(int(asked), 1), last) if asked.isdecimal() and len(asked) < 6 else 1


def _tab(key: str, kind: str) -> dict[str, Any]:
    return {
        "url": f"?kind={key}",
        "label": TABS[key],
        "current": key == kind,
        "count": waiting(key).count(),
    }


def _groups(rows: QuerySet[ContactAttempt], user: Any) -> list[dict[str, Any]]:
    """The messages by customer, each with what goes to whom."""
    found = rows.select_related(
        "customer__owner", "edited_by", "created_by", "policy_version__policy"
    )
    attempts = list(found.prefetch_related("items__invoice", "recipients", "edits"))
    customers = {row.customer_id: row.customer for row in attempts}
    addresses = {
        row.customer_id: row for row in Address.objects.filter(customer__in=customers, active=True)
    }
    others = _other_approvers(user)
    company = Company.load()
    groups: dict[int, dict[str, Any]] = {
        pk: {"customer": customer, "rows": []} for pk, customer in customers.items()
    }
    for attempt in attempts:
        row = _row(attempt, addresses.get(attempt.customer_id), company, user, others=others)
        groups[attempt.customer_id]["rows"].append(row)
    for group in groups.values():
        group["may_approve"] = [row for row in group["rows"] if row["may_approve"]]
    return list(groups.values())


def _other_approvers(user: Any) -> bool:
    roles = (Role.MANAGER, Role.ADMIN)
    return User.objects.filter(is_active=True, role__in=roles).exclude(pk=user.pk).exists()


def _row(
    attempt: ContactAttempt, address: Address | None, company: Company, user: Any, *, others: bool
) -> dict[str, Any]:
    totals: dict[str, Any] = {}
    for item in attempt.items.all():
        if item.part == ItemPart.PLEASE_PAY:
            totals[item.currency] = totals.get(item.currency, 0) + item.amount
    own = user.pk in (attempt.edited_by_id, attempt.created_by_id) and others
    return {
        "attempt": attempt,
        "to": _to_whom(attempt, address, company),
        "totals": totals,
        "severe": attempt.tone == Tone.FINAL or attempt.channel == Channel.HANDOVER,
        "editable": attempt.channel in (Channel.EMAIL, Channel.LETTER),
        "own": own,
        "may_approve": isinstance(user, User) and user.may_approve and not own,
        "edits": len(attempt.edits.all()),
    }


def _to_whom(attempt: ContactAttempt, address: Address | None, company: Company) -> list[str]:
    if attempt.channel == Channel.LETTER:
        return [str(address)] if address else []
    if attempt.channel == Channel.HANDOVER:
        return [company.agency_name or "Agency to be named"]
    return [f"{to.name} <{to.address}>" if to.name else to.address
            for to in attempt.recipients.all()]  # fmt: skip


@require_POST
@requires(Role.MANAGER)
def approvals_approve(request: HttpRequest) -> HttpResponse:
    """Let the chosen ones go; each that is refused says why."""
    form = ApprovalForm(request.POST, waiting=list(waiting().values_list("pk", flat=True)))
    if not form.is_valid():
        messages.error(request, "Nothing was approved: it does not wait any more.")
    else:
        _approve(request, form.cleaned_data["pk"])
    return redirect(back_to(request, reverse("approval-list")))


def _approve(request: HttpRequest, ids: Sequence[int]) -> None:
    done = 0
    for attempt_id in ids:
        try:
            outbox.approve(attempt_id, actor=actor_of(request.user))
            done += 1
        except ServiceError as refusal:
            row = ContactAttempt.objects.select_related("customer").get(pk=attempt_id)
            messages.error(request, f"{row.customer.name}, {row.get_channel_display()}: {refusal}")
    if done:
        messages.success(request, f"{done} approved." if done > 1 else "Approved.")
