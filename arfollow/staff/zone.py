"""Pages tell the time of our own company: its zone holds while a page of staff is made."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from arfollow.staff.models import Company


class CompanyZoneMiddleware:
    """Every hour shown, typed or exported is the company's; without a login there is none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(_zone()):
            return self.get_response(request)


def _zone() -> ZoneInfo:
    """The company's zone; one column, so that it costs next to nothing on every page."""
    name = Company.objects.filter(pk=1).values_list("time_zone", flat=True).first()
    return ZoneInfo(name or "UTC")
