"""A page that does one thing: a form, a change through a service, and the way back.

A refusal of the service (`ServiceError`) is shown as the form's error; after a change the
browser is sent on, so that reloading repeats nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.forms import Form, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from arfollow.shared.errors import ServiceError

type AnyForm = Form | ModelForm[Any]
type Deed = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class ActionPage:
    """What stands around the form. `back` is where the person comes from and goes to."""

    title: str
    submit: str
    back: str
    sub: str = ""
    text: str = ""
    facts: list[tuple[str, Any]] = field(default_factory=list)
    danger: str = ""
    files: str = ""
    template: str = "action.html"
    extra: Mapping[str, Any] = field(default_factory=dict)


def act(request: HttpRequest, page: ActionPage, form: AnyForm, do: Deed) -> HttpResponse:
    """Show the form, or carry out `do`, which answers with the sentence of success."""
    if request.method == "POST" and form.is_valid():
        said = refused_or_done(form, lambda: do(form.cleaned_data))
        if said is not None:
            messages.success(request, said)
            return redirect(page.back)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, page.template, {"page": page, "form": form, **page.extra}, status=status)


def refused_or_done[T](form: AnyForm, do: Callable[[], T]) -> T | None:
    """The answer of `do`; None where the service refused, with its sentence in the form."""
    try:
        return do()
    except ServiceError as refusal:
        form.add_error(None, str(refusal))
        return None


def do_at_once(request: HttpRequest, back: str, do: Callable[[], str]) -> HttpResponse:
    """A button without a form: done or refused, the sentence is shown on the page before."""
    try:
        messages.success(request, do())
    except ServiceError as refusal:
        messages.error(request, str(refusal))
    return redirect(back)


def back_to(request: HttpRequest, fallback: str) -> str:
    """Where `?next=` leads, if it stays on this site."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    here = {request.get_host()}
    if wanted and url_has_allowed_host_and_scheme(wanted, here, require_https=request.is_secure()):
        return wanted
    return fallback


def posted(request: HttpRequest) -> Any:
    """The data of a POST for a form, None for a GET."""
    return request.POST if request.method == "POST" else None
