"""What was agreed with a customer, and why we wait: promises, plans, holds."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from arfollow.shared import clock
from arfollow.shared.money import with_currency
from arfollow.shared.words import say_day
from customers.models import Customer
from dunning.models.attempts import ContactAttempt
from invoices.models import Invoice


class PromiseStatus(models.TextChoices):
    """How a promise to pay ended."""

    OPEN = "open", "Open"
    KEPT = "kept", "Kept"
    PART_KEPT = "part_kept", "Part kept"
    BROKEN = "broken", "Broken"
    CANCELLED = "cancelled", "Cancelled"


class Promise(models.Model):
    """A promise to pay by a date: steps wait until the date plus grace (rule 8)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="promises")
    call = models.ForeignKey(
        ContactAttempt, on_delete=models.SET_NULL, null=True, related_name="promises"
    )
    made_on = models.DateField()
    due_on = models.DateField()
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(
        max_digits=18, decimal_places=2, help_text="All that is promised, over its items."
    )
    person = models.CharField(max_length=120, blank=True)
    status = models.CharField(
        max_length=9, choices=PromiseStatus.choices, default=PromiseStatus.OPEN
    )
    kept_amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    settled_on = models.DateField(null=True)
    nudge_on = models.DateField(
        null=True, help_text="The day a short reminder of it is due; empty once that is dealt with."
    )
    looked_seq = models.BigIntegerField(
        default=-1, help_text="The customer's `ledger_seq` when it was last compared with money."
    )
    note = models.TextField(blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="promise_positive"),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("made_on")), name="promise_not_in_the_past"
            ),
            models.CheckConstraint(
                condition=Q(status="open", settled_on__isnull=True)
                | (~Q(status="open") & Q(settled_on__isnull=False)),
                name="promise_settled_has_a_day",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_on", "customer"], condition=Q(status="open"), name="promise_open"
            ),
            models.Index(fields=["customer", "-made_on"], name="promise_of_customer"),
            # Used by each tick: reminders of promises whose day has come.
            models.Index(
                fields=["nudge_on"],
                condition=Q(status="open", nudge_on__isnull=False),
                name="promise_to_nudge",
            ),
            # Used by the list of kept and broken promises, newest first.
            models.Index(fields=["status", "-settled_on"], name="promise_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.amount} by {self.due_on}"

    @property
    def words(self) -> str:
        """How it stands or ended, with its part: "Kept part of the promise of 20 Mar 2026: …"."""
        amount, day = with_currency(self.amount, self.currency), say_day(self.due_on)
        part = f"{with_currency(self.kept_amount, self.currency)} of {self.amount:,.2f}"
        return {
            PromiseStatus.OPEN: f"Promised {amount} by {day}",
            PromiseStatus.KEPT: f"Kept the promise of {day}: {amount} came in",
            PromiseStatus.PART_KEPT: f"Kept part of the promise of {day}: {part} came in",
            PromiseStatus.BROKEN: f"Broke the promise of {day}: nothing of {amount} came in",
            PromiseStatus.CANCELLED: f"The promise of {day} over {amount} was taken back",
        }[PromiseStatus(self.status)]


class PromiseItem(models.Model):
    """An open item that a promise covers, and how much of it was open then."""

    promise = models.ForeignKey(Promise, on_delete=models.CASCADE, related_name="items")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="promise_items")
    instalment_no = models.PositiveSmallIntegerField(default=0)
    open_then = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["promise", "invoice", "instalment_no"], name="promise_item_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id} in promise {self.promise_id}"


class HoldReason(models.TextChoices):
    """Why we wait. Those on our side stop the clock (rule 1)."""

    SAYS_PAID = "says_paid", "Says it is paid"
    WAITING_APPROVAL = "waiting_approval", "Waiting for the customer's approval"
    PAYMENT_RUN = "payment_run", "In the customer's payment run"
    DOCUMENT = "document", "We owe a document"
    CALL_BACK = "call_back", "Call agreed"
    PAYMENT_RECEIVED = "payment_received", "A payment came in"
    QUESTION = "question", "We asked about an older invoice"
    UNREAD_REPLY = "unread_reply", "A reply waits to be read"
    QUIET = "quiet", "Quiet period of the customer"
    OURS = "ours", "Our own decision"
    OTHER = "other", "Other"


class Hold(models.Model):
    """A stop with a reason and an end: of one invoice, or of the customer."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="holds")
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="holds"
    )
    instalment_no = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=16, choices=HoldReason.choices)
    stops_clock = models.BooleanField(
        default=False, help_text="Our delay: these days never escalate."
    )
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="The last day of the hold.")
    released_on = models.DateField(null=True, blank=True)
    call = models.ForeignKey(
        ContactAttempt, on_delete=models.SET_NULL, null=True, related_name="holds"
    )
    note = models.CharField(max_length=300, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="hold_ends_after_it_starts"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["customer"], condition=Q(released_on__isnull=True), name="hold_unreleased"
            ),
            models.Index(
                fields=["ends_on"], condition=Q(released_on__isnull=True), name="hold_ending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} until {self.ends_on}"


class PlanStatus(models.TextChoices):
    """Life of a payment plan."""

    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    KEPT = "kept", "Kept"
    ENDED = "ended", "Ended"
    WITHDRAWN = "withdrawn", "Withdrawn"


class PaymentPlan(models.Model):
    """Several dated payments over open items; steps wait while it is kept."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="plans")
    invoices = models.ManyToManyField(Invoice, related_name="plans")
    call = models.ForeignKey(
        ContactAttempt, on_delete=models.SET_NULL, null=True, related_name="plans"
    )
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=18, decimal_places=2)
    status = models.CharField(max_length=9, choices=PlanStatus.choices, default=PlanStatus.DRAFT)
    agreed_on = models.DateField(null=True)
    ended_on = models.DateField(null=True)
    ended_why = models.CharField(
        max_length=300, blank=True, help_text="What a person reads about how it ended."
    )
    looked_seq = models.BigIntegerField(
        default=-1, help_text="The customer's `ledger_seq` when it was last compared with money."
    )
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(total__gt=0), name="plan_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "withdrawn"]) | Q(agreed_on__isnull=False),
                name="plan_agreed_has_a_day",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["kept", "ended"]) | Q(ended_on__isnull=False),
                name="plan_ended_has_a_day",
            ),
        ]
        indexes: ClassVar = [
            # Used by each tick and the list: plans that still run or wait to be agreed.
            models.Index(
                fields=["customer"],
                condition=Q(status__in=["draft", "active"]),
                name="plan_not_over",
            ),
        ]

    def __str__(self) -> str:
        return f"plan over {self.currency} {self.total}"


class PlanInstalment(models.Model):
    """One dated payment of a plan; what came in fills the oldest first."""

    plan = models.ForeignKey(PaymentPlan, on_delete=models.CASCADE, related_name="instalments")
    number = models.PositiveSmallIntegerField()
    due_on = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    paid_amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_instalment_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, paid_amount__gte=0, paid_amount__lte=F("amount")),
                name="plan_instalment_paid_within_amount",
            ),
        ]
        indexes: ClassVar = [
            # Used by each tick: instalments that are not paid and fell due.
            models.Index(
                fields=["due_on"],
                condition=Q(paid_amount__lt=F("amount")),
                name="plan_instalment_unpaid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} by {self.due_on}"
