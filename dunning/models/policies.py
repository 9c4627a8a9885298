"""Policies as staff edit them, who follows which, and each invoice's place in its own."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from arfollow.shared import clock
from customers.models import Customer, Tag
from invoices.models import Invoice


class Policy(models.Model):
    """An escalation policy; its steps live in versions, so that running cases keep theirs."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80, unique=True)
    description = models.TextField(blank=True)
    archived = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One edition of a policy; never edited once something was planned from it (L27)."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    reference = models.CharField(
        max_length=30, help_text="The date that days are counted from: see PROTOCOL presets."
    )
    options = models.JSONField(
        default=dict, help_text="PolicySettings that differ from the defaults."
    )
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_number"),
            models.UniqueConstraint(
                fields=["policy"], condition=Q(current=True), name="policy_one_current_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class PolicyStep(models.Model):
    """A day of the ladder. `step_key` is permanent: it survives policy versions."""

    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    step_key = models.SlugField(max_length=40)
    day = models.SmallIntegerField(help_text="Days after the reference date; may be negative.")
    tone = models.CharField(max_length=10)
    repeat_every = models.PositiveSmallIntegerField(null=True, blank=True)
    repeat_max = models.PositiveSmallIntegerField(null=True, blank=True)
    conditions = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "position"], name="policy_step_position"),
            models.UniqueConstraint(fields=["version", "step_key"], name="policy_step_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.step_key} (day {self.day})"


class StepAction(models.Model):
    """What a step does through one channel."""

    step = models.ForeignKey(PolicyStep, on_delete=models.CASCADE, related_name="actions")
    position = models.PositiveSmallIntegerField(default=0)
    action_key = models.SlugField(max_length=40)
    channel = models.CharField(max_length=10)
    recipient_role = models.CharField(max_length=12, default="payables")
    needs_approval = models.BooleanField(default=False)
    options = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["step", "action_key"], name="step_action_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.step_id}"


class Enrolment(models.Model):
    """Which policy is followed by whom: invoice before customer before tag before default."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="enrolments")
    invoice = models.OneToOneField(Invoice, on_delete=models.CASCADE, null=True, blank=True)
    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, null=True, blank=True)
    tag = models.OneToOneField(Tag, on_delete=models.CASCADE, null=True, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="enrolment_one_default"
            ),
            models.CheckConstraint(
                condition=(
                    Q(invoice__isnull=False, customer=None, tag=None, is_default=False)
                    | Q(invoice=None, customer__isnull=False, tag=None, is_default=False)
                    | Q(invoice=None, customer=None, tag__isnull=False, is_default=False)
                    | Q(invoice=None, customer=None, tag=None, is_default=True)
                ),
                name="enrolment_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        who = self.invoice or self.customer or self.tag or "everyone else"
        return f"{who} follows {self.policy}"


class FollowUpState(models.TextChoices):
    """Where an open item stands in its policy."""

    ACTIVE = "active", "Active"
    WAITING = "waiting", "Waiting"
    BLOCKED = "blocked", "Blocked"
    FINISHED = "finished", "End of the ladder"
    CLOSED = "closed", "Closed"


class FollowUp(models.Model):
    """One open item's place in its policy: a projection, rebuilt from attempts at will."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="follow_ups")
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="follow_ups")
    instalment_no = models.PositiveSmallIntegerField(default=0)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True)
    cycle = models.PositiveSmallIntegerField(
        default=1, help_text="Raised only by a person who restarts from step 1."
    )
    state = models.CharField(
        max_length=8, choices=FollowUpState.choices, default=FollowUpState.ACTIVE
    )
    last_step = models.CharField(max_length=40, blank=True)
    last_step_on = models.DateField(null=True)
    next_step = models.CharField(max_length=40, blank=True)
    next_on = models.DateField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    reason_text = models.CharField(max_length=300, blank=True)
    decided_on = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice", "instalment_no"], name="follow_up_once_per_item"
            ),
        ]
        indexes: ClassVar = [
            # Used by the run: only follow-ups whose day has come are touched.
            models.Index(
                fields=["next_on", "customer"],
                condition=Q(next_on__isnull=False),
                name="follow_up_next_on",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id}/{self.instalment_no}: {self.next_step} on {self.next_on}"


class CustomerFollowUp(models.Model):
    """How far the run has seen a customer: behind `ledger_seq` means look again."""

    customer = models.OneToOneField(
        Customer, on_delete=models.CASCADE, primary_key=True, related_name="follow_up"
    )
    projected_seq = models.BigIntegerField(default=-1)
    decided_on = models.DateField(null=True)
    promises_settled = models.PositiveIntegerField(
        default=0, help_text="Promises that were kept, part kept or broken."
    )
    promises_broken = models.PositiveIntegerField(
        default=0, help_text="Of those, the ones of which nothing came."
    )
    promise_reliability = models.PositiveSmallIntegerField(
        null=True,
        help_text="How much of what was promised came, in percent; empty while nothing is settled.",
    )

    def __str__(self) -> str:
        return f"{self.customer_id} seen to {self.projected_seq}"
