"""Letters: what waits to be printed, what goes to whom, posting, and what the post reports."""

import secrets
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, posted
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.shared.lists import Column, ListState, ListView
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import RequiresRole, requires
from dunning.delivery import letters as post
from dunning.delivery.pdf import merge
from dunning.forms.letters import DeliveryForm, PostingForm, PrintForm
from dunning.forms.outbox import OutboxFilter
from dunning.models import AttemptState, Channel, ContactAttempt, HeldFor, Letter, LetterStatus

WRITES = require_http_methods(["GET", "POST"])
TABS = {
    "print": "To print",
    "post": "To post",
    "way": "On the way",
    "approval": "Waits for approval",
    "done": "Done",
}
ON_THE_WAY = (LetterStatus.POSTED, LetterStatus.IN_TRANSIT, LetterStatus.NOTICE_LEFT)


def _today() -> date:
    return clock.today(Company.load().time_zone)


def shown_as(show: str) -> Q:
    """The letters of a tab."""
    planned = Q(state=AttemptState.PLANNED)
    match show:
        case "post":
            return planned & Q(letter__status=LetterStatus.PRINTED)
        case "way":
            return Q(letter__status__in=ON_THE_WAY)
        case "approval":
            return Q(state=AttemptState.HELD, held_for=HeldFor.APPROVAL)
        case "done":
            ended = Q(state__in=[AttemptState.CANCELLED, AttemptState.SKIPPED])
            return ended | (Q(state=AttemptState.SENT) & ~Q(letter__status__in=ON_THE_WAY))
    unprinted = Q(letter__isnull=True) | Q(letter__document__isnull=True)
    return planned & unprinted


def letters_of(show: str) -> QuerySet[ContactAttempt]:
    """Letter attempts of a tab, the newest first."""
    rows = ContactAttempt.objects.filter(shown_as(show), channel=Channel.LETTER)
    return rows.select_related("customer__owner", "letter").defer("content", "error")


class LetterList(RequiresRole, ListView):
    """Letters by where they are on their way."""

    role = Role.READ_ONLY
    template_name = "dunning/letters.html"
    title = "Letters"
    columns = (
        Column("customer__name", "Customer"),
        Column("tone", "Tone"),
        Column("planned_on", "Decided on"),
        Column("state", "State"),
    )
    default_sort = "-pk"
    filter_form = OutboxFilter

    @property
    def show(self) -> str:
        asked = self.request.GET.get("show", "print")
        return asked if asked in TABS else "print"

    def rows(self) -> QuerySet[Any, Any]:
        return letters_of(self.show)

    def more(self, shown: ListState) -> dict[str, object]:
        counts = {key: letters_of(key).count() for key in TABS if key != "done"}
        return {
            "show": self.show,
            "to_print": counts["print"],
            "to_post": counts["post"],
            "tabs": [
                {
                    "url": f"?show={key}",
                    "label": label,
                    "current": key == self.show,
                    "count": counts.get(key),
                }
                for key, label in TABS.items()
            ],
        }


@WRITES
@requires(Role.COLLECTOR)
def letters_print(request: HttpRequest) -> HttpResponse:
    """What goes to whom, and the button that prints it."""
    waiting = list(letters_of("print").prefetch_related("items")[:200])
    form = PrintForm(posted(request), waiting=waiting)
    if form.is_bound and form.is_valid():
        return _print(request, form.cleaned_data["pk"])
    rows = [_to_print(attempt) for attempt in waiting]
    final = sum(1 for attempt in waiting if attempt.tone == "final")
    context = {"rows": rows, "form": form, "what": _count_words(len(rows), final), "final": final}
    status = 422 if form.errors else 200
    return render(request, "dunning/letters_print.html", context, status=status)


def _to_print(attempt: ContactAttempt) -> dict[str, Any]:
    address = attempt.customer.addresses.filter(active=True).first()
    totals: dict[str, Any] = {}
    for item in attempt.items.all():
        if item.part == "please_pay":
            totals[item.currency] = totals.get(item.currency, 0) + item.amount
    return {"attempt": attempt, "address": address, "totals": totals}


def _count_words(number: int, final: int) -> str:
    """The button names the act: "3 final demands", "2 letters and 1 final demand"."""
    others = number - final
    demands = f"{final} final demand{'' if final == 1 else 's'}"
    letters = f"{others} letter{'' if others == 1 else 's'}"
    return " and ".join(words for words, n in ((letters, others), (demands, final)) if n)


def _print(request: HttpRequest, ids: Sequence[int]) -> HttpResponse:
    batch = post.print_letters(ids, actor=actor_of(request.user))
    for attempt_id, why in batch.left_out:
        name = ContactAttempt.objects.select_related("customer").get(pk=attempt_id).customer.name
        messages.error(request, f"Not printed, {name}: {why}")
    if not batch.letters:
        return redirect("letters-print")
    stamp = secrets.token_hex(6)
    printed = [letter.pk for letter in batch.letters]
    Letter.objects.filter(pk__in=printed).update(print_batch=stamp)
    messages.success(request, f"{_letters(len(printed))} printed.")
    return redirect("letters-batch", stamp)


def _letters(number: int) -> str:
    return "1 letter is" if number == 1 else f"{number} letters are"


