"""Wordings on screen: of one message that waits, and the texts of all messages of a kind."""

import html
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import back_to, do_at_once, posted
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.shared.framed import sandboxed_html
from arfollow.staff.models import Company, Role
from arfollow.staff.permissions import requires
from dunning.delivery.notice import text_of
from dunning.delivery.texts import (
    EDITABLE,
    Editable,
    Look,
    RefusedText,
    edit_message,
    editable,
    editable_texts,
    purpose_for,
    restore_preset,
    sample_of,
    save_text,
    take_back_edit,
    try_message,
    try_text,
)
from dunning.forms.texts import WordingForm
from dunning.models import AttemptKind, Channel, ContactAttempt, MessageTemplate
from dunning.wording import NoSuchText, Text
from dunning.wording.fields import FIELDS
from dunning.wording.requirements import required_fields

LADDER = "ladder"
WRITTEN = (Channel.EMAIL, Channel.LETTER)
PAGE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>Look</title>"
    "<body style='font-family: sans-serif; color: #111'>{body}</body></html>"
)


def _today() -> Any:
    return clock.today(Company.load().time_zone)


def _fields(text: Text) -> list[dict[str, Any]]:
    """The placeholders a text may use, those it must use first."""
    must = required_fields(text)
    rows = [
        {"name": name, "says": field.says, "must": name in must, "kind": field.kind}
        for name, field in FIELDS.items()
    ]
    return sorted(rows, key=lambda row: (not row["must"], row["kind"] == "flag"))


def _shown(look: Look) -> HttpResponse:
    """The message as it would be, below what has to be mended."""
    found = "".join(f"<li>{html.escape(p.message)}</li>" for p in look.problems)
    head = f"<p><strong>To mend before it can be saved:</strong></p><ul>{found}</ul>"
    if not look.problems:
        head = "<p><strong>Nothing to mend.</strong></p>"
    if look.content is None:
        why = look.refusal or "No message of this kind was planned yet, so there is none to show."
        return sandboxed_html(PAGE.format(body=f"{head}<p>{html.escape(why)}</p>"))
    subject = f"{head}<p>Subject: <strong>{html.escape(look.content.subject)}</strong></p><hr>"
    before, mark, after = look.content.html.partition("<body")
    attributes, closing, body = after.partition(">")
    return sandboxed_html(f"{before}{mark}{attributes}{closing}{subject}{body}")


def _attempt(pk: int) -> ContactAttempt:
    rows = ContactAttempt.objects.filter(channel__in=WRITTEN)
    return get_object_or_404(
        rows.select_related("customer__owner", "promise", "edited_by", "policy_version"), pk=pk
    )


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def attempt_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Other words for one message that still waits; the placeholders stay what they are."""
    attempt = _attempt(pk)
    back = back_to(request, reverse("attempt-detail", args=[pk]))
    try:
        text = text_of(attempt)
    except NoSuchText as error:
        raise Http404(str(error)) from error
    form = WordingForm(posted(request), initial={"subject": text.subject, "body": text.body})
    if form.is_bound and form.is_valid() and _save_message(request, form, pk):
        return redirect(back)
    context = {
        "attempt": attempt,
        "form": form,
        "fields": _fields(text),
        "edits": attempt.edits.select_related("by").order_by("-version"),
        "waits": attempt.state in EDITABLE,
        "back": back,
    }
    return render(request, "dunning/wording.html", context, status=422 if form.errors else 200)


def _save_message(request: HttpRequest, form: WordingForm, pk: int) -> bool:
    data = form.cleaned_data
    try:
        row = edit_message(
            pk, data["subject"], data["body"], actor=actor_of(request.user), today=_today()
        )
    except RefusedText as refusal:
        form.blame(refusal.problems)
        return False
    except ServiceError as refusal:
        form.add_error(None, str(refusal))
        return False
    again = " It waits for approval." if row.state == "held" and row.needs_approval else ""
    messages.success(request, f"The new wording is kept.{again}")
    return True


@require_POST
@requires(Role.COLLECTOR)
def attempt_look(request: HttpRequest, pk: int) -> HttpResponse:
    """The message with the words in the form, for the frame beside it; nothing is kept."""
    subject, body = WordingForm(request.POST).words()
    return _shown(try_message(_attempt(pk), subject, body, today=_today()))


@require_POST
@requires(Role.COLLECTOR)
def attempt_unedit(request: HttpRequest, pk: int) -> HttpResponse:
    """Back to the policy's own text."""
    attempt = _attempt(pk)

    def undo() -> str:
        take_back_edit(attempt.pk, actor=actor_of(request.user))
        return "The policy's own text stands again."

    return do_at_once(request, back_to(request, reverse("attempt-detail", args=[pk])), undo)


