"""The worklist: what a person has to do today, the most pressing first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.forms import ChoiceField
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from arfollow.shared import clock
from arfollow.shared.lists import Column, export_links, export_of
from arfollow.staff.absences import covered_by
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import allows, requires
from dunning import worklist as work
from dunning.forms.worklist import (
    DUE,
    KEYS,
    LATER,
    NOBODY,
    ONLY_MINE,
    SaveViewForm,
    WorklistForm,
)
from dunning.models import SavedView
from dunning.views.bulk import ACTIONS
from dunning.worklist.priority import AT_ONCE

COLUMNS = (
    Column("customer", "Customer", value=lambda row: row.customer and row.customer.name),
    Column("number", "Number", value=lambda row: row.customer and row.customer.number),
    Column("label", "To do"),
    Column("why", "Why"),
    Column("priority", "Owes"),
    Column("currency", "Currency", value=lambda row: _first(row, "currency")),
    Column("overdue", "Overdue", numeric=True, value=lambda row: _first(row, "overdue")),
    Column("disputed", "In query", numeric=True, value=lambda row: _first(row, "disputed")),
    Column("oldest", "Days late", numeric=True, value=lambda row: _first(row, "oldest")),
    Column("others", "Overdue in other currencies", value=lambda row: _others(row)),
    Column("since", "Since"),
    Column("hour", "Agreed for"),
    Column("owner", "Owner", value=lambda row: row.customer and row.customer.owner),
)


def _first(row: work.Work, name: str) -> Any:
    return getattr(row.money[0], name) if row.money else None


def _others(row: work.Work) -> str:
    return ", ".join(f"{each.currency} {each.overdue}" for each in row.money[1:])


@require_safe
@requires(Role.READ_ONLY)
def worklist(request: HttpRequest) -> HttpResponseBase:
    form, me = WorklistForm(request.GET), cast(User, request.user)
    base = scope_of(form, me)
    work.renew(base.today, at_most=AT_ONCE)
    scope, share = shared(base, form, me)
    file = export_of(request, "Worklist", COLUMNS, _all(scope))
    if file is not None:
        return file
    page = work.page(scope, after=work.read_place(request.GET.get("after", "")))
    context = {
        "form": form,
        "page": page,
        "share": share,
        "exports": export_links(request),
        "more": any(form.cleaned_data.get(key) for key in ("currency", "least", "days", "sort")),
        **_around(request, form, scope, me),
        **_places(request, form, page),
    }
    return render(request, "dunning/worklist.html", context)


def _all(scope: work.Scope) -> Iterator[work.Work]:
    yield from work.everything(scope)


def scope_of(form: WorklistForm, me: User) -> work.Scope:
    """What the address asks for; what cannot be read narrows nothing."""
    zone = ZoneInfo(Company.load().time_zone)
    today = clock.today(zone)
    form.is_valid()
    data = form.cleaned_data
    kind, who, owner = data.get("kind", ""), data.get("who", ""), form.owner(me)
    return work.Scope(
        today=today,
        until=datetime.combine(today + timedelta(days=1), time.min, tzinfo=zone),
        owner=owner,
        covers=frozenset(covered_by(owner, today)) if owner else frozenset(),
        only=who.isdecimal() or who == ONLY_MINE,
        nobody=who == NOBODY,
        text=data.get("q", ""),
        kind=kind if kind in work.TABS else "",
        approver=me.may_approve,
        currency=data.get("currency", ""),
        least=data.get("least"),
        days=data.get("days"),
        sort=data.get("sort", ""),
    )


def shared(scope: work.Scope, form: WorklistForm, me: User) -> tuple[work.Scope, work.Share | None]:
    """The scope with today's share of the person it is about; everybody's has none (rule 5)."""
    when = form.cleaned_data.get("when", "")
    if when == DUE or scope.owner is None:
        return replace(scope, when=work.LATER if when == LATER else ""), None
    share = work.share_of(scope.owner, scope)
    when = work.LATER if when == LATER else work.TODAY
    return replace(scope, when=when, share=share.chosen), share


def _around(
    request: HttpRequest, form: WorklistForm, scope: work.Scope, me: User
) -> dict[str, Any]:
    """The tabs, the saved views and the bulk actions."""
    counts = work.counts(scope)
    query = _query(form).removeprefix("?")
    return {
        "today": scope.today,
        "tabs": _tabs(form, scope, counts),
        "count": counts[""],
        "who": form.cleaned_data.get("who", ""),
        "everyone": scope.owner is None or scope.owner != me,
        "filtered": bool(query and query != urlencode({"kind": scope.kind})),
        "views": _views(me, query),
        "save": SaveViewForm(initial={"query": query}),
        "actions": [(key, each.label) for key, each in ACTIONS.items() if allows(me, each.role)],
        "here": request.get_full_path(),
        "later": scope.when == work.LATER,
        "later_url": _query(form, when=LATER),
        "today_url": _query(form, when=""),
    }


def _views(me: User, query: str) -> list[dict[str, Any]]:
    rows = SavedView.objects.visible_to(me)
    return [
        {"name": row.name, "url": f"?{row.query}", "current": row.query == query, "row": row}
        for row in rows
    ]


def _places(request: HttpRequest, form: WorklistForm, page: work.Page) -> dict[str, str]:
    return {
        "next": _query(form, after=page.after) if page.after else "",
        "first": _query(form) if request.GET.get("after") else "",
    }


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


def query_of_view(query: str) -> str:
    """What of a query string makes a view, in our own order; its place is left out."""
    form = WorklistForm(QueryDict(query))
    form.is_valid()
    return _query(form).removeprefix("?")


def words_of_view(query: str) -> str:
    """``Only mine; overdue at least 5000; latest first`` for the list of views."""
    form = WorklistForm(QueryDict(query))
    form.is_valid()
    found = [_said(form, name) for name in KEYS if form.cleaned_data.get(name) not in (None, "")]
    return "; ".join(found) or "everything as usual"


def _said(form: WorklistForm, name: str) -> str:
    value, field = form.cleaned_data[name], form.fields[name]
    if name == "kind":
        return work.TABS.get(value, value)
    if isinstance(field, ChoiceField):
        return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]  # no callable
    return f"{str(field.label).lower()} {value}"


def _query(form: WorklistForm, **changes: str) -> str:
    kept = {key: form.cleaned_data.get(key) for key in KEYS} | changes
    said = {key: str(value) for key, value in kept.items() if value not in (None, "")}
    return "?" + urlencode(said)
