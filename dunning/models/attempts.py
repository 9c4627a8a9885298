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
from dunning.models.policies import PolicyVersion
from dunning.models.runs import Run
from invoices.models import Invoice

MAX_TRIES = 8


class Channel(models.TextChoices):
    """How a contact is made."""

    EMAIL = "email", "E-mail"
    CALL = "call", "Call"
    LETTER = "letter", "Letter"
    VISIT = "visit", "Visit"
    INTERNAL = "internal", "Internal notice"
    HANDOVER = "handover", "Hand-over"


class Tone(models.TextChoices):
    """The tone ladder (PROTOCOL §3)."""

    COURTESY = "courtesy", "Courtesy"
    FRIENDLY = "friendly", "Friendly"
    FIRM = "firm", "Firm"
    DIRECT = "direct", "Direct"
    URGENT = "urgent", "Urgent"
    FINAL = "final", "Final"
    INTERNAL = "internal", "Internal"


class AttemptState(models.TextChoices):
    """States of the delivery contract; only its moves are legal."""

    PLANNED = "planned", "Planned"
    CLAIMED = "claimed", "Being prepared"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"
    HELD = "held", "Held"
    CANCELLED = "cancelled", "Cancelled"
    SKIPPED = "skipped", "Skipped"


class HeldFor(models.TextChoices):
    """What a held attempt waits for."""

    NOTHING = "", "Nothing"
    APPROVAL = "approval", "Approval"
    PAUSE = "pause", "The pause to end"
    STORM = "storm", "Confirmation: unusually many messages"
    STALE = "stale", "Fresh payment data"
    ADDRESS = "address", "A usable address"


class AttemptKind(models.TextChoices):
    """Why there is a contact; only ladder contacts complete a step."""

    LADDER = "ladder", "Step of the policy"
    STATEMENT = "statement", "Statement of account"
    PROMISE_FOLLOW_UP = "promise_follow_up", "Promise follow-up"
    ASK_RECEIVED = "ask_received", "Question about a skipped invoice"
    CALL_BACK = "call_back", "Call back as agreed"
    RESEND = "resend", "Requested copy"
    THANKS = "thanks", "Thank-you"
    PROMISE_CONFIRMED = "promise_confirmed", "Promise confirmed"
    PROMISE_NUDGE = "promise_nudge", "Reminder of a promise"
    PLAN_CONFIRMED = "plan_confirmed", "Payment plan confirmed"
    MANUAL = "manual", "Written by staff"
    ANSWER = "answer", "Answer to them"
    INBOUND = "inbound", "They contacted us"
    TEST = "test", "Test"
    MORNING = "morning", "Morning figures"


class ProviderStatus(models.TextChoices):
    """What the provider reported; only ever moves up (DELIVERY §2.4)."""

    NONE = "", "Nothing yet"
    QUEUED = "queued", "Queued"
    DEFERRED = "deferred", "Deferred"
    DELIVERED = "delivered", "Delivered"
    AUTORESPONDED = "autoresponded", "Auto-reply received"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Marked as spam"
    REJECTED = "rejected", "Rejected by the provider"


class Document(models.Model):
    """Bytes we keep as evidence, each once, under their SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    content_type = models.CharField(max_length=80)
    name = models.CharField(max_length=160)
    data = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


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


class FrozenMessage(models.Model):
    """The exact bytes of a message, frozen before the first byte leaves."""

    attempt = models.OneToOneField(
        ContactAttempt, on_delete=models.CASCADE, primary_key=True, related_name="frozen"
    )
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    facts_digest = models.CharField(max_length=64)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+")
    envelope = models.JSONField(default=dict, help_text="from, to, cc as they go on the wire.")
    rendered_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.subject


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
