"""What was agreed, as lists: promises, disputes, holds and payment plans."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.urls import reverse

from arfollow.shared import clock
from arfollow.shared.lists import Column, ListState, ListView
from arfollow.shared.money import with_currency
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import RequiresRole
from dunning.forms.agreed import AgreedFilter, DisputeFilter, HoldFilter
from dunning.models import (
    AttemptKind,
    ContactAttempt,
    Hold,
    PaymentPlan,
    PlanInstalment,
    PlanStatus,
    Promise,
    PromiseStatus,
)
from dunning.outcomes import PromiseRecord, promise_records
from invoices.models import Dispute, DisputeStatus
from invoices.queries import dispute_ages

SUNDAY = 6
PARTS = (
    ("promise-list", "Promises"),
    ("dispute-list", "Disputes"),
    ("hold-list", "Holds"),
    ("plan-list", "Payment plans"),
)


class AgreedList(RequiresRole, ListView):
    """One of the four lists; a tab is a condition on its rows."""

    role = Role.READ_ONLY
    url_name: str
    tabs: Sequence[tuple[str, str]]
    first: str = ""

    @cached_property
    def today(self) -> date:
        """Our own date."""
        return clock.today(Company.load().time_zone)

    def conditions(self, today: date) -> dict[str, Q]:
        """What each tab shows."""
        raise NotImplementedError

    def everything(self) -> QuerySet[Any, Any]:
        """All rows, whatever the tab."""
        raise NotImplementedError

    @property
    def show(self) -> str:
        asked = self.request.GET.get("show", self.first)
        return asked if asked in dict(self.tabs) else self.first

    def rows(self) -> QuerySet[Any, Any]:
        return self.everything().filter(self.conditions(self.today)[self.show])

    def more(self, shown: ListState) -> dict[str, object]:
        counted = {key: Count("pk", filter=q) for key, q in self.conditions(self.today).items()}
        counts = self.everything().order_by().aggregate(**counted)
        return {
            "today": self.today,
            "show": self.show,
            "parts": [
                {"url": reverse(name), "label": label, "current": name == self.url_name,
                 "count": None}
                for name, label in PARTS
            ],
            "tabs": [
                {"url": f"?show={key}", "label": label, "current": key == self.show,
                 "count": counts[key]}
                for key, label in self.tabs
            ],
            "totals": self.totals(self._narrowed(shown.form)),
        }  # fmt: skip

    def totals(self, rows: QuerySet[Any, Any]) -> list[tuple[str, str]]:
        """The sums per currency of what is shown."""
        return []


def _sums(rows: Iterable[tuple[str, Any, int]], word: str) -> list[tuple[str, str]]:
    return [
        (f"{number:,} {word}{'' if number == 1 else 's'}", with_currency(amount, code))
        for code, amount, number in rows
    ]


class PromiseList(AgreedList):
    template_name = "dunning/promises.html"
    title = "Promises"
    url_name = "promise-list"
    filter_form = AgreedFilter
    first = "week"
    tabs = (
        ("week", "Due this week"),
        ("today", "Due today"),
        ("late", "Late"),
        ("open", "All open"),
        ("kept", "Kept"),
        ("broken", "Broken"),
    )
    columns = (
        Column("customer__name", "Customer"),
        Column("customer__number", "Number", export_only=True),
        Column("currency", "Currency", export_only=True),
        Column("amount", "Promised", numeric=True),
        Column("kept_amount", "Came in", numeric=True),
        Column("due_on", "By"),
        Column("made_on", "Noted"),
        Column("status", "State", sortable=False, value=lambda row: row.get_status_display()),
        Column("record", "Record", sortable=False, value=lambda row: row.record.words),
        Column("words", "In words", export_only=True),
        Column("person", "Promised by", export_only=True),
        Column("customer__owner", "Owner", export_only=True, value=lambda r: r.customer.owner),
    )

    @property
    def default_sort(self) -> str:  # type: ignore[override]  # the tab decides
        return "-due_on" if self.show in ("kept", "broken") else "due_on"

    def everything(self) -> QuerySet[Any, Any]:
        return Promise.objects.select_related("customer__owner")

    def conditions(self, today: date) -> dict[str, Q]:
        is_open = Q(status=PromiseStatus.OPEN)
        sunday = today + timedelta(days=SUNDAY - today.weekday())
        return {
            "week": is_open & Q(due_on__range=(today, sunday)),
            "today": is_open & Q(due_on=today),
            "late": is_open & Q(due_on__lt=today),
            "open": is_open,
            "kept": Q(status=PromiseStatus.KEPT),
            "broken": Q(status__in=[PromiseStatus.BROKEN, PromiseStatus.PART_KEPT]),
        }

    def decorate(self, rows: list[Any]) -> None:
        """The customer's record, and what we wrote about the promise."""
        records = promise_records({row.customer_id for row in rows})
        told = _messages([row.pk for row in rows])
        for row in rows:
            row.record = records.get(row.customer_id, PromiseRecord())
            row.told = told.get(row.pk, [])

    def totals(self, rows: QuerySet[Any, Any]) -> list[tuple[str, str]]:
        found = rows.order_by("currency").values_list("currency")
        sums = found.annotate(Sum("amount"), Sum("kept_amount"), Count("pk"))
        shown = []
        for code, amount, kept, number in sums:
            shown += _sums([(code, amount, number)], "promise")
            shown += [(f"of it came in ({code})", with_currency(kept, code))] if kept else []
        return shown


