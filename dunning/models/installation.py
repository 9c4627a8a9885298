"""Brakes and guards of the installation itself."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from arfollow.shared import clock


class Installation(models.Model):
    """The instance that may send from this database (D9): a copy elsewhere mails nobody."""

    instance_id = models.CharField(max_length=64)
    adopted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="installation_is_one_row"),
        ]

    def __str__(self) -> str:
        return self.instance_id


class Heartbeat(models.Model):
    """When a process of the machine was last seen at work (beat, sender, planner).

    Also the marks that all processes share: since when the provider takes nothing and why, how
    many messages in a row met the same failure. Old code may run on beside a newer schema, so
    the columns it does not know have defaults in the database (F-71).
    """

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    count = models.PositiveSmallIntegerField(default=0, db_default=0)
    note = models.CharField(max_length=300, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"


class SwitchScope(models.TextChoices):
    """What a switch stops."""

    ALL = "all", "Everything"
    POLICY = "policy", "One policy"
    CUSTOMER = "customer", "One customer"
    CHANNEL = "channel", "One channel"


class SendSwitch(models.Model):
    """A kill switch: while its row is there and on, nothing in its scope leaves (D8)."""

    scope = models.CharField(max_length=8, choices=SwitchScope.choices)
    target = models.CharField(
        max_length=60, blank=True, help_text="Policy key, customer id or channel; empty for all."
    )
    on = models.BooleanField(default=True)
    reason = models.CharField(max_length=200)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    set_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "send switches"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "target"], condition=Q(on=True), name="switch_on_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.target}".strip()
