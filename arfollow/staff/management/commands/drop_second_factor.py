"""A telephone is lost, the recovery codes too: `manage.py drop_second_factor NAME`."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from arfollow.shared import events
from arfollow.shared.events import Entry
from arfollow.staff.models import User


class Command(BaseCommand):
    """Ask first, by telephone or face to face, whether it is them (ASVS 6.4.4)."""

    help = "Remove somebody's second factor and end their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="their log-in name")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"Nobody logs in as {name}.")
        if not _drop(user):
            raise CommandError(f"{name} has no second factor.")
        self.stdout.write(f"{name} logs in with the password alone now. Their sessions are ended.")


@transaction.atomic
def _drop(user: User) -> bool:
    gone, _ = Authenticator.objects.filter(user_id=user.pk).delete()
    if gone:
        get_adapter().end_sessions(UserSession.objects.filter(user_id=user.pk))
        summary = f"Account of {user}: second factor removed"
        events.record(Entry("user.second_factor_removed", "user", user.pk, summary))
    return bool(gone)
