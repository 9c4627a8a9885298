"""Printing letters: what goes to whom, one file for the printer, and the same file again."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import posted
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from dunning.delivery import letters as post
from dunning.delivery import printing
from dunning.delivery.cover import listed, sums
from dunning.delivery.pdf import PdfNotMade
from dunning.forms.letters import PrintForm
from dunning.models import ContactAttempt, Letter
from dunning.views.letters import letters_of, pdf, today_here


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def letters_print(request: HttpRequest) -> HttpResponse:
    """What goes to whom, and the button that prints it."""
    waiting = list(letters_of("print").prefetch_related("items", "customer__addresses")[:200])
    form = PrintForm(posted(request), waiting=waiting)
    if form.is_bound and form.is_valid():
        return _print(request, form.cleaned_data["pk"])
    if form.errors and request.POST.getlist("pk"):  # another tab was quicker
        messages.info(request, "Nothing is left to print: it is printed already, or was pulled.")
    rows = [_to_print(attempt) for attempt in waiting]
    final = sum(1 for attempt in waiting if attempt.tone == "final")
    context = {"rows": rows, "form": form, "what": _count_words(len(rows), final), "final": final}
    status = 422 if form.errors else 200
    return render(request, "dunning/letters_print.html", context, status=status)


def _to_print(attempt: ContactAttempt) -> dict[str, Any]:
    active = (row for row in attempt.customer.addresses.all() if row.active)
    totals: dict[str, Any] = {}
    for item in attempt.items.all():
        if item.part == "please_pay":
            totals[item.currency] = totals.get(item.currency, 0) + item.amount
    return {"attempt": attempt, "address": next(active, None), "totals": totals}


def _count_words(number: int, final: int) -> str:
    """The button names the act: "3 final demands", "2 letters and 1 final demand"."""
    others = number - final
    demands = f"{final} final demand{'' if final == 1 else 's'}"
    letters = f"{others} letter{'' if others == 1 else 's'}"
    return " and ".join(words for words, n in ((letters, others), (demands, final)) if n)


def _print(request: HttpRequest, ids: Sequence[int]) -> HttpResponse:
    now = clock.now()
    batch = post.print_letters(ids, actor=actor_of(request.user), now=now)
    for attempt_id, why in batch.left_out:
        name = ContactAttempt.objects.select_related("customer").get(pk=attempt_id).customer.name
        messages.error(request, f"Not printed, {name}: {why}")
    if not batch.letters:
        return redirect("letters-print")
    job = printing.name_batch(batch, now=now)
    number = len(batch.letters)
    words = "1 letter is" if number == 1 else f"{number} letters are"
    messages.success(request, f"{words} printed.")
    return redirect("letters-batch", job.name)


def _order(request: HttpRequest) -> str:
    asked = request.GET.get("order", printing.BY_POST)
    return asked if asked in printing.ORDERS else printing.BY_POST


@require_safe
@requires(Role.READ_ONLY)
def letters_batch(request: HttpRequest, batch: str) -> HttpResponse:
    """What was printed together: one PDF, then into the envelopes."""
    order = _order(request)
    rows = listed(printing.letters_of(batch, order), Company.load())
    together = sums(rows)[-1] if rows else None
    context = {
        "rows": rows,
        "batch": batch,
        "together": together,
        "order": order,
        "orders": printing.ORDERS,
    }
    return render(request, "dunning/letters_batch.html", context)


@require_safe
@requires(Role.READ_ONLY)
def letters_file(request: HttpRequest, batch: str) -> HttpResponse:
    """Cover list and letters of a job in one PDF; the letters are as they were printed."""
    order = _order(request)
    found = [letter.pk for letter in printing.letters_of(batch, order)]
    if not found:
        return redirect("letter-list")
    try:
        return pdf(printing.pile(batch, found, order), f"letters-{batch}.pdf")
    except (ServiceError, PdfNotMade) as refusal:
        messages.error(request, f"The file cannot be made: {refusal}")
        return redirect("letters-batch", batch)


@require_safe
@requires(Role.COLLECTOR)
def letter_again(request: HttpRequest, pk: int) -> HttpResponse:
    """A printed letter once more: a sheet that says so, then the letter as it was."""
    rows = Letter.objects.select_related("attempt__customer", "document")
    letter = get_object_or_404(rows, pk=pk, document__isnull=False)
    try:
        data = printing.again(letter, by=str(request.user), on=today_here())
    except (ServiceError, PdfNotMade) as refusal:
        messages.error(request, str(refusal))
        return redirect("letter-detail", pk)
    return pdf(data, f"copy-of-{letter.number}.pdf")
