"""Who may do what. Roles are a ladder: each may do what the ones below it may.

A view that changes something says who may with ``@requires``; a POST to a view that says
nothing is refused for everyone, so that a forgotten decorator opens nothing.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, cast

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.http.response import HttpResponse

from arfollow.staff.models import Role, User

type AnyView = Callable[..., HttpResponseBase]

LADDER = (Role.READ_ONLY, Role.COLLECTOR, Role.MANAGER, Role.ADMIN)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Their own rules decide: log-in and own password (allauth), the admin site, and mail
# providers, whose calls carry a secret of their own (anymail).
OWN_RULES = ("allauth.", "django.contrib.admin.", "anymail.webhooks.")
MARK = "writes_for"
EVERYONE = "everyone"


def allows(user: User | AnonymousUser, role: Role) -> bool:
    """Whether the person's role is ``role`` or above it."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return LADDER.index(Role(user.role)) >= LADDER.index(role)


def refuse_below(user: User | AnonymousUser, role: Role) -> None:
    """PermissionDenied, in words the 403 page shows, where the role does not suffice."""
    if not allows(user, role):
        raise PermissionDenied(f"This needs the role “{role.label}”.")


def requires(role: Role, *, reads: Role | None = None) -> Callable[[AnyView], AnyView]:
    """Only ``role`` and above; with ``reads``, lower roles down to it may look (GET)."""

    def decorate(view: AnyView) -> AnyView:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            looking = reads is not None and request.method in SAFE_METHODS
            refuse_below(request.user, cast(Role, reads) if looking else role)
            return view(request, *args, **kwargs)

        setattr(checked, MARK, role)
        return checked

    return decorate


class RequiresRole:
    """The same for class-based views: ``role``, and ``reads`` for who may look."""

    role: ClassVar[Role] = Role.ADMIN
    reads: ClassVar[Role | None] = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> AnyView:
        view = super().as_view(**initkwargs)  # type: ignore[misc]  # View comes after in the MRO
        return requires(cls.role, reads=cls.reads)(view)


def open_to_all(view: AnyView) -> AnyView:
    """Mark a view whose POST needs no role: the portal, webhooks, a person's own profile."""
    setattr(view, MARK, EVERYONE)
    return view


class WriteRightsMiddleware:
    """Refuse every change that no rule allows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: AnyView, args: object, kwargs: object
    ) -> None:
        if request.method in SAFE_METHODS or hasattr(view, MARK):
            return
        if view.__module__.startswith(OWN_RULES):
            return
        raise PermissionDenied("This page takes no changes.")
