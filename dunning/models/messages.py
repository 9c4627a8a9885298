"""Texts that staff edit, what customers wrote, what providers reported."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from arfollow.shared import clock
from customers.models import Customer
from dunning.models.attempts import ContactAttempt
from dunning.models.choices import Channel, Tone
from dunning.models.documents import Document


class MessageTemplate(models.Model):
    """A text of our own in place of the shipped one; linted before it is saved."""

    channel = models.CharField(max_length=10, choices=Channel.choices)
    tone = models.CharField(max_length=10, choices=Tone.choices)
    kind = models.CharField(max_length=30, blank=True, help_text="Empty: a step of the ladder.")
    language = models.CharField(max_length=10, default="en")
    version = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    edited_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["channel", "tone", "kind", "language"],
                condition=Q(current=True),
                name="template_one_current",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}, {self.tone}, {self.language}"


class MessageEdit(models.Model):
    """Words of one waiting message as somebody wrote them; an empty body is the policy's text."""

    attempt = models.ForeignKey(ContactAttempt, on_delete=models.PROTECT, related_name="edits")
    version = models.PositiveIntegerField()
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering: ClassVar = ["version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["attempt", "version"], name="message_edit_version"),
        ]

    def __str__(self) -> str:
        return f"version {self.version} of {self.attempt_id}"


class Inbound(models.Model):
    """A message from a customer; unread, it holds the next step (rule 8)."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="inbound"
    )
    attempt = models.ForeignKey(
        ContactAttempt, on_delete=models.SET_NULL, null=True, related_name="replies"
    )
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    received_at = models.DateTimeField()
    from_address = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    message_id = models.CharField(
        max_length=300, blank=True, help_text="Of the message as it came; taken in once."
    )
    attachments = models.JSONField(
        default=list, help_text="Names, types and sizes; the files stay in the original."
    )
    original = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Who pasted or dropped it in.",
    )
    auto_reply = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True)
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["message_id"], condition=~Q(message_id=""), name="inbound_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["customer"],
                condition=Q(read_at__isnull=True, auto_reply=False),
                name="inbound_unread",
            ),
            models.Index(fields=["customer", "-received_at"], name="inbound_of_customer"),
        ]

    def __str__(self) -> str:
        return self.subject or self.from_address


class DeliveryEvent(models.Model):
    """What a provider reported, stored first and applied later (DELIVERY §2.4)."""

    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=120)
    event_type = models.CharField(max_length=20)
    at = models.DateTimeField(null=True)
    attempt = models.ForeignKey(
        ContactAttempt, on_delete=models.SET_NULL, null=True, related_name="delivery_events"
    )
    message_id = models.CharField(max_length=200, blank=True)
    recipient = models.CharField(max_length=254, blank=True)
    reject_reason = models.CharField(max_length=20, blank=True)
    description = models.TextField(blank=True)
    payload = models.JSONField(default=dict)
    received_at = models.DateTimeField(default=clock.now)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="delivery_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["message_id"],
                condition=Q(applied_at__isnull=True),
                name="delivery_event_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} from {self.provider}"
