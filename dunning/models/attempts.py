"""The outbox: contact attempts with their states and the keys that forbid doubling.

States, moves and constraints are those of the delivery contract (DELIVERY §3):
planned → claimed → sending → sent | failed | unknown; beside them held,
cancelled and skipped. What the provider reports later is a column of its own.
"""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from arfollow.shared import clock
from customers.models import Contact, Customer
from dunning.models.choices import (
    AttemptKind,
    AttemptState,
    Channel,
    HeldFor,
    ProviderStatus,
    Tone,
)
from dunning.models.policies import PolicyVersion
from dunning.models.runs import Run
from invoices.models import Invoice

MAX_TRIES = 8


class ContactAttempt(models.Model):
    """One intended or made contact; an immutable fact once done."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="attempts")
    moved_from = models.ForeignKey(
        Customer,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The account it was made for, where that was merged into this one since.",
    )
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="attempts")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    kind = models.CharField(max_length=17, choices=AttemptKind.choices, default=AttemptKind.LADDER)
    tone = models.CharField(max_length=10, choices=Tone.choices)
    language = models.CharField(max_length=10, default="en")
    step_key = models.CharField(max_length=40, blank=True, help_text="Step of the leading item.")
    action_key = models.CharField(max_length=40, blank=True)
    substitute_for = models.CharField(
        max_length=10, blank=True, help_text="Channel that could not be used (rule 4)."
    )
    lead_invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, related_name="led_attempts"
    )
    lead_instalment_no = models.PositiveSmallIntegerField(default=0)
    promise = models.ForeignKey(
        "dunning.Promise", on_delete=models.SET_NULL, null=True, related_name="follow_ups"
    )
    plan = models.ForeignKey(
        "dunning.PaymentPlan", on_delete=models.SET_NULL, null=True, related_name="messages"
    )
    certified = models.BooleanField(default=False)
    offers_plan = models.BooleanField(default=False)
    automatic = models.BooleanField(default=True)
    customer_facing = models.BooleanField(default=True)
    exempt = models.BooleanField(default=False, help_text="Does not count for the pace (rule 2).")
    needs_approval = models.BooleanField(default=False)

    state = models.CharField(
        max_length=9, choices=AttemptState.choices, default=AttemptState.PLANNED
    )
    held_for = models.CharField(
        max_length=8, choices=HeldFor.choices, blank=True, default=HeldFor.NOTHING
    )
    live = models.BooleanField(default=True, help_text="Cleared when it no longer counts.")
    reason = models.CharField(max_length=40, blank=True, help_text="Code of `reason_text`.")
    reason_text = models.CharField(max_length=300, blank=True)
    error = models.TextField(blank=True)

    planned_on = models.DateField(help_text="Date of the run that decided it.")
    local_date = models.DateField(help_text="The customer's date when it is due to leave.")
    due_at = models.DateTimeField(null=True, help_text="The slot: never before.")
    done_on = models.DateField(null=True, help_text="Business day on which it was made.")
    pay_by = models.DateField(null=True, help_text="Deadline it states; a business day.")
    dedupe_key = models.CharField(max_length=120)

    worker = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sending_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=200, blank=True)
    in_reply_to = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=40, blank=True)
    provider_message_id = models.CharField(max_length=200, blank=True)
    provider_status = models.CharField(
        max_length=13, choices=ProviderStatus.choices, blank=True, default=ProviderStatus.NONE
    )
    provider_status_at = models.DateTimeField(null=True)
    reached_on = models.DateField(
        null=True, help_text="The day it counts as a contact made (rule 6)."
    )
    shadowed = models.BooleanField(default=False, help_text="Went to the shadow address only.")

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    again_on = models.DateField(
        null=True, help_text="Declined: when it is to be put before us again."
    )
    note = models.TextField(blank=True)
    content = models.JSONField(
        default=dict, help_text="Plain values the message is made from beside its items."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["channel", "dedupe_key"],
                condition=Q(live=True),
                name="attempt_dedupe_key_once",
            ),
            models.UniqueConstraint(
                fields=["customer", "channel", "local_date"],
                condition=Q(automatic=True, customer_facing=True, exempt=False, moved_from=None)
                & Q(channel__in=["email", "letter"])
                & ~Q(state__in=["cancelled", "skipped", "held"]),
                name="attempt_one_automatic_a_day",
            ),
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(state__in=["claimed", "sending"]),
                name="attempt_one_in_flight_per_customer",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent", channel="email") | ~Q(message_id=""),
                name="attempt_sent_mail_has_message_id",
            ),
            models.CheckConstraint(
                condition=~Q(state="sending")
                | Q(lease_until__isnull=False, sending_at__isnull=False),
                name="attempt_sending_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(lease_until__isnull=False),
                name="attempt_claimed_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(done_on__isnull=False),
                name="attempt_sent_has_a_day",
            ),
            models.CheckConstraint(
                condition=(Q(state="held") & ~Q(held_for="")) | (~Q(state="held") & Q(held_for="")),
                name="attempt_held_for_something",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["cancelled", "skipped", "failed"]) | ~Q(reason=""),
                name="attempt_end_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["cancelled", "failed"]) | Q(live=False),
                name="attempt_ended_is_not_live",
            ),
            models.CheckConstraint(condition=Q(tries__lte=MAX_TRIES), name="attempt_tries_limited"),
        ]
        indexes: ClassVar = [
            # Used by the sender: what is due to leave, oldest slot first.
            models.Index(
                fields=["due_at", "id"],
                condition=Q(state="planned"),
                name="attempt_due",
            ),
            # Used by the sweeper: leases that ran out.
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["claimed", "sending"]),
                name="attempt_leased",
            ),
            # Used by approvals, problems and the worklist. Whole: SQLite uses no partial index
            # whose condition comes as a parameter.
            models.Index(fields=["state", "channel", "id"], name="attempt_by_state"),
            # Used by a customer's contact history.
            models.Index(fields=["customer", "-id"], name="attempt_of_customer"),
            # Used by the dashboard: what left since yesterday.
            models.Index(
                fields=["sent_at"], condition=Q(sent_at__isnull=False), name="attempt_by_sent_at"
            ),
            # Used by the outbox: what came back lately.
            models.Index(fields=["provider_status", "created_at"], name="attempt_by_report"),
            # Used by webhooks that know only our Message-ID.
            models.Index(
                fields=["message_id"], condition=~Q(message_id=""), name="attempt_message_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} to {self.customer_id}, {self.state}"


class ItemPart(models.TextChoices):
    """Where an item stands in a message (rule 3)."""

    PLEASE_PAY = "please_pay", "Please pay"
    IN_QUERY = "in_query", "In query"
    NOT_YET_DUE = "not_yet_due", "Not yet due"


class AttemptItem(models.Model):
    """An open item (or a credit) named in an attempt; `completes` says whose step it is.

    The key (invoice, instalment, step, action, repeat, cycle) is unique while
    live: two beats, re-runs and imports cannot plan a step twice.
    """

    attempt = models.ForeignKey(ContactAttempt, on_delete=models.CASCADE, related_name="items")
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, related_name="attempt_items"
    )
    instalment_no = models.PositiveSmallIntegerField(default=0)
    label = models.CharField(max_length=120, blank=True, help_text="Number of a credit line.")
    part = models.CharField(max_length=11, choices=ItemPart.choices)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    days_late = models.IntegerField(default=0)
    completes = models.BooleanField(default=False)
    live = models.BooleanField(default=True)
    step_key = models.CharField(max_length=40, blank=True)
    action_key = models.CharField(max_length=40, blank=True)
    repeat = models.PositiveSmallIntegerField(default=0)
    cycle = models.PositiveSmallIntegerField(default=1)
    offset = models.SmallIntegerField(
        null=True, help_text="The step's day when it was taken, for policies edited since."
    )
    taken = models.BooleanField(default=False, help_text="Listed by a final demand (rule 6).")
    pay_by = models.DateField(null=True)
    outcome = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice", "instalment_no", "step_key", "action_key", "repeat", "cycle"],
                condition=Q(live=True, completes=True),
                name="attempt_item_step_once",
            ),
            models.CheckConstraint(
                condition=~Q(completes=True) | (Q(invoice__isnull=False) & ~Q(step_key="")),
                name="attempt_item_completes_a_step",
            ),
        ]
        indexes: ClassVar = [
            # Used by facts and explain: an item's history.
            models.Index(fields=["invoice", "instalment_no"], name="attempt_item_history"),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id or self.label} {self.part} {self.amount}"


class AttemptRecipient(models.Model):
    """An address an attempt goes to; limits hold per address (rule 2)."""

    class Field(models.TextChoices):
        TO = "to", "To"
        CC = "cc", "Cc"

    attempt = models.ForeignKey(ContactAttempt, on_delete=models.CASCADE, related_name="recipients")
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True)
    field = models.CharField(max_length=2, choices=Field.choices, default=Field.TO)
    name = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=254)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["attempt", "address"], name="recipient_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["address"], name="recipient_by_address")]

    def __str__(self) -> str:
        return self.address
