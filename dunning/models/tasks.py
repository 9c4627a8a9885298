"""What a person owes: tasks, and hand-overs to an agency."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from arfollow.shared import clock
from customers.models import Customer
from dunning.models.attempts import ContactAttempt
from invoices.models import Invoice


class TaskKind(models.TextChoices):
    """Why somebody has to look. A task exists only where a person owes an action."""

    CALL_BACK = "call_back", "Call back as agreed"
    FIND_NUMBER = "find_number", "Find the telephone number"
    ASK_ADDRESS = "ask_address", "Ask for a usable address"
    FIND_CONTACT = "find_contact", "Find somebody to contact"
    ALLOCATE_OR_REFUND = "allocate_or_refund", "Allocate or refund a credit"
    SEND_DOCUMENT = "send_document", "Send what they asked for"
    ASK_REMITTANCE = "ask_remittance", "Ask for the remittance advice"
    RESOLVE_DISPUTE = "resolve_dispute", "Resolve a dispute"
    READ_REPLY = "read_reply", "Read a reply"
    AGREE_PLAN = "agree_plan", "Agree a payment plan"
    PLAN_MISSED = "plan_missed", "A payment plan was not kept"
    LADDER_END = "ladder_end", "Decide: the ladder is finished"
    DECIDE = "decide", "Decide what comes next"
    OWNER_DECIDES = "owner_decides", "Owner decides"
    CHECK_DELIVERY = "check_delivery", "Look into a delivery problem"
    OTHER = "other", "Other"


class TaskStatus(models.TextChoices):
    """Whether it is still to be done."""

    OPEN = "open", "Open"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "No longer needed"


class Task(models.Model):
    """Something a person owes, on a date, with the reason in words."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="tasks"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    attempt = models.ForeignKey(
        ContactAttempt, on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks"
    )
    kind = models.CharField(max_length=20, choices=TaskKind.choices)
    title = models.CharField(max_length=200)
    due_on = models.DateField()
    due_at = models.DateTimeField(null=True, blank=True, help_text="An agreed hour.")
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
    )
    status = models.CharField(max_length=9, choices=TaskStatus.choices, default=TaskStatus.OPEN)
    dedupe_key = models.CharField(max_length=120, help_text="Open once per matter.")
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    result = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["dedupe_key"], condition=Q(status="open"), name="task_open_once"
            ),
            models.CheckConstraint(
                condition=Q(status="open") | Q(done_at__isnull=False),
                name="task_done_has_a_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_on", "id"], condition=Q(status="open"), name="task_open_by_day"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PlacementStatus(models.TextChoices):
    """Life of a hand-over (FACTS §7)."""

    PENDING = "pending", "Pending"
    PLACED = "placed", "Placed"
    PART = "part", "Part collected"
    COLLECTED = "collected", "Collected"
    RECALLED = "recalled", "Recalled"
    CLOSED = "closed", "Closed"


PLACED = (PlacementStatus.PENDING, PlacementStatus.PLACED, PlacementStatus.PART)
"""While it is one of these, the agency speaks to the customer and we do not (rule 7)."""


class Placement(models.Model):
    """A customer's hand-over to an agency; made per customer (rule 6)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="placements")
    attempt = models.OneToOneField(
        ContactAttempt, on_delete=models.PROTECT, related_name="placement"
    )
    agency = models.CharField(max_length=120)
    fee_percent = models.DecimalField(max_digits=5, decimal_places=2)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    collected = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    status = models.CharField(
        max_length=9, choices=PlacementStatus.choices, default=PlacementStatus.PENDING
    )
    placed_on = models.DateField(null=True)
    closed_on = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "currency"],
                condition=Q(status__in=["pending", "placed", "part"]),
                name="placement_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} with {self.agency}"