def _messages(ids: list[int]) -> dict[int, list[ContactAttempt]]:
    """What was written about each promise, the oldest first."""
    kinds = (AttemptKind.PROMISE_CONFIRMED, AttemptKind.PROMISE_NUDGE)
    found: dict[int, list[ContactAttempt]] = {}
    rows = ContactAttempt.objects.filter(promise__in=ids, kind__in=kinds)
    for row in rows.order_by("pk").only("pk", "promise_id", "kind", "state"):
        found.setdefault(row.promise_id or 0, []).append(row)
    return found


class DisputeList(AgreedList):
    template_name = "dunning/disputes.html"
    title = "Disputes"
    url_name = "dispute-list"
    filter_form = DisputeFilter
    first = "open"
    tabs = (("open", "Open"), ("past", "Past their target"), ("settled", "Settled"))
    columns = (
        Column("invoice__number", "Invoice"),
        Column("invoice__customer__name", "Customer"),
        Column("invoice__currency", "Currency", export_only=True),
        Column("amount", "Disputed", numeric=True),
        Column("reason", "About", value=lambda row: row.get_reason_display()),
        Column("raised_on", "Raised"),
        Column("age", "Days", sortable=False, numeric=True),
        Column("status", "State", export_only=True, value=lambda row: row.get_status_display()),
        Column("owner__first_name", "Who settles it", nullable=True, value=lambda row: row.owner),
        Column("target_date", "Settled by", nullable=True),
        Column("resolution", "What was agreed", export_only=True),
    )

    @property
    def default_sort(self) -> str:  # type: ignore[override]  # the tab decides
        return "-raised_on" if self.show == "settled" else "raised_on"

    def everything(self) -> QuerySet[Any, Any]:
        return Dispute.objects.select_related("invoice__customer", "owner")

    def conditions(self, today: date) -> dict[str, Q]:
        is_open = Q(status=DisputeStatus.OPEN)
        return {
            "open": is_open,
            "past": is_open & Q(target_date__lt=today),
            "settled": ~is_open,
        }

    def decorate(self, rows: list[Any]) -> None:
        """How long it is, or was, in dispute; whether its target has passed."""
        today = self.today
        for row in rows:
            row.age = ((row.resolved_on or today) - row.raised_on).days
            row.is_past = row.resolved_on is None and bool(
                row.target_date and row.target_date < today
            )

    def totals(self, rows: QuerySet[Any, Any]) -> list[tuple[str, str]]:
        found = rows.order_by("invoice__currency").values_list("invoice__currency")
        return _sums(found.annotate(Sum("amount"), Count("pk")), "dispute")

    def more(self, shown: ListState) -> dict[str, object]:
        ages = (
            () if self.show == "settled" else dispute_ages(self._narrowed(shown.form), self.today)
        )
        return super().more(shown) | {"ages": ages}


