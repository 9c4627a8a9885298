"""The outbox: what leaves next and when, what waits for a decision, what became of the rest."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, do_at_once, posted
from arfollow.shared.events import actor_of
from arfollow.shared.framed import sandboxed_html
from arfollow.shared.lists import Column, ListState, ListView
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import RequiresRole, requires
from dunning import outbox
from dunning.forms.outbox import CancelForm, DeclineForm, OutboxFilter
from dunning.models import AttemptState, Channel, ContactAttempt, HeldFor
from dunning.outbox import Settlement, repairs
from dunning.views import problems, slots
from dunning.views.preview import preview_of

RECENT = timedelta(days=30)
LEAVING = (AttemptState.PLANNED, AttemptState.CLAIMED, AttemptState.SENDING)
BY_MACHINE = (Channel.EMAIL, Channel.INTERNAL)
TABS = {
    "next": "Leaves next",
    "approval": "Waits for approval",
    "problems": "Problems",
    "held": "Held",
    "done": "Done",
}
ORDERS = {"next": "due_at", "done": "-pk"}


def shown_as(show: str) -> QuerySet[ContactAttempt]:
    """The rows of a tab."""
    rows = ContactAttempt.objects.all()
    match show:
        case "approval":
            return rows.filter(state=AttemptState.HELD, held_for=HeldFor.APPROVAL)
        case "problems":
            return repairs.problems(clock.now() - RECENT)
        case "held":
            return rows.filter(state=AttemptState.HELD).exclude(held_for=HeldFor.APPROVAL)
        case "done":
            ended = (AttemptState.SENT, AttemptState.CANCELLED, AttemptState.SKIPPED)
            return rows.filter(state__in=ended)
    return rows.filter(state__in=LEAVING, channel__in=BY_MACHINE, due_at__isnull=False)


class Outbox(RequiresRole, ListView):
    """Every intended contact is a row; the tab says which."""

    role = Role.READ_ONLY
    template_name = "dunning/outbox.html"
    title = "Outbox"
    columns = (
        Column("customer__name", "Customer"),
        Column("customer__number", "Number", export_only=True),
        Column("channel", "Channel", value=lambda row: row.get_channel_display()),
        Column("tone", "Tone", value=lambda row: row.get_tone_display()),
        Column("due_at", "Leaves", nullable=True),
        Column("state", "State", value=lambda row: row.get_state_display()),
        Column("provider_status", "Reported", export_only=True),
        Column("local_date", "Day", export_only=True),
        Column("reason_text", "Why", sortable=False),
        Column("error", "Trouble", export_only=True),
    )
    filter_form = OutboxFilter

    @property
    def show(self) -> str:
        asked = self.request.GET.get("show", "next")
        return asked if asked in TABS else "next"

    @property
    def default_sort(self) -> str:  # type: ignore[override]  # the tab decides
        return ORDERS.get(self.show, "pk")

    def rows(self) -> QuerySet[Any, Any]:
        return shown_as(self.show).select_related("customer", "call").defer("content")

    def decorate(self, rows: list[Any]) -> None:
        """What can be done about each problem."""
        if self.show == "problems":
            fixes = problems.fixes_of(rows)
            for row in rows:
                row.fix = fixes[row.pk]

    def more(self, shown: ListState) -> dict[str, object]:
        counts = {key: shown_as(key).count() for key in TABS if key != "done"}
        by_slot = self.show == "next" and shown.sort in ("", "due_at")
        held = self.show == "held" and counts["held"]
        now = clock.now()
        return {
            "show": self.show,
            "tabs": [
                {"url": f"?show={key}", "label": label, "current": key == self.show,
                 "count": counts.get(key)}
                for key, label in TABS.items()
            ],
            "storm": shown_as("held").filter(held_for=HeldFor.STORM).count() if held else 0,
            "slots": slots.slots_of(shown.rows, now) if by_slot else [],
            "upcoming": slots.upcoming(now) if self.show == "next" else None,
        }  # fmt: skip


@require_safe
@requires(Role.READ_ONLY)
def attempt_detail(request: HttpRequest, pk: int) -> HttpResponse:
    rows = ContactAttempt.objects.select_related(
        "customer__owner", "lead_invoice", "approved_by", "created_by", "run", "letter",
        "policy_version__policy",
    )  # fmt: skip
    attempt = get_object_or_404(rows, pk=pk)
    context = {
        "attempt": attempt,
        "preview": preview_of(attempt),
        "parts": _parts(attempt),
        "recipients": attempt.recipients.all(),
        "reports": attempt.delivery_events.order_by("received_at"),
        "call": getattr(attempt, "call", None),
        "letter": getattr(attempt, "letter", None),
        "fix": problems.fixes_of([attempt]).get(attempt.pk),
        "back": back_to(request, reverse("outbox")),
        **_possible(attempt, request.user),
    }
    return render(request, "dunning/attempt.html", context)


def _parts(attempt: ContactAttempt) -> list[dict[str, Any]]:
    """The items by part and currency, as the message lists them."""
    parts: dict[tuple[str, str], list[Any]] = {}
    for item in attempt.items.select_related("invoice").order_by("pk")[:400]:
        parts.setdefault((item.get_part_display(), item.currency), []).append(item)
    return [
        {"part": part, "currency": code, "items": rows, "total": sum(row.amount for row in rows)}
        for (part, code), rows in parts.items()
    ]


def _possible(attempt: ContactAttempt, user: Any) -> dict[str, bool]:
    """What this person can decide about the attempt as it is."""
    held = attempt.state == AttemptState.HELD
    approval = held and attempt.held_for == HeldFor.APPROVAL
    waiting = held or attempt.state in (AttemptState.PLANNED, AttemptState.CLAIMED)
    writes = isinstance(user, User) and user.may_write
    approves = isinstance(user, User) and user.may_approve
    return {
        "may_approve": approval and approves,
        "may_cancel": waiting and not approval and writes,
        "may_skip": (held or attempt.state == AttemptState.PLANNED) and approves,
        "may_release": held and not approval and approves,
        "may_try_again": outbox.may_try_again(attempt) and writes,
        "may_settle": attempt.state == AttemptState.UNKNOWN and writes,
        "may_log": attempt.state == AttemptState.PLANNED
        and attempt.channel in (Channel.CALL, Channel.VISIT)
        and writes,
    }


@require_safe
@requires(Role.READ_ONLY)
def attempt_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The message alone, without any power, for the frame of the detail page."""
    shown = preview_of(get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk))
    return sandboxed_html(shown.html or f"<p>{shown.problem}</p>")


