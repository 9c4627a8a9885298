"""What a contact attempt can be: channel, tone, kind, state, and what the provider reports."""

from django.db import models


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
