"""Pages about customers stay out of every cache, the browser's own on a shared machine too."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class PrivatePagesMiddleware:
    """``Cache-Control: no-store`` on whatever a view answers, unless it chose otherwise.

    Static files never come here: WhiteNoise answers them earlier, with a year of caching.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store, private")
        return response
