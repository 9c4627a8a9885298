"""A dispute on its page: what was said, who settles it by when, how it ends."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, posted
from arfollow.shared.events import actor_of
from arfollow.shared.models import Event
from arfollow.shared.money import with_currency
from arfollow.shared.words import say_day
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from invoices.forms.actions import AssignForm, SettleForm
from invoices.models import Dispute, DisputeStatus
from invoices.services import Credit, assign_dispute, resolve_dispute

WRITES = require_http_methods(["GET", "POST"])


def _today() -> date:
    return clock.today(Company.load().time_zone)


def _dispute(pk: int) -> Dispute:
    rows = Dispute.objects.select_related("invoice__customer__owner", "owner", "credit_note")
    return get_object_or_404(rows, pk=pk)


@WRITES
@requires(Role.COLLECTOR, reads=Role.READ_ONLY)
def dispute_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """All about one dispute; while it is open, its owner and target change here."""
    dispute = _dispute(pk)
    invoice, today = dispute.invoice, _today()
    initial = {"owner": dispute.owner_id, "target_date": dispute.target_date}
    is_open = dispute.status == DisputeStatus.OPEN
    page = ActionPage(
        title=f"Dispute of invoice {invoice.number}",
        submit="Save",
        back=reverse("dispute-detail", args=[pk]),
        sub=invoice.customer.name,
        facts=_facts(dispute, today),
        template="invoices/dispute.html",
        extra={
            "dispute": dispute,
            "is_open": is_open,
            "is_past": is_open and bool(dispute.target_date and dispute.target_date < today),
            "rest": invoice.open_amount - invoice.disputed_amount,
            "history": _history(dispute),
        },
    )

    def assign(data: Any) -> str:
        row = assign_dispute(pk, actor=actor_of(request.user), **data)
        return f"The dispute is with {row.owner or 'nobody'}."

    return act(request, page, AssignForm(posted(request), initial=initial), assign)


def _facts(dispute: Dispute, today: date) -> list[tuple[str, Any]]:
    age = ((dispute.resolved_on or today) - dispute.raised_on).days
    ran = "open for" if dispute.resolved_on is None else "ran for"
    facts: list[tuple[str, Any]] = [
        ("Disputed", with_currency(dispute.amount, dispute.invoice.currency)),
        ("About", dispute.get_reason_display()),
        ("Raised", f"{say_day(dispute.raised_on)}, {ran} {age} day{'' if age == 1 else 's'}"),
        ("Raised by", dispute.raised_by),
        ("Who settles it", dispute.owner or "Nobody"),
        ("Settled by", say_day(dispute.target_date) if dispute.target_date else ""),
        ("State", dispute.get_status_display()),
    ]
    if dispute.resolved_on:
        facts += [("Ended", say_day(dispute.resolved_on)), ("What was agreed", dispute.resolution)]
    return facts


def _history(dispute: Dispute) -> list[Event]:
    """What happened to it, oldest first."""
    rows = Event.objects.filter(object_type="dispute", object_id=dispute.pk)
    return list(rows.select_related("data").order_by("pk")[:50])


@WRITES
@requires(Role.COLLECTOR)
def dispute_close(request: HttpRequest, pk: int) -> HttpResponse:
    dispute = _dispute(pk)
    invoice = dispute.invoice
    amount = with_currency(dispute.amount, invoice.currency)
    page = ActionPage(
        title=f"Settle the dispute of invoice {invoice.number}",
        submit="Settle the dispute",
        back=back_to(request, reverse("invoice-detail", args=[invoice.pk])),
        sub=f"{invoice.customer.name}: {amount}, {dispute.get_reason_display().lower()}",
        text="The days of the dispute never escalate. Rejected or accepted, the ladder goes on "
        "in a softer tone; credited, the credit note is set against the invoice.",
    )
    initial = {"on": _today(), "credit_amount": dispute.amount}
    form = SettleForm(posted(request), dispute=dispute, initial=initial)

    def settle(data: Any) -> str:
        row = resolve_dispute(
            pk,
            data["status"],
            on=data["on"],
            resolution=data["resolution"],
            actor=actor_of(request.user),
            credit=_credit(data),
        )
        noted = f" by credit note {row.credit_note.number}" if row.credit_note else ""
        return f"The dispute over {amount} is settled{noted}."

    return act(request, page, form, settle)


def _credit(data: Any) -> Credit | None:
    if data["status"] != DisputeStatus.CREDITED:
        return None
    return Credit(data["credit_number"], data["credit_amount"])
