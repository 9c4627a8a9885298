"""Letters by where they are on their way, and one letter as it was printed."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from arfollow.shared import clock
from arfollow.shared.errors import ServiceError
from arfollow.shared.lists import Column, ListState, ListView
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import RequiresRole, requires
from dunning.delivery import letters as post
from dunning.delivery.behind import EARLIER
from dunning.forms.outbox import OutboxFilter
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    HeldFor,
    Letter,
    LetterStatus,
)
from invoices.models import Allocation, Payment

TABS = {
    "print": "To print",
    "post": "To post",
    "way": "On the way",
    "missing": "Receipt missing",
    "back": "Came back",
    "crossed": "Paid since posting",
    "approval": "Waits for approval",
    "done": "Done",
}
ON_THE_WAY = (LetterStatus.POSTED, LetterStatus.IN_TRANSIT, LetterStatus.NOTICE_LEFT)
RECEIPT_DAYS = 10
"""After that a receipt is missed."""

CROSSED_FOR = timedelta(days=60)


def today_here() -> date:
    """Our own day."""
    return clock.today(Company.load().time_zone)


def shown_as(show: str) -> Q:
    """The letters of a tab."""
    planned = Q(state=AttemptState.PLANNED)
    match show:
        case "post":
            return planned & Q(letter__status=LetterStatus.PRINTED)
        case "way":
            return Q(letter__status__in=ON_THE_WAY)
        case "missing":
            return _receipt_missing()
        case "back":
            return Q(letter__status__in=post.RETURNED)
        case "crossed":
            return _paid_since()
        case "approval":
            return Q(state=AttemptState.HELD, held_for=HeldFor.APPROVAL)
        case "done":
            ended = Q(state__in=[AttemptState.CANCELLED, AttemptState.SKIPPED])
            return ended | (Q(state=AttemptState.SENT) & ~Q(letter__status__in=ON_THE_WAY))
    unprinted = Q(letter__isnull=True) | Q(letter__document__isnull=True)
    return planned & unprinted


def _receipt_missing() -> Q:
    """Certified, posted ten days ago or more, and nothing on file that proves it."""
    since = today_here() - timedelta(days=RECEIPT_DAYS)
    return Q(letter__certified=True, letter__receipt=None, letter__posted_on__lte=since)


def _paid_since() -> Q:
    """An invoice that the letter asked for was paid on or after the day it was posted."""
    asked = AttemptItem.objects.filter(attempt=OuterRef(OuterRef("pk")), invoice__isnull=False)
    paid = Allocation.objects.filter(
        invoice__in=asked.values("invoice"),
        payment__isnull=False,
        reversed_on=None,
        payment__received_on__gte=OuterRef("letter__posted_on"),
    )
    recent = Q(letter__posted_on__gte=today_here() - CROSSED_FOR)
    return recent & Q(Exists(paid))


def letters_of(show: str) -> QuerySet[ContactAttempt]:
    """Letter attempts of a tab, the newest first."""
    rows = ContactAttempt.objects.filter(shown_as(show), channel=Channel.LETTER)
    return rows.select_related("customer__owner", "letter__receipt").defer(
        "content", "error", "letter__receipt__data"
    )


def _letter(name: str) -> Any:
    """What an export writes of an attempt's letter."""

    def value(row: ContactAttempt) -> object:
        letter = getattr(row, "letter", None)
        return getattr(letter, name) if letter is not None else ""

    return value


def _status(row: ContactAttempt) -> str:
    letter = getattr(row, "letter", None)
    return letter.get_status_display() if letter is not None else row.get_state_display()


class LetterList(RequiresRole, ListView):
    """Letters by where they are on their way."""

    role = Role.READ_ONLY
    template_name = "dunning/letters.html"
    columns = (
        Column("customer__name", "Customer"),
        Column("customer__number", "Customer number", export_only=True),
        Column("letter_number", "Letter", sortable=False, value=_letter("number")),
        Column("tone", "Tone"),
        Column("planned_on", "Decided on"),
        Column("state", "Where it is", value=_status),
        Column("dated", "Dated", export_only=True, value=_letter("dated")),
        Column("posted", "Posted", export_only=True, value=_letter("posted_on")),
        Column("article", "Article number", export_only=True, value=_letter("article_number")),
        Column("reported", "Reported", export_only=True, value=_letter("reported_on")),
        Column("signer", "Signed by", export_only=True, value=_letter("signer")),
        Column("receipt", "Receipt", export_only=True, value=_letter("receipt_name")),
        Column("reason_text", "Why", sortable=False),
    )
    default_sort = "-pk"
    filter_form = OutboxFilter

    @property
    def title(self) -> str:  # type: ignore[override]  # the tab decides
        return f"Letters {TABS[self.show]}"

    @property
    def show(self) -> str:
        asked = self.request.GET.get("show", "print")
        return asked if asked in TABS else "print"

    def rows(self) -> QuerySet[Any, Any]:
        return letters_of(self.show)

    def decorate(self, rows: list[Any]) -> None:
        """The ordinary copy of a letter that came back, and the thank-you of a crossed one."""
        if self.show == "back":
            copies = _about(EARLIER, [row.letter.pk for row in rows], rows)
            for row in rows:
                row.copy = copies.get(row.letter.pk)
        if self.show == "crossed":
            _with_thanks(rows)

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


def _about(key: str, ids: Sequence[int], rows: Sequence[Any]) -> dict[int, ContactAttempt]:
    """The attempts of these rows' customers whose content names one of the ids."""
    customers = {row.customer_id for row in rows}
    found = ContactAttempt.objects.filter(
        customer__in=customers, live=True, **{f"content__{key}__in": list(ids)}
    )
    return {int(row.content[key]): row for row in found.order_by("pk")}


def _with_thanks(rows: list[Any]) -> None:
    """When each was paid, and the draft that says thank you."""
    paid = _paid(rows)
    drafts = _about("payment", [payment.pk for payment in paid.values()], rows)
    for row in rows:
        payment = paid.get(row.pk)
        row.paid_on = payment.received_on if payment else None
        row.thanks = drafts.get(payment.pk) if payment else None


def _paid(rows: Sequence[Any]) -> dict[int, Payment]:
    """The newest payment of an invoice that each letter named, since it was posted."""
    named = AttemptItem.objects.filter(attempt__in=rows, invoice__isnull=False)
    letters: dict[int | None, list[int]] = {}
    for attempt_id, invoice_id in named.values_list("attempt_id", "invoice_id"):
        letters.setdefault(invoice_id, []).append(attempt_id)
    since = {row.pk: row.letter.posted_on for row in rows}
    found: dict[int, Payment] = {}
    payments = Allocation.objects.filter(
        invoice__in=list(letters), payment__isnull=False, reversed_on=None
    )
    for each in payments.select_related("payment").order_by("payment__received_on", "pk"):
        for pk in letters[each.invoice_id]:
            if each.payment is not None and each.payment.received_on >= since[pk]:
                found[pk] = each.payment
    return found


def pdf(data: bytes, name: str, *, download: bool = False) -> HttpResponse:
    """A PDF of ours, shown or saved, kept by no cache."""
    response = HttpResponse(data, content_type="application/pdf")
    how = "attachment" if download else "inline"
    response["Content-Disposition"] = f'{how}; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


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
        return pdf(post.preview_letter(attempt), name)
    except ServiceError as refusal:
        messages.error(request, str(refusal))
        return redirect("attempt-detail", attempt.pk)
