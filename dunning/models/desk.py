"""What the call desk remembers of a person's day."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from arfollow.shared import clock
from customers.models import Customer


class DeskSkip(models.Model):
    """A customer put off for the rest of the day by one person, with the reason."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="desk_skips")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="desk_skips"
    )
    on = models.DateField(help_text="Our day; the next day they are at their place again.")
    at = models.DateTimeField(default=clock.now)
    reason = models.CharField(max_length=120)

    class Meta:
        indexes: ClassVar = [
            # Used by the queue: whom this person put off today.
            models.Index(fields=["by", "on"], name="desk_skip_of_the_day"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} put off on {self.on}: {self.reason}"
