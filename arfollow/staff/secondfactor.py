"""The second factor, demanded of everybody who works here (ASVS 6.3.3; DELIVERY §5)."""

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

OPEN = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "account_reauthenticate",
        "account_logout",
        "livez",
        "readyz",
    }
)
"""What somebody without one may reach; static files are answered before."""
ASKED = "A second factor is asked of everybody here. Set it up to go on."


class SecondFactorMiddleware:
    """Whoever is logged in without one is led to where it is set up, and nowhere else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        if not settings.REQUIRE_SECOND_FACTOR or not request.user.is_authenticated:
            return None
        match = request.resolver_match
        if match is None or match.view_name in OPEN or has_one(request):
            return None
        return _to_the_setup(request)


def has_one(request: HttpRequest) -> bool:
    """Recovery codes alone are none."""
    return bool(is_mfa_enabled(request.user, [Authenticator.Type.TOTP]))


def _to_the_setup(request: HttpRequest) -> HttpResponse:
    place = reverse("mfa_activate_totp")
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(place)
    if not request.accepts("text/html"):
        return JsonResponse({"error": ASKED, "set_up": place}, status=403)
    messages.warning(request, ASKED)
    return redirect(place)
