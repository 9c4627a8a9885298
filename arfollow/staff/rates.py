"""Costly things have a rate for each account, refused webhooks one for each caller.

ASVS 2.4.1, 15.2.2. A call of a provider that carries the secret is never refused, whatever came
before it from the same address: an event must not get lost.
"""

import ipaddress
from collections.abc import Callable

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import format_html

from arfollow.shared import clock
from arfollow.shared.framed import sandboxed_html
from arfollow.staff.counting import wait_for

PREVIEW, EXPORT, IMPORT, WEBHOOK = "preview", "export", "import", "webhook"
# URL names of the upper apps, as words only: nothing here imports them.
SHOWN = {
    "attempt-preview": PREVIEW,
    "attempt-letter": PREVIEW,
    "policy-preview": PREVIEW,
    "letter-pdf": PREVIEW,
    "letters-file": EXPORT,
    "letter-evidence": EXPORT,
}
DONE = {
    "attempt-look": PREVIEW,
    "text-look": PREVIEW,
    "customer-look": PREVIEW,
    "letters-print": EXPORT,
    "import-upload": IMPORT,
    "import-apply": IMPORT,
}
FILES = frozenset({"csv", "xlsx"})
WORDS = {
    PREVIEW: "These were very many previews in a minute.",
    EXPORT: "These were very many files in a minute.",
    IMPORT: "These were very many imports in a minute.",
    WEBHOOK: "These were very many calls without the secret in a minute.",
}

log = structlog.get_logger(__name__)


class RatesMiddleware:
    """Counts before the work is done; a call that is refused counts against its caller."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        what = what_is_asked(request)
        if what is None or not request.user.is_authenticated:
            return None
        return _counted(request, f"account {request.user.pk}", what)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        match = request.resolver_match
        if not isinstance(error, SuspiciousOperation) or match is None:
            return None
        if "anymail" not in match.app_names:
            return None
        return _counted(request, f"caller {caller(request)}", WEBHOOK)


def what_is_asked(request: HttpRequest) -> str | None:
    """The costly thing, None for all others."""
    match = request.resolver_match
    name = match.url_name or "" if match else ""
    if request.method == "POST":
        return DONE.get(name)
    if FILES & set(request.GET.values()):
        return EXPORT
    return SHOWN.get(name)


def caller(request: HttpRequest) -> str:
    """The address; of IPv6 the part that one household or firm has for itself."""
    address = ipaddress.ip_address(get_adapter().get_client_ip(request))
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _counted(request: HttpRequest, who: str, what: str) -> HttpResponse | None:
    wait = wait_for(who, what, most=settings.RATES_PER_MINUTE[what], now=clock.now())
    if not wait:
        return None
    log.warning("too many", what=what, who=who)
    return too_many(request, what, wait)


def too_many(request: HttpRequest, what: str, wait: int) -> HttpResponse:
    """429 in words, for a person or a program; ``wait`` in seconds."""
    answer: HttpResponse
    if what == WEBHOOK or not request.accepts("text/html"):
        answer = JsonResponse({"error": WORDS[what], "retry_after": wait}, status=429)
    elif request.headers.get("Sec-Fetch-Dest") == "iframe":
        text = format_html("<p>{} Try again in {} seconds.</p>", WORDS[what], wait)
        answer = sandboxed_html(text)
        answer.status_code = 429
    else:
        context = {"words": WORDS[what], "wait": wait}
        answer = render(request, "429.html", context, status=429)
    answer["Retry-After"] = str(wait)
    return answer