@require_safe
@requires(Role.READ_ONLY)
def text_list(request: HttpRequest) -> HttpResponse:
    """Every text that is in use, ours or as shipped."""
    labels = dict(AttemptKind.choices)
    rows = [
        {
            "text": each,
            "channel": Channel(each.channel).label,
            "what": labels.get(each.kind, "") or "Step of a policy",
            "url": _text_url(each),
        }
        for each in editable_texts()
    ]
    return render(request, "dunning/texts.html", {"rows": rows})


def _text_url(each: Editable) -> str:
    return reverse("text-edit", args=[each.channel, each.tone, each.kind or LADDER])


def _editable(channel: str, tone: str, kind: str) -> Editable:
    found = editable(channel, tone, "" if kind == LADDER else kind)
    if found is None:
        raise Http404("There is no such text.")
    return found


@require_http_methods(["GET", "POST"])
@requires(Role.MANAGER, reads=Role.READ_ONLY)
def text_edit(request: HttpRequest, channel: str, tone: str, kind: str) -> HttpResponse:
    """The text of all messages of a kind from now on; each saving is a version."""
    each = _editable(channel, tone, kind)
    now = each.own or each.shipped
    form = WordingForm(posted(request), initial={"subject": now.subject, "body": now.body})
    if form.is_bound and form.is_valid() and _save_text(request, form, each):
        return redirect(_text_url(each))
    versions = MessageTemplate.objects.filter(
        channel=each.channel, tone=each.tone, kind=each.kind, language=each.shipped.language
    )
    context = {
        "text": each,
        "kind": kind,
        "channel": Channel(each.channel).label,
        "form": form,
        "fields": _fields(each.shipped),
        "versions": versions.select_related("edited_by").order_by("-version"),
        "sample": sample_of(each.channel, each.tone, each.kind),
    }
    return render(request, "dunning/text.html", context, status=422 if form.errors else 200)


def _save_text(request: HttpRequest, form: WordingForm, each: Editable) -> bool:
    data = form.cleaned_data
    try:
        row = save_text(
            each.channel, each.tone, data["subject"], data["body"],
            actor=actor_of(request.user), kind=each.kind,
        )  # fmt: skip
    except RefusedText as refusal:
        form.blame(refusal.problems)
        return False
    messages.success(request, f"Saved as version {row.version}; used from now on.")
    return True


@require_POST
@requires(Role.MANAGER)
def text_look(request: HttpRequest, channel: str, tone: str, kind: str) -> HttpResponse:
    """The text in the form on the newest message of its kind; nothing is kept."""
    each = _editable(channel, tone, kind)
    subject, body = WordingForm(request.POST).words()
    text = Text(
        purpose=purpose_for(each.channel, each.tone, each.kind), channel=each.channel,
        tone=each.tone, subject=subject.strip(), body=body.strip(),
    )  # fmt: skip
    sample = sample_of(each.channel, each.tone, each.kind)
    return _shown(try_text(text, sample, today=_today()))


@require_POST
@requires(Role.MANAGER)
def text_restore(request: HttpRequest, channel: str, tone: str, kind: str) -> HttpResponse:
    """An earlier version again, or the one that is shipped."""
    each = _editable(channel, tone, kind)
    asked = request.POST.get("version", "")
    actor = actor_of(request.user)

    def restore() -> str:
        if not asked:
            restore_preset(each.channel, each.tone, actor=actor, kind=each.kind)
            return "The shipped text is used again."
        rows = MessageTemplate.objects.filter(
            channel=each.channel, tone=each.tone, kind=each.kind, version=asked
        )
        old = rows.first() if asked.isdecimal() else None
        if old is None:
            raise ServiceError("There is no such version.")
        row = save_text(each.channel, each.tone, old.subject, old.body, actor=actor, kind=each.kind)
        return f"Version {old.version} is used again, as version {row.version}."

    return do_at_once(request, _text_url(each), restore)
