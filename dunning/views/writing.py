"""Writing an e-mail to a customer, with the message shown as it would leave."""

import html
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from arfollow.shared.acting import posted, refused_or_done
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import Actor, actor_of
from arfollow.shared.framed import sandboxed_html
from arfollow.staff.models import Role
from arfollow.staff.permissions import requires
from customers.models import Customer
from dunning.delivery.texts import RefusedText
from dunning.forms.accounts import WriteForm
from dunning.models import ContactAttempt
from dunning.writing import Written, look, write

START = "{{ greeting }},\n\n\n\nKind regards,"
PAGE = "<!doctype html><meta charset='utf-8'><title>{title}</title><p>{text}</p>"


@require_http_methods(["GET", "POST"])
@requires(Role.COLLECTOR)
def customer_write(request: HttpRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=pk, merged_into=None)
    start = {
        "subject": "Your account with {{ company_name }}",
        "text": START,
        **{name: request.GET[name] for name in ("contact", "answers") if name in request.GET},
    }
    form = WriteForm(posted(request), customer=customer, initial=start)
    if form.is_bound and form.is_valid():
        done = _write(request, customer, form)
        if done is not None:
            answer = "It leaves in a minute; until then it can be stopped here."
            messages.success(request, answer)
            return redirect("attempt-detail", done.pk)
    context: dict[str, Any] = {
        "customer": customer,
        "form": form,
        "look": reverse("customer-look", args=[pk]),
    }
    status = 422 if form.is_bound else 200
    return render(request, "customers/write.html", context, status=status)


def _write(request: HttpRequest, customer: Customer, form: WriteForm) -> ContactAttempt | None:
    """Put it into the outbox; what the linter says stands at its field."""
    actor = actor_of(request.user)
    return refused_or_done(form, lambda: _linted(form, customer.pk, actor))


def _written(form: WriteForm) -> Written:
    """What the service takes; the form must be valid."""
    data = form.cleaned_data
    answered = data["answers"]
    return Written(
        contact_id=data["contact"].pk,
        subject=data["subject"],
        text=data["text"],
        tone=data["tone"],
        table=data["table"],
        attach=tuple(data["attach"]),
        answers=answered.pk if answered else None,
        token=data["token"],
    )


def _linted(form: WriteForm, pk: int, actor: Actor) -> ContactAttempt:
    try:
        return write(pk, _written(form), actor=actor)
    except RefusedText as refusal:
        for problem in refusal.problems:
            form.add_error("subject" if problem.where == "subject" else "text", problem.message)
        raise ServiceError("Some words have to change before it can go.") from refusal


@require_POST
@requires(Role.COLLECTOR)
def customer_look(request: HttpRequest, pk: int) -> HttpResponse:
    """The message as it would leave now, for the frame beside the form; nothing is kept."""
    customer = get_object_or_404(Customer, pk=pk, merged_into=None)
    form = WriteForm(request.POST, customer=customer)
    if not form.is_valid():
        words = [f"{form.fields[n].label}: {' '.join(map(str, e))}" for n, e in form.errors.items()]
        return sandboxed_html(_page("Not yet", " ".join(words)))
    try:
        content = look(pk, _written(form), actor=actor_of(request.user))
    except ServiceError as refusal:
        return sandboxed_html(_page("Not yet", str(refusal)))
    files = "".join(f"<li>{html.escape(file.name)}</li>" for file in content.attachments)
    head = f"<p>Subject: <strong>{html.escape(content.subject)}</strong></p>"
    along = f"<p>Sent along:</p><ul>{files}</ul>" if files else ""
    return sandboxed_html(_with(content.html, head + along))


def _with(page: str, head: str) -> str:
    """Subject and files above the message, inside its body."""
    before, mark, after = page.partition("<body")
    attributes, closing, body = after.partition(">")
    return f"{before}{mark}{attributes}{closing}{head}<hr>{body}" if mark else head + page


def _page(title: str, text: str) -> str:
    return PAGE.format(title=title, text=html.escape(text))
