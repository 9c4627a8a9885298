"""Letters with proof: from the draft to the signed receipt."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from dunning.models.attempts import ContactAttempt
from dunning.models.documents import Document
from invoices.models import Invoice


class LetterKind(models.TextChoices):
    """What a letter is."""

    REMINDER = "reminder", "Reminder"
    FINAL_DEMAND = "final_demand", "Final demand"


class LetterStatus(models.TextChoices):
    """Life of a letter (FACTS §2). The next step counts from delivery, never from printing."""

    DRAFTED = "drafted", "Drafted"
    APPROVED = "approved", "Approved"
    PRINTED = "printed", "Printed"
    POSTED = "posted", "Posted"
    IN_TRANSIT = "in_transit", "In transit"
    NOTICE_LEFT = "notice_left", "Notice left"
    DELIVERED = "delivered", "Delivered"
    REFUSED = "refused", "Refused"
    UNCLAIMED = "unclaimed", "Unclaimed, returned"
    UNDELIVERABLE = "undeliverable", "Undeliverable"
    PULLED = "pulled", "Pulled before posting"


class Letter(models.Model):
    """One printed letter; its number and its PDF never change once printed."""

    attempt = models.OneToOneField(ContactAttempt, on_delete=models.PROTECT, related_name="letter")
    number = models.CharField(max_length=30, unique=True)
    kind = models.CharField(max_length=12, choices=LetterKind.choices)
    certified = models.BooleanField(default=False)
    window_format = models.CharField(max_length=8)
    status = models.CharField(
        max_length=13, choices=LetterStatus.choices, default=LetterStatus.DRAFTED
    )
    dated = models.DateField()
    deadline = models.DateField(null=True)
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, related_name="letters"
    )
    facts_digest = models.CharField(max_length=64, blank=True)
    pages = models.PositiveSmallIntegerField(default=0)
    print_batch = models.CharField(max_length=40, blank=True)
    printed_at = models.DateTimeField(null=True)
    printed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    posted_on = models.DateField(null=True)
    article_number = models.CharField(max_length=40, blank=True)
    receipt_number = models.CharField(max_length=40, blank=True)
    reported_on = models.DateField(null=True, help_text="The day of what the post last reported.")
    delivered_on = models.DateField(null=True)
    signer = models.CharField(max_length=120, blank=True)
    receipt = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, related_name="receipt_of"
    )
    receipt_name = models.CharField(max_length=160, blank=True)
    receipt_at = models.DateTimeField(null=True)
    receipt_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    taken_out_at = models.DateTimeField(
        null=True, help_text="Pulled: when somebody took the paper out of the pile."
    )
    taken_out_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["article_number"],
                condition=~Q(article_number=""),
                name="letter_article_number_once",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["printed", "posted", "delivered"])
                | Q(document__isnull=False),
                name="letter_printed_has_its_pdf",
            ),
            models.CheckConstraint(
                condition=~Q(status="posted") | Q(posted_on__isnull=False),
                name="letter_posted_has_a_day",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["status", "id"], name="letter_by_status")]

    def __str__(self) -> str:
        return self.number


class LetterCopy(models.Model):
    """What is printed behind a letter: the original of an invoice, or an earlier letter.

    Kept when the letter is printed, so that it comes out again with the same sheets.
    """

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="copies")
    position = models.PositiveSmallIntegerField()
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True, related_name="+")
    earlier = models.ForeignKey(Letter, on_delete=models.PROTECT, null=True, related_name="+")
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, related_name="copied_behind"
    )
    pages = models.PositiveSmallIntegerField(default=0)
    missing = models.CharField(max_length=200, blank=True, help_text="Why there is no copy.")

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["letter", "position"], name="letter_copy_position"),
            models.CheckConstraint(
                condition=Q(document__isnull=False) | ~Q(missing=""),
                name="letter_copy_is_there_or_missing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice or self.earlier} behind {self.letter_id}"
