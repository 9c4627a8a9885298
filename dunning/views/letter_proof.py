"""The proof of a letter: what the post reported, its receipt, its evidence, its ordinary copy."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import ActionPage, act, back_to, do_at_once, posted
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Role
from arfollow.staff.permissions import requires
from dunning.delivery import letters as post
from dunning.delivery.evidence import evidence_of, evidence_pdf
from dunning.delivery.pdf import PdfNotMade
from dunning.delivery.receipts import keep_receipt
from dunning.forms.letters import DeliveryForm, ReceiptForm
from dunning.models import Letter, LetterStatus
from dunning.outcomes.ordinary import copy_of, send_ordinary_copy
from dunning.views.letters import ON_THE_WAY, pdf, today_here

PROVED = (*ON_THE_WAY, *post.ENDS)


def _row(pk: int) -> Letter:
    rows = Letter.objects.select_related(
        "attempt__customer__owner", "attempt__approved_by", "printed_by", "document", "receipt",
        "receipt_by", "taken_out_by",
    )  # fmt: skip
    return get_object_or_404(rows.defer("receipt__data"), pk=pk)


@require_safe
@requires(Role.READ_ONLY)
def letter_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that is on file about a letter, and what can be done next."""
    letter = _row(pk)
    context = {
        "letter": letter,
        "attempt": letter.attempt,
        "customer": letter.attempt.customer,
        "evidence": evidence_of(letter),
        "back": back_to(request, reverse("letter-list")),
        "on_the_way": letter.status in (*ON_THE_WAY, LetterStatus.UNCLAIMED, LetterStatus.REFUSED),
        "to_post": letter.status == LetterStatus.PRINTED,
        "may_prove": letter.status in PROVED,
        "came_back": letter.status in post.RETURNED,
        "copy": copy_of(letter),
        "is_picture": letter.receipt and letter.receipt.content_type.startswith("image/"),
    }
    return render(request, "dunning/letter.html", context)


@require_safe
@requires(Role.READ_ONLY)
def letter_evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """The evidence as one PDF with the letter and the receipt in it."""
    letter = _row(pk)
    try:
        data = evidence_pdf(evidence_of(letter))
    except (ServiceError, PdfNotMade) as refusal:
        messages.error(request, str(refusal))
        return redirect("letter-detail", pk)
    return pdf(data, f"evidence-{letter.number}.pdf", download=True)


@require_http_methods(["GET", "POST"])
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

    return act(request, page, DeliveryForm(posted(request), initial={"on": today_here()}), record)


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def letter_receipt_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the receipt: what it is decides, not what it is called."""
    letter = _row(pk)
    replaces = f" It takes the place of {letter.receipt_name}." if letter.receipt else ""
    page = ActionPage(
        title=f"Receipt of letter {letter.number}",
        submit="Keep the receipt",
        back=back_to(request, reverse("letter-detail", args=[pk])),
        sub=letter.attempt.customer.name,
        text=f"The file is kept as it is, with its hash.{replaces}",
        files="multipart/form-data",
    )
    form = ReceiptForm(posted(request), request.FILES if request.method == "POST" else None)

    def keep(data: Any) -> str:
        file = data["receipt"]
        actor = actor_of(request.user)
        row = keep_receipt(pk, file.name, file.read(), actor=actor, now=clock.now())
        return f"The receipt of letter {row.number} is on file."

    return act(request, page, form, keep)


@require_safe
@requires(Role.READ_ONLY)
def letter_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """The receipt byte for byte, saved and never run."""
    letter = get_object_or_404(Letter.objects.select_related("receipt"), pk=pk)
    if letter.receipt is None:
        raise Http404("This letter has no receipt.")
    response = HttpResponse(bytes(letter.receipt.data), content_type=letter.receipt.content_type)
    ending = letter.receipt.name.rpartition(".")[2]
    name = f"receipt-{letter.number}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@requires(Role.COLLECTOR)
def letter_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """A letter that came back goes once more by ordinary mail; a manager approves it."""
    letter = get_object_or_404(Letter, pk=pk)

    def send() -> str:
        send_ordinary_copy(letter.pk, actor=actor_of(request.user), today=today_here())
        return f"An ordinary copy of letter {letter.number} waits for approval."

    return do_at_once(request, back_to(request, reverse("letter-detail", args=[pk])), send)
