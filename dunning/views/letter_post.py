"""Into the post: the labels scanned in one go, and the papers to take out of the pile."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from arfollow.shared import clock
from arfollow.shared.acting import posted
from arfollow.shared.events import actor_of
from arfollow.staff.models import Role
from arfollow.staff.permissions import requires
from dunning.delivery import letters as post
from dunning.delivery import posting
from dunning.forms.letters import PostingForm
from dunning.models import Letter
from dunning.views.letters import today_here


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def letters_post(request: HttpRequest) -> HttpResponse:
    """Into the post; names the letters to pull because they were paid since (rule 7)."""
    batch = request.GET.get("batch", "")
    waiting = posting.waiting(today_here())
    batches = list(dict.fromkeys(each.letter.print_batch for each in waiting))
    if batch in batches:
        waiting = [each for each in waiting if each.letter.print_batch == batch]
    return _page(request, waiting, batches=batches if len(batches) > 1 else [], batch=batch)


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def letter_posted(request: HttpRequest, pk: int) -> HttpResponse:
    """One letter into the post."""
    letter = get_object_or_404(Letter, pk=pk)
    waiting = [each for each in posting.waiting(today_here()) if each.letter.pk == letter.pk]
    return _page(request, waiting, batches=[], batch="", back=letter)


def _page(
    request: HttpRequest,
    waiting: Sequence[posting.Waiting],
    *,
    batches: Sequence[str],
    batch: str,
    back: Letter | None = None,
) -> HttpResponse:
    today = today_here()
    form = PostingForm(posted(request), waiting=waiting, today=today, initial={"on": today})
    if form.is_bound and form.is_valid():
        _post(request, form)
        return redirect("letter-detail", back.pk) if back else redirect("letters-post")
    if form.errors and not waiting:  # another tab was quicker
        messages.info(request, "Nothing is left to post: it is in the post already, or was pulled.")
    out = posting.to_take_out()
    context = {
        "form": form,
        "out": out,
        "batches": batches,
        "batch": batch,
        "pulls": sum(1 for each in waiting if each.pull),
    }
    return render(request, "dunning/letters_post.html", context, status=422 if form.errors else 200)


def _post(request: HttpRequest, form: PostingForm) -> None:
    actor, day = actor_of(request.user), form.cleaned_data["on"]
    for letter, why in form.to_pull():
        messages.error(request, f"Pull letter {letter.number} out of the pile: {why}")
    post.must_be_pulled([letter.pk for letter, _ in form.to_pull()], today=today_here())
    result = posting.post_all(form.entries, day, actor=actor)
    for letter, why in result.refused:
        messages.error(request, f"Pull letter {letter.number} out of the pile: {why}")
    if result.done:
        number = len(result.done)
        words = "1 letter is" if number == 1 else f"{number} letters are"
        messages.success(request, f"{words} in the post.")


@require_POST
@requires(Role.COLLECTOR)
def letters_taken_out(request: HttpRequest) -> HttpResponse:
    """The papers that must not go are out of the pile."""
    ids = [int(pk) for pk in request.POST.getlist("pk") if pk.isdigit()]
    number = posting.take_out(ids, actor=actor_of(request.user), now=clock.now())
    messages.success(request, f"{number} taken out of the pile." if number else "Nothing to do.")
    return redirect("letters-post")
