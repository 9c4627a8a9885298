"""Views of the worklist under a name: one's own, and those shared by a manager."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from arfollow.staff.models import Role, User
from arfollow.staff.permissions import allows, requires
from dunning.forms.worklist import SaveViewForm
from dunning.models import SavedView
from dunning.views.worklist import query_of_view, words_of_view


@require_safe
@requires(Role.READ_ONLY)
def saved_views(request: HttpRequest) -> HttpResponse:
    """One's own and the shared ones, each with who made it and what it shows."""
    me = cast(User, request.user)
    rows = [
        {"row": row, "words": words_of_view(row.query), "mine": may_change(row, me)}
        for row in SavedView.objects.visible_to(me)
    ]
    return render(request, "dunning/saved_views.html", {"rows": rows})


@require_safe
@requires(Role.READ_ONLY)
def saved_view(request: HttpRequest, pk: int) -> HttpResponse:
    """A link to a view that stays when its filter is changed."""
    row = get_object_or_404(SavedView.objects.visible_to(cast(User, request.user)), pk=pk)
    return redirect(f"{reverse('worklist')}?{row.query}")


@require_POST
@requires(Role.COLLECTOR)
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep what one looks at; the same name takes the new filter."""
    me, form = cast(User, request.user), SaveViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give the view a name of at most 60 characters.")
        return redirect("worklist")
    data = form.cleaned_data
    query = query_of_view(data["query"])
    shared = bool(data["shared"]) and allows(me, Role.MANAGER)
    _, new = SavedView.objects.update_or_create(
        owner=me, name=data["name"].strip(), defaults={"query": query, "shared": shared}
    )
    said = "is saved" if new else "shows this now"
    messages.success(request, f"The view “{data['name'].strip()}” {said}.")
    return redirect(f"{reverse('worklist')}?{query}")


@require_POST
@requires(Role.COLLECTOR)
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody's work goes with it: a view is only a way to look."""
    me = cast(User, request.user)
    row = get_object_or_404(SavedView.objects.visible_to(me), pk=pk)
    if not may_change(row, me):
        messages.error(request, "Only whoever made this view, or a manager, can delete it.")
    else:
        row.delete()
        messages.success(request, f"The view “{row.name}” is deleted.")
    return redirect("saved-views")


def may_change(row: SavedView, me: User) -> bool:
    """One's own; of shared ones a manager any."""
    return row.owner_id == me.pk or (row.shared and allows(me, Role.MANAGER))