@require_safe
@requires(Role.READ_ONLY)
def letters_batch(request: HttpRequest, batch: str) -> HttpResponse:
    """What was printed together: one PDF, then into the envelopes."""
    rows = Letter.objects.filter(print_batch=batch).select_related("attempt__customer")
    letters = list(rows.order_by("pk"))
    context = {"letters": letters, "batch": batch, "pages": sum(each.pages for each in letters)}
    return render(request, "dunning/letters_batch.html", context)


@require_safe
@requires(Role.READ_ONLY)
def letters_file(request: HttpRequest, batch: str) -> HttpResponse:
    """All letters of a batch in one PDF, as they were printed."""
    rows = Letter.objects.filter(print_batch=batch, document__isnull=False)
    found = [bytes(row.document.data) for row in rows.select_related("document") if row.document]
    if not found:
        return redirect("letter-list")
    return _pdf(merge(found), f"letters-{batch}.pdf")


def _pdf(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@WRITES
@requires(Role.COLLECTOR)
def letters_post(request: HttpRequest) -> HttpResponse:
    """Into the post; names the letters to pull because they were paid since (rule 7)."""
    printed = Letter.objects.filter(status=LetterStatus.PRINTED).select_related("attempt__customer")
    letters = list(printed.order_by("pk")[:200])
    form = PostingForm(posted(request), letters=letters, initial={"on": _today()})
    if form.is_bound and form.is_valid():
        _post_all(request, form)
        return redirect("letters-post")
    context = {"form": form, "what": len(letters)}
    status = 422 if form.errors else 200
    return render(request, "dunning/letters_post.html", context, status=status)


def _post_all(request: HttpRequest, form: PostingForm) -> None:
    chosen, day = form.chosen(), form.cleaned_data["on"]
    pulled = {
        letter.pk: (letter, why)
        for letter, why in post.must_be_pulled([row.pk for row, _ in chosen], today=_today())
    }
    for letter, why in pulled.values():
        messages.error(request, f"Pull letter {letter.number} out of the pile: {why}")
    done = [
        _post_one(request, row, day, article) for row, article in chosen if row.pk not in pulled
    ]
    if sum(done):
        messages.success(request, f"{_letters(sum(done))} in the post.")


def _post_one(request: HttpRequest, letter: Letter, day: date, article: str) -> int:
    try:
        post.mark_posted(letter.pk, day, article, actor=actor_of(request.user))
    except ServiceError as refusal:
        messages.error(request, f"Letter {letter.number}: {refusal}")
        return 0
    return 1


@require_safe
@requires(Role.READ_ONLY)
def letter_detail(request: HttpRequest, pk: int) -> HttpResponse:
    rows = Letter.objects.select_related("attempt__customer", "printed_by", "document")
    letter = get_object_or_404(rows, pk=pk)
    context = {
        "letter": letter,
        "attempt": letter.attempt,
        "customer": letter.attempt.customer,
        "back": back_to(request, reverse("letter-list")),
        "on_the_way": letter.status in (*ON_THE_WAY, LetterStatus.UNCLAIMED, LetterStatus.REFUSED),
        "to_post": letter.status == LetterStatus.PRINTED,
    }
    return render(request, "dunning/letter.html", context)


@require_safe
@requires(Role.READ_ONLY)
def letter_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The printed bytes; before printing what would be printed now."""
    letter = get_object_or_404(Letter.objects.select_related("attempt__customer"), pk=pk)
    return _shown(request, letter.attempt, f"{letter.number}.pdf")


@require_safe
@requires(Role.READ_ONLY)
def attempt_letter(request: HttpRequest, pk: int) -> HttpResponse:
    rows = ContactAttempt.objects.filter(channel=Channel.LETTER).select_related("customer")
    return _shown(request, get_object_or_404(rows, pk=pk), f"letter-{pk}.pdf")


def _shown(request: HttpRequest, attempt: ContactAttempt, name: str) -> HttpResponse:
    try:
        return _pdf(post.preview_letter(attempt), name)
    except ServiceError as refusal:
        messages.error(request, str(refusal))
        return redirect("attempt-detail", attempt.pk)


@WRITES
@requires(Role.COLLECTOR)
def letter_posted(request: HttpRequest, pk: int) -> HttpResponse:
    """One letter into the post."""
    rows = Letter.objects.select_related("attempt__customer")
    letter = get_object_or_404(rows, pk=pk)
    form = PostingForm(posted(request), letters=[letter], initial={"on": _today()})
    if form.is_bound and form.is_valid():
        _post_all(request, form)
        return redirect("letter-detail", pk)
    context = {"form": form, "what": 1}
    return render(request, "dunning/letters_post.html", context, status=422 if form.errors else 200)


@WRITES
@requires(Role.COLLECTOR)
def letter_delivery(request: HttpRequest, pk: int) -> HttpResponse:
    letter = get_object_or_404(Letter.objects.select_related("attempt__customer"), pk=pk)
    page = ActionPage(
        title=f"Letter {letter.number}",
        submit="Record what the post says",
        back=back_to(request, reverse("letter-detail", args=[pk])),
        sub=letter.attempt.customer.name,
        text="The next step counts from delivery. A letter that came back asks for the address.",
    )

    def record(data: Any) -> str:
        actor = actor_of(request.user)
        row = post.mark_delivery(pk, data["status"], data["on"], data["signer"], actor=actor)
        return f"Letter {row.number}: {row.get_status_display().lower()}."

    return act(request, page, DeliveryForm(posted(request), initial={"on": _today()}), record)
