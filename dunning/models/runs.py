"""Planning passes."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from arfollow.shared import clock

MOST_WARNINGS = 200
"""Kept of one run: where more goes wrong, the outbox and the desk name each."""

ABOUT_CUSTOMERS = "Customer"
"""How a warning begins that names customers; it counts beyond the run after it."""


class RunStatus(models.TextChoices):
    """How a run ended."""

    RUNNING = "running", "Running"
    OK = "ok", "Done"
    WARNING = "warning", "Done with warnings"
    FAILED = "failed", "Failed"


class Run(models.Model):
    """One planning pass over the customers whose day has come."""

    date = models.DateField()
    slot = models.CharField(
        max_length=40,
        blank=True,
        help_text="Set by the beat: one run per slot, however many beats.",
    )
    status = models.CharField(max_length=8, choices=RunStatus.choices, default=RunStatus.RUNNING)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    examined = models.PositiveIntegerField(default=0)
    customers = models.PositiveIntegerField(default=0)
    planned = models.JSONField(default=dict)
    reasons = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["slot"], condition=~Q(slot=""), name="run_once_per_slot"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["-started_at"], name="run_newest_first")]

    def warn(self, warnings: list[str]) -> None:
        """Add what is not said yet, in the caller's transaction; unsaved until `save`."""
        fresh = [text for text in dict.fromkeys(warnings) if text not in self.warnings]
        self.warnings = [*self.warnings, *fresh][:MOST_WARNINGS]
        if self.warnings and self.status == RunStatus.OK:
            self.status = RunStatus.WARNING

    def __str__(self) -> str:
        return f"run for {self.date}, {self.status}"
