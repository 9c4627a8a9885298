"""Several rows of the worklist at once: exactly what will change, then one confirmation."""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from arfollow.shared.acting import back_to
from arfollow.shared.events import actor_of
from arfollow.shared.workdays import Calendar
from arfollow.staff.models import Company, Role, User
from arfollow.staff.permissions import allows, requires
from dunning import worklist as work
from dunning.forms.worklist import WorklistForm
from dunning.outbox.calendars import our_calendar
from dunning.views.bulk import ACTIONS, Action, Deed, Given, carry_out, preview
from dunning.views.worklist import scope_of

NAMED = 10
MOST = 200


@require_POST
@requires(Role.COLLECTOR)
def worklist_bulk(request: HttpRequest) -> HttpResponse:
    """The preview, and with what was previewed confirmed, the change itself.

    A row that somebody else dealt with meanwhile is refused by its service, and named.
    """
    me = cast(User, request.user)
    back = back_to(request, reverse("worklist"))
    action = ACTIONS.get(request.POST.get("action", ""))
    marks = request.POST.getlist("row")[:MOST]
    if action is None or not allows(me, action.role):
        messages.error(request, "Choose what to do with the selected rows.")
        return redirect(back)
    scope = scope_of(WorklistForm({"who": "all", "when": "due"}), me)
    works = _everywhere(marks, scope)
    if not works:
        messages.error(request, "Nothing is selected, or what was selected is dealt with already.")
        return redirect(back)
    form = _form(request, action, scope.today)
    seen = _seal(marks, form)
    valid = form.is_valid()
    given = Given(actor_of(me), me, scope.today, form.cleaned_data)
    if valid and request.POST.get("seen") == seen:
        _report(request, carry_out(action, works, given))
        return redirect(back)
    deeds = preview(action, works, given) if valid else []
    context = {
        "action": action,
        "key": request.POST["action"],
        "form": form,
        "rows": marks,
        "seen": seen,
        "back": back,
        "changed": bool(request.POST.get("seen")),
        "changes": [deed for deed in deeds if not deed.refused],
        "refusals": [deed for deed in deeds if deed.refused],
        "missing": len(marks) - len(works),
    }
    asked = "given" in request.POST and not valid
    return render(request, "dunning/worklist_bulk.html", context, status=422 if asked else 200)


def _everywhere(marks: Sequence[str], scope: work.Scope) -> list[work.Work]:
    """The rows, whether they are due today or later."""
    later = work.Scope(scope.today, scope.until, approver=scope.approver, when=work.LATER)
    return [*work.chosen(marks, scope), *work.chosen(marks, later)]


def _form(request: HttpRequest, action: Action, today: date) -> forms.Form:
    """What was entered; at first what is usual, so that the preview shows something."""
    if "given" in request.POST:
        return action.form(request.POST)
    calendar = our_calendar(Company.load())
    usual: dict[str, Any] = {
        "until": _usual_day(request.POST["action"], today, calendar),
        "reason": "ours",
        "owner": request.user.pk,
    }
    return action.form(usual)


def _usual_day(action: str, today: date, calendar: Calendar) -> date:
    """A call or task comes back on the next working day; a hold is a week."""
    return calendar.add(today, 1) if action == "postpone" else today + timedelta(days=7)


def _seal(marks: Sequence[str], form: forms.Form) -> str:
    """What the preview was of: rows and entries; anything else is previewed anew."""
    said = [str(form[name].value() or "") for name in form.fields]
    return hashlib.sha256("\n".join([*sorted(marks), *said]).encode()).hexdigest()


def _report(request: HttpRequest, deeds: Sequence[Deed]) -> None:
    done = sum(1 for deed in deeds if not deed.refused)
    if done:
        messages.success(request, "1 row is changed." if done == 1 else f"{done} rows are changed.")
    refused = [deed for deed in deeds if deed.refused]
    for deed in refused[:NAMED]:
        messages.error(request, f"Not changed: {_name(deed)}, {deed.work.label}. {deed.text}")
    if len(refused) > NAMED:
        messages.error(request, f"{len(refused) - NAMED} more are not changed.")


def _name(deed: Deed) -> str:
    return deed.work.customer.name if deed.work.customer else "a customer not known yet"
