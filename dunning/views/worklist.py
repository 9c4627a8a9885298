"""The worklist: what a person has to do today, the most pressing first."""

from datetime import datetime, time, timedelta
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arfollow.shared import clock
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import requires
from dunning import worklist as work
from dunning.forms.worklist import WorklistForm


@require_safe
@requires(Role.READ_ONLY)
def worklist(request: HttpRequest) -> HttpResponse:
    form = WorklistForm(request.GET)
    scope = _scope(form, cast(User, request.user))
    page = work.page(scope, after=work.read_place(request.GET.get("after", "")))
    counts = work.counts(scope)
    context = {
        "form": form,
        "page": page,
        "today": scope.today,
        "tabs": _tabs(form, scope, counts),
        "count": counts[""],
        "everyone": scope.owner is None,
        "filtered": bool(scope.text or form.cleaned_data.get("who")),
        "next": _query(form, after=page.after) if page.after else "",
        "first": _query(form) if request.GET.get("after") else "",
    }
    return render(request, "dunning/worklist.html", context)


def _scope(form: WorklistForm, me: User) -> work.Scope:
    zone = ZoneInfo(Company.load().time_zone)
    today = clock.today(zone)
    form.is_valid()
    kind = form.cleaned_data.get("kind", "")
    return work.Scope(
        today=today,
        until=datetime.combine(today + timedelta(days=1), time.min, tzinfo=zone),
        owner=form.owner(me),
        text=form.cleaned_data.get("q", ""),
        kind=kind if kind in work.TABS else "",
        approver=me.may_approve,
    )


def _tabs(form: WorklistForm, scope: work.Scope, counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "url": _query(form, kind=kind),
            "label": label,
            "current": kind == scope.kind,
            "count": counts[kind],
        }
        for kind, label in work.TABS.items()
        if counts[kind] or kind in ("", scope.kind)
    ]


def _query(form: WorklistForm, **changes: str) -> str:
    kept = {key: form.cleaned_data.get(key, "") for key in ("q", "who", "kind")} | changes
    return "?" + urlencode({key: value for key, value in kept.items() if value})