def _detail(request: HttpRequest, pk: int) -> str:
    return back_to(request, reverse("attempt-detail", args=[pk]))


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def attempt_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    attempt = get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk)
    page = ActionPage(
        title=f"Cancel: {_what(attempt)}",
        submit="Cancel it",
        back=_detail(request, pk),
        sub=attempt.customer.name,
        text="It does not leave. The policy decides anew at the next run; to keep it from "
        "coming back, set a hold.",
    )

    def cancel(data: Any) -> str:
        outbox.cancel(pk, actor=actor_of(request.user), reason=data["reason"])
        return f"{_what(attempt)} to {attempt.customer.name} is cancelled."

    return act(request, page, CancelForm(posted(request)), cancel)


def _what(attempt: ContactAttempt) -> str:
    return f"{attempt.get_channel_display()} ({attempt.get_tone_display().lower()})"


@require_http_methods(["GET", "POST"])
@requires(Role.MANAGER)
def attempt_skip(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave a step out for good; needs the right to approve and a reason (L28)."""
    attempt = get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk)
    page = ActionPage(
        title=f"Skip: {_what(attempt)}",
        submit="Skip this step",
        back=_detail(request, pk),
        sub=attempt.customer.name,
        text="The step counts as left out, with your reason, and the policy goes on to the next.",
    )

    def skip(data: Any) -> str:
        actor, today = actor_of(request.user), clock.today(Company.load().time_zone)
        outbox.skip(pk, actor=actor, reason=data["reason"], today=today)
        return f"{_what(attempt)} to {attempt.customer.name} is skipped."

    return act(request, page, CancelForm(posted(request)), skip)


@require_POST
@requires(Role.MANAGER)
def attempt_approve(request: HttpRequest, pk: int) -> HttpResponse:
    attempt = get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk)

    def approve() -> str:
        outbox.approve(pk, actor=actor_of(request.user))
        return f"{_what(attempt)} to {attempt.customer.name} is approved."

    return do_at_once(request, _detail(request, pk), approve)


@require_http_methods(["GET", "POST"])
@requires(Role.MANAGER)
def attempt_decline(request: HttpRequest, pk: int) -> HttpResponse:
    attempt = get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk)
    page = ActionPage(
        title=f"Decline: {_what(attempt)}",
        submit="Decline it",
        back=_detail(request, pk),
        sub=attempt.customer.name,
        text="A declined step needs a next move, so that the matter is not lost.",
    )

    def decline(data: Any) -> str:
        outbox.decline(
            pk,
            actor=actor_of(request.user),
            reason=data["reason"],
            next_move=data["next_move"],
            again_on=data["again_on"],
            today=clock.today(Company.load().time_zone),
        )
        return f"{_what(attempt)} to {attempt.customer.name} is declined."

    return act(request, page, DeclineForm(posted(request)), decline)


@require_POST
@requires(Role.COLLECTOR)
def attempt_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """It arrived, send it again, or drop it (DELIVERY §3.3)."""
    attempt = get_object_or_404(ContactAttempt, pk=pk)
    how = request.POST.get("how", "")
    words = {
        Settlement.ARRIVED: "It counts as arrived.",
        Settlement.SEND_AGAIN: "It is planned once more.",
        Settlement.DROP: "It is dropped; its step may be planned again.",
    }

    def settle() -> str:
        outbox.settle_unknown(attempt.pk, Settlement(how), actor=actor_of(request.user))
        return words[Settlement(how)]

    if how not in set(Settlement):
        return do_at_once(request, _detail(request, pk), lambda: "Nothing was chosen.")
    return do_at_once(request, _detail(request, pk), settle)


@require_POST
@requires(Role.MANAGER)
def attempt_release(request: HttpRequest, pk: int) -> HttpResponse:
    attempt = get_object_or_404(ContactAttempt.objects.select_related("customer"), pk=pk)

    def release() -> str:
        outbox.release_held(pk, actor=actor_of(request.user))
        return f"{_what(attempt)} to {attempt.customer.name} leaves at its next slot."

    return do_at_once(request, _detail(request, pk), release)


@require_POST
@requires(Role.MANAGER)
def storm_release(request: HttpRequest) -> HttpResponse:
    """The one button of the storm guard."""

    def release() -> str:
        number = outbox.release_storm(actor=actor_of(request.user))
        if not number:
            return "They were let go already; nothing changed."
        return f"{number} let go; each leaves at its next slot."

    return do_at_once(request, reverse("outbox"), release)
