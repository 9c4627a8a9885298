"""Calls and visits: who was reached, what was said, what it changed."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from customers.models import Contact
from dunning.models.attempts import ContactAttempt


class Direction(models.TextChoices):
    """Who called whom."""

    OUT = "out", "We called"
    IN = "in", "They called"


class ContactLevel(models.TextChoices):
    """How close a call came (PROTOCOL §4)."""

    NONE = "none", "Nobody"
    THIRD = "third", "Third party"
    RIGHT = "right", "Right party"


class CallOutcome(models.TextChoices):
    """Every outcome of PROTOCOL §4; `dunning.outcomes` carries out the consequence."""

    NO_ANSWER = "no_answer", "No answer"
    BUSY = "busy", "Busy"
    VOICEMAIL = "voicemail", "Voicemail left"
    MESSAGE = "message", "Message with a third party"
    WRONG_NUMBER = "wrong_number", "Wrong number"
    DISCONNECTED = "disconnected", "Disconnected"
    CALL_BACK = "call_back", "Call back at …"
    PROMISE = "promise", "Promises to pay"
    SAYS_PAID = "says_paid", "Says paid, or cheque in the mail"
    NOT_RECEIVED = "not_received", "Invoice not received"
    WRONG_PERSON = "wrong_person", "Wrong person or department"
    WAITING_APPROVAL = "waiting_approval", "Waiting for approval"
    PAYMENT_RUN = "payment_run", "In the payment run"
    NEEDS_DOCUMENT = "needs_document", "Needs PO, copy or form"
    DISPUTES = "disputes", "Disputes"
    ASKS_PLAN = "asks_plan", "Asks for a plan"
    CANNOT_PAY = "cannot_pay", "Cannot pay"
    REFUSES = "refuses", "Refuses"
    HUNG_UP = "hung_up", "Hung up"
    DO_NOT_CALL = "do_not_call", "Asks not to be called"
    REPRESENTED = "represented", "Represented"
    INSOLVENT = "insolvent", "Insolvent"
    DECEASED = "deceased", "Deceased"
    COLLECTED = "collected", "Visit: cheque collected"
    NOT_COLLECTED = "not_collected", "Visit: not collected"


class CallRecord(models.Model):
    """What happened on a call or visit (R65)."""

    attempt = models.OneToOneField(
        ContactAttempt, on_delete=models.CASCADE, primary_key=True, related_name="call"
    )
    token = models.UUIDField(
        null=True, unique=True, editable=False, help_text="The form that logged it (L18)."
    )
    reply = models.ForeignKey(
        "dunning.Inbound",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="outcomes",
        help_text="The message of theirs that it deals with, where nobody spoke.",
    )
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.OUT)
    at = models.DateTimeField()
    number_used = models.CharField(max_length=40, blank=True)
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, blank=True)
    person = models.CharField(max_length=120, blank=True)
    level = models.CharField(max_length=5, choices=ContactLevel.choices)
    outcome = models.CharField(max_length=20, choices=CallOutcome.choices)
    invoice_received = models.BooleanField(null=True)
    follow_up_on = models.DateField(null=True, blank=True)
    note = models.TextField(blank=True)
    trail = models.JSONField(
        default=list, editable=False, help_text="What it changed, so that it can be taken back."
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-at"], name="call_newest_first")]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}, {self.at:%Y-%m-%d}"
