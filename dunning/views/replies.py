"""Replies that came by e-mail: dropped in or pasted, given to a customer, answered for."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from arfollow.shared import clock
from arfollow.shared.acting import back_to, do_at_once, posted
from arfollow.shared.errors import ServiceError
from arfollow.shared.events import actor_of
from arfollow.staff.models import Role
from arfollow.staff.permissions import requires
from customers.models import Customer
from dunning.forms.replies import ReplyForm, WhoseForm
from dunning.models import Inbound
from dunning.outcomes import KnownAlready, assign_reply, may_be_from, take_in
from dunning.outcomes import read_reply as read_dealt_with

BOTH = require_http_methods(["GET", "POST"])


@BOTH
@requires(Role.COLLECTOR)
def reply_add(request: HttpRequest) -> HttpResponse:
    """Take in one message; with `?customer=` it is that customer's, whoever sent it."""
    customer = _customer(request)
    form = ReplyForm(posted(request), request.FILES or None)
    if form.is_bound and form.is_valid():
        try:
            reply = take_in(
                form.mail,
                actor=actor_of(request.user),
                now=clock.now(),
                customer_id=customer.pk if customer else None,
            )
        except KnownAlready as known:
            messages.info(request, f"This message is here already: “{known.reply}”.")
            return redirect(page_of(known.reply))
        messages.success(request, _said(reply))
        return redirect(page_of(reply))
    context = {"form": form, "customer": customer, "back": back_to(request, reverse("worklist"))}
    status = 422 if form.errors else 200
    return render(request, "dunning/reply_add.html", context, status=status)


def _customer(request: HttpRequest) -> Customer | None:
    text = request.GET.get("customer", "")
    return get_object_or_404(Customer, pk=text) if text.isdecimal() and len(text) < 12 else None


def _said(reply: Inbound) -> str:
    if reply.customer is None:
        return "The message is taken in. Say whose it is."
    if reply.auto_reply:
        return f"An automatic reply of {reply.customer.name}; it holds nothing."
    return f"Taken in for {reply.customer.name}; nothing is sent to them until it is dealt with."


def page_of(reply: Inbound) -> str:
    """Where a reply is dealt with: on the page of calls, or where it gets its customer."""
    if reply.customer_id is None:
        return reverse("reply-whose", args=[reply.pk])
    return f"{reverse('desk-call', args=[reply.customer_id])}?{urlencode({'reply': reply.pk})}"


@BOTH
@requires(Role.COLLECTOR)
def reply_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Leads to where it is dealt with; a POST says it was read and nothing follows from it."""
    reply = get_object_or_404(Inbound, pk=pk)
    if request.method == "GET":
        return redirect(page_of(reply))
    now, actor = clock.now(), actor_of(request.user)

    def read() -> str:
        read_dealt_with(pk, actor=actor, now=now)
        return "The reply is read; the follow-up goes on."

    return do_at_once(request, back_to(request, reverse("worklist")), read)


@BOTH
@requires(Role.COLLECTOR)
def reply_whose(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody knows the address, or several use it: the person chooses."""
    reply = get_object_or_404(Inbound, pk=pk)
    if reply.customer_id is not None:
        return redirect(page_of(reply))
    form = WhoseForm(posted(request))
    if form.is_bound and form.is_valid():
        customer = form.cleaned_data["customer"]
        try:
            return redirect(page_of(assign_reply(pk, customer.pk, actor=actor_of(request.user))))
        except ServiceError as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "reply": reply, "maybe": may_be_from(reply.from_address)}
    status = 422 if form.errors else 200
    return render(request, "dunning/reply_whose.html", context, status=status)


@require_safe
@requires(Role.READ_ONLY)
def reply_original(request: HttpRequest, pk: int) -> HttpResponse:
    """The message as it came, to be saved, never shown: evidence."""
    rows = Inbound.objects.select_related("original")
    reply = get_object_or_404(rows, pk=pk, original__isnull=False)
    data = bytes(reply.original.data) if reply.original else b""
    answer = HttpResponse(data, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="reply-{reply.pk}.eml"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
