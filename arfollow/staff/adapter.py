"""Accounts are made by an administrator; nobody signs up. Who comes, goes or fails is logged."""

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from arfollow.staff import sessions
from arfollow.staff.models import User
from arfollow.staff.sealing import seal_again

log = structlog.get_logger(__name__)


class StaffAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the library has no types
    """The log names the account, never what was typed: people type passwords into name fields.

    The address of the caller stands on every line of a request (ASVS 16.3.1, 16.3.3).
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            log.warning("log-in refused, too many tries", account=_account(credentials))
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        log.warning("log-in failed", account=_account(credentials))

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        sessions.begin(request.session)

    def post_login(
        self, request: HttpRequest, user: AbstractBaseUser, **known: Any
    ) -> HttpResponse:
        log.info("logged in", account=user.pk)
        seal_again(Authenticator.objects.filter(user_id=user.pk))
        answer: HttpResponse = super().post_login(request, user, **known)
        return answer

    def logout(self, request: HttpRequest) -> None:
        log.info("logged out", account=request.user.pk)
        super().logout(request)


def _account(credentials: dict[str, Any]) -> int | None:
    """The number of the account that was tried; None where there is no such account."""
    names = Q(pk=None)
    if username := credentials.get("username"):
        names |= Q(username=username)
    if email := credentials.get("email"):
        names |= Q(email__iexact=email)
    return User.objects.filter(names).values_list("pk", flat=True).first()
