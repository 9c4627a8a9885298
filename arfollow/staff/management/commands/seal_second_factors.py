"""After an upgrade, or a new SECRET_KEY: `manage.py seal_second_factors`."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand

from arfollow.staff.sealing import seal_again


class Command(BaseCommand):
    """Log-ins do it for each person too; this does it for those who never come."""

    help = "Seal the keys of all second factors with the current SECRET_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        count = seal_again(Authenticator.objects.order_by("pk"))
        self.stdout.write(f"{count} sealed anew, all others were already.")