class HoldList(AgreedList):
    template_name = "dunning/holds.html"
    title = "Holds"
    url_name = "hold-list"
    filter_form = HoldFilter
    first = "running"
    tabs = (("running", "Running"), ("soon", "Ending within a week"), ("ended", "Ended"))
    columns = (
        Column("customer__name", "Customer"),
        Column("invoice__number", "What waits", sortable=False, value=lambda r: _what(r)),
        Column("reason", "Why", value=lambda row: row.get_reason_display()),
        Column("starts_on", "From"),
        Column("ends_on", "Last day"),
        Column("note", "Note", sortable=False),
        Column("recorded_by__username", "Set by", sortable=False, value=lambda r: r.recorded_by),
        Column("released_on", "Ended early on", export_only=True),
    )

    @property
    def default_sort(self) -> str:  # type: ignore[override]  # the tab decides
        return "-ends_on" if self.show == "ended" else "ends_on"

    def everything(self) -> QuerySet[Any, Any]:
        return Hold.objects.select_related("customer", "invoice", "recorded_by")

    def conditions(self, today: date) -> dict[str, Q]:
        running = Q(released_on__isnull=True, ends_on__gte=today)
        return {
            "running": running,
            "soon": running & Q(ends_on__lte=today + timedelta(days=7)),
            "ended": ~running,
        }


def _what(hold: Hold) -> str:
    return hold.invoice.number if hold.invoice else "The whole customer"


class PlanList(AgreedList):
    template_name = "dunning/plans.html"
    title = "Payment plans"
    url_name = "plan-list"
    filter_form = AgreedFilter
    first = "active"
    tabs = (("active", "Running"), ("draft", "Drafts"), ("kept", "Kept"), ("ended", "Ended"))
    columns = (
        Column("customer__name", "Customer"),
        Column("currency", "Currency", export_only=True),
        Column("total", "Plan over", numeric=True),
        Column("paid", "Came in", sortable=False, numeric=True),
        Column("parts", "Payments", sortable=False, numeric=True),
        Column("next_on", "Next payment", sortable=False),
        Column("next_amount", "Amount", sortable=False, numeric=True),
        Column("state", "State", sortable=False, value=lambda row: row.state[0]),
        Column("ended_why", "How it ended", export_only=True),
    )
    default_sort = "-pk"

    def everything(self) -> QuerySet[Any, Any]:
        return PaymentPlan.objects.select_related("customer")

    def conditions(self, today: date) -> dict[str, Q]:
        return {
            "active": Q(status=PlanStatus.ACTIVE),
            "draft": Q(status=PlanStatus.DRAFT),
            "kept": Q(status=PlanStatus.KEPT),
            "ended": Q(status__in=[PlanStatus.ENDED, PlanStatus.WITHDRAWN]),
        }

    def decorate(self, rows: list[Any]) -> None:
        """What came in, and the next payment, in two queries for the page."""
        ids = [row.pk for row in rows]
        every = PlanInstalment.objects.filter(plan__in=ids).order_by()
        sums = every.values_list("plan").annotate(Sum("paid_amount"), Count("pk"))
        paid = {plan: (amount, parts) for plan, amount, parts in sums}
        unpaid = every.filter(paid_amount__lt=F("amount")).order_by("plan", "-number")
        following = {part.plan_id: part for part in unpaid}
        for row in rows:
            row.paid, row.parts = paid.get(row.pk, (0, 0))
            _tell_next(row, following.get(row.pk), self.today)

    def totals(self, rows: QuerySet[Any, Any]) -> list[tuple[str, str]]:
        found = rows.order_by("currency").values_list("currency")
        return _sums(found.annotate(Sum("total"), Count("pk")), "plan")


def _tell_next(plan: Any, part: PlanInstalment | None, today: date) -> None:
    """The next payment of a plan that is not over, and its state as a tag."""
    over = plan.status not in (PlanStatus.ACTIVE, PlanStatus.DRAFT)
    plan.next_on = None if over or part is None else part.due_on
    plan.next_amount = None if over or part is None else part.amount - part.paid_amount
    plan.state = state_of(plan, plan.next_on, today)


def state_of(plan: PaymentPlan, next_on: date | None, today: date) -> tuple[str, str]:
    """How a plan stands, in words and as the kind of its tag."""
    if plan.status == PlanStatus.ACTIVE and next_on is not None and next_on < today:
        return "Payment late", "late"
    kinds = {PlanStatus.ACTIVE: "promise", PlanStatus.KEPT: "good", PlanStatus.ENDED: "severe"}
    return plan.get_status_display(), kinds.get(PlanStatus(plan.status), "current")
