"""A log line for each request, without what was searched for and without keys (ASVS 16.2.5)."""

import re

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

_RESET_KEY = re.compile(r"(/password/reset/key/)[^/]+")


class RequestLog(RequestMiddleware):
    """A query string holds names that somebody searched for; a reset address opens an account."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {_RESET_KEY.sub(r'\1…', request.path)}"
