"""When a session ends whatever is clicked (ASVS 7.3.2; DELIVERY §5). Idle ends: Django's own."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from arfollow.shared import clock

BEGAN = "began"
"""Key in the session: the log-in, in seconds since 1970."""
SKEW = timedelta(minutes=5)
"""Clocks of several machines differ by no more than this."""

log = structlog.get_logger(__name__)


def begin(session: SessionBase) -> None:
    """The absolute time of a log-in starts to run."""
    session[BEGAN] = clock.now().timestamp()


def is_over(session: SessionBase) -> bool:
    """Too long since the log-in, or a log-in that is yet to come: then the clock was set back.

    So a clock that goes back never gives a session more than twice its time.
    """
    age = clock.now().timestamp() - session[BEGAN]
    return not -SKEW.total_seconds() <= age < settings.SESSION_ABSOLUTE_SECONDS


class AbsoluteEndMiddleware:
    """Stands before whatever asks for a log-in, which then leads to it as after an idle end."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session = request.session
        if SESSION_KEY in session:
            if BEGAN not in session:  # of before an upgrade
                begin(session)
            elif is_over(session):
                log.info("session ended, too long", account=session[SESSION_KEY])
                logout(request)
        return self.get_response(request)
