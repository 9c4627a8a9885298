"""When a session ends whatever is clicked (ASVS 7.3.2; DELIVERY §5). Idle ends: Django's own."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from arfollow.shared import clock

BEGAN = "began"
"""Key in the session: the log-in, in seconds since 1970."""
LISTED = "listed"
"""Key in the session: its own name when it was put on its owner's list."""
SKEW = timedelta(minutes=5)
"""Clocks of several machines differ by no more than this."""

log = structlog.get_logger(__name__)


def begin(session: SessionBase) -> None:
    """The absolute time of a log-in starts to run."""
    session[BEGAN] = clock.now().timestamp()


def is_over(session: SessionBase | Mapping[str, Any]) -> bool:
    """Too long since the log-in, or a log-in that is yet to come: then the clock was set back.

    So a clock that goes back never gives a session more than twice its time.
    """
    age = clock.now().timestamp() - session.get(BEGAN, 0)
    return not -SKEW.total_seconds() <= age < settings.SESSION_ABSOLUTE_SECONDS


class AbsoluteEndMiddleware:
    """Stands before whatever asks for a log-in, which then leads to it as after an idle end."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            _look_at(request)
        return self.get_response(request)


def _look_at(request: HttpRequest) -> None:
    """End it, or see that it has its beginning and its place on the list.

    It lacks them where it was begun before an upgrade, and its place where Django renamed it
    because the secret key was changed.
    """
    session = request.session
    if BEGAN not in session:
        begin(session)
    if is_over(session):
        log.info("session ended, too long", account=session[SESSION_KEY])
        logout(request)
    elif session.get(LISTED) != session.session_key and request.user.is_authenticated:
        UserSession.objects.create_from_request(request)
        session[LISTED] = session.session_key
