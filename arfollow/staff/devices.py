"""One's own open sessions, and ending those on other devices (ASVS 7.5.2)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from allauth.account.decorators import reauthentication_required
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from arfollow.shared import clock
from arfollow.staff.models import User
from arfollow.staff.permissions import open_to_all
from arfollow.staff.sessions import is_over

# The first that fits: Edge and Opera call themselves Chrome too, Chrome calls itself Safari.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "Firefox/|FxiOS": "Firefox",
    "Chrome/|CriOS|Chromium": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows",
    "Mac OS X|Macintosh": "Mac", "CrOS": "ChromeOS", "Linux|X11": "Linux",
}  # fmt: skip

log = structlog.get_logger(__name__)


def after_the_password[**P](deed: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Whoever does this has said the password, or a code, in the last five minutes."""
    return cast(Callable[P, HttpResponse], reauthentication_required(deed))


@dataclass(frozen=True)
class Open:
    """A session as its owner sees it; ``ip`` is where the log-in came from."""

    pk: int
    device: str
    ip: str
    began: datetime
    seen: datetime
    current: bool


def device_of(agent: str) -> str:
    """What a browser calls itself, in two words; its own where we know none of them."""
    browser, system = _named(BROWSERS, agent), _named(SYSTEMS, agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent[:60] or "Unknown"


def open_sessions(request: HttpRequest) -> list[Open]:
    """The one at hand first, then by the last click."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user_id=request.user.pk)}
    alive = Session.objects.filter(session_key__in=rows, expire_date__gt=clock.now())
    good = _hashes(cast(User, request.user))
    here = request.session.session_key
    found = [
        _shown(rows[kept.session_key], kept, current=kept.session_key == here)
        for kept in alive
        if kept.session_key == here or _still_opens(kept.get_decoded(), good)
    ]
    return sorted(found, key=lambda one: (one.current, one.seen), reverse=True)


def _hashes(user: User) -> set[str]:
    """What a session must carry to be let in: it changes with the password."""
    return {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}


def _still_opens(session: dict[str, Any], good: set[str]) -> bool:
    return session.get(HASH_SESSION_KEY) in good and not is_over(session)


def _shown(row: UserSession, kept: Session, *, current: bool) -> Open:
    """A click moves the end of a session: its end tells the last click without another write."""
    seen = kept.expire_date - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return Open(row.pk, device_of(row.user_agent), row.ip, row.created_at, seen, current)


@open_to_all
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    return render(request, "staff/sessions.html", {"sessions": open_sessions(request)})


@open_to_all
@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """One of one's own, on another device; the one at hand ends by logging out."""
    row = get_object_or_404(UserSession.objects.filter(user_id=request.user.pk), pk=pk)
    if row.session_key == request.session.session_key:
        messages.error(request, "This is the session you are in. Log out to end it.")
        return redirect("sessions")
    return _end(request, [row], f"The session of {device_of(row.user_agent)} is ended.")


@open_to_all
@require_POST
def sessions_end(request: HttpRequest) -> HttpResponse:
    return _end(request, _others(request), "Every other session is ended.")


def _others(request: HttpRequest) -> QuerySet[UserSession]:
    own: QuerySet[UserSession] = UserSession.objects.filter(user_id=request.user.pk)
    return own.exclude(session_key=request.session.session_key)


@after_the_password
def _end(request: HttpRequest, rows: Iterable[UserSession], said: str) -> HttpResponse:
    get_adapter().end_sessions(rows)
    log.info("other sessions ended", account=request.user.pk)
    messages.success(request, said)
    return redirect("sessions")


class SecondFactorSetUp(ActivateTOTPView):  # type: ignore[misc]  # the library has no types
    """Who came in elsewhere with the password alone comes in again, with both (ASVS 7.4.3)."""

    def form_valid(self, form: Form) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        get_adapter().end_sessions(_others(self.request))
        log.info("second factor set up", account=self.request.user.pk)
        return answer


second_factor_set_up = open_to_all(SecondFactorSetUp.as_view())


def _named(names: dict[str, str], agent: str) -> str:
    return next((name for sign, name in names.items() if re.search(sign, agent)), "")
