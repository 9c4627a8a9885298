"""The ledger: what is owed, what was paid, what is in query.

`open_amount`, `disputed_amount` and the other derived columns are kept by
`invoices.services`; `check_ledger` proves that they equal their rows.
"""

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from arfollow.shared import clock
from customers.models import Customer, PaymentTerms


class LedgerSource(models.Model):
    """Where ledger data comes from; `as_of` tells how fresh the payments are (L31)."""

    name = models.CharField(max_length=40, unique=True)
    as_of = models.DateField(null=True, help_text="The world is known to the end of this day.")
    imported_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ImportBatch(models.Model):
    """One file that was imported, with what it changed."""

    source = models.ForeignKey(LedgerSource, on_delete=models.PROTECT, related_name="batches")
    file_name = models.CharField(max_length=200)
    file_format = models.CharField(max_length=30)
    sha256 = models.CharField(max_length=64)
    as_of = models.DateField()
    summary = models.JSONField(default=dict)
    imported_at = models.DateTimeField(default=clock.now)
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "import batches"

    def __str__(self) -> str:
        return f"{self.file_name}, {self.as_of}"


class ImportRowState(models.TextChoices):
    """What became of one row of an imported file."""

    CREATED = "created", "Created"
    UPDATED = "updated", "Updated"
    UNCHANGED = "unchanged", "Unchanged"
    REJECTED = "rejected", "Rejected"
    WARNING = "warning", "Warning"


class ImportRow(models.Model):
    """A row that changed something or that a person should look at."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=ImportRowState.choices)
    column = models.CharField(max_length=80, blank=True)
    message = models.TextField(blank=True)
    raw = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["batch", "line"], name="import_row_line")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.state}"


class CatalogueItem(models.Model):
    """A good or service we sell; invoice lines name it (R7, R14)."""

    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=160)
    description = models.TextField(blank=True)
    unit_price = models.DecimalField(max_digits=18, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Invoice(models.Model):
    """One invoice. An open item is the invoice, or each of its instalments."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    number = models.CharField(max_length=80)
    source = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200)
    issue_date = models.DateField()
    due_date = models.DateField()
    terms = models.ForeignKey(PaymentTerms, on_delete=models.PROTECT, null=True, blank=True)
    terms_text = models.CharField(max_length=80, blank=True)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    open_amount = models.DecimalField(max_digits=18, decimal_places=2, editable=False)
    disputed_amount = models.DecimalField(
        max_digits=18, decimal_places=2, default=0, editable=False
    )
    next_due_date = models.DateField(
        editable=False, help_text="Due date of the oldest open instalment, or of the invoice."
    )
    closed_on = models.DateField(null=True, editable=False)
    po_number = models.CharField(max_length=80, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    original = models.FileField(upload_to="invoices/%Y/%m", blank=True)
    original_sha256 = models.CharField(max_length=64, blank=True)
    chased_to = models.CharField(
        max_length=40,
        blank=True,
        help_text="Step (or tone) it had reached before it was imported; empty: step 1.",
    )
    chased_on = models.DateField(null=True, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="invoice_source_external_id_once"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="invoice_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(open_amount__gte=0, open_amount__lte=F("amount")),
                name="invoice_open_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(disputed_amount__gte=0, disputed_amount__lte=F("open_amount")),
                name="invoice_disputed_within_open",
            ),
            models.CheckConstraint(
                condition=Q(open_amount=0, closed_on__isnull=False)
                | Q(open_amount__gt=0, closed_on__isnull=True),
                name="invoice_closed_when_nothing_open",
            ),
        ]
        indexes: ClassVar = [
            # Used by ageing and totals: covers the open ledger, the small part of all rows, also
            # in SQLite, which knows no included columns.
            models.Index(
                fields=["currency", "next_due_date", "open_amount", "disputed_amount", "customer"],
                condition=Q(open_amount__gt=0),
                name="invoice_open_covered",
            ),
            # Used by the list of open invoices, the longest due first.
            models.Index(
                fields=["next_due_date", "id"],
                condition=Q(open_amount__gt=0),
                name="invoice_open_oldest",
            ),
            # Used by a customer's open items and by the run's facts.
            models.Index(
                fields=["customer", "next_due_date"],
                condition=Q(open_amount__gt=0),
                name="invoice_open_of_customer",
            ),
            models.Index(fields=["number"], name="invoice_by_number"),
            models.Index(fields=["-issue_date", "-id"], name="invoice_newest_first"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def collectible(self) -> Decimal:
        """Open less disputed, in the invoice's currency."""
        return self.open_amount - self.disputed_amount


class InvoiceLine(models.Model):
    """What was sold; the last column is the line's amount as the source states it."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    item = models.ForeignKey(CatalogueItem, on_delete=models.PROTECT, null=True, blank=True)
    description = models.TextField(blank=True)
    quantity = models.DecimalField(max_digits=18, decimal_places=4, default=1)
    unit_price = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    tax_amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    amount = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position"),
        ]

    def __str__(self) -> str:
        return self.description


class Instalment(models.Model):
    """A part of an invoice with a due date of its own; only the late one is chased (L25)."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="instalments")
    number = models.PositiveSmallIntegerField(help_text="From 1; 0 means the whole invoice.")
    due_date = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    open_amount = models.DecimalField(max_digits=18, decimal_places=2, editable=False)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "number"], name="instalment_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="instalment_from_one"),
            models.CheckConstraint(
                condition=Q(open_amount__gte=0, open_amount__lte=F("amount")),
                name="instalment_open_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"instalment {self.number}"


class CreditNote(models.Model):
    """Money we owe back; set against invoices, else it counts for the customer (L6)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="credit_notes")
    number = models.CharField(max_length=80)
    source = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200)
    issue_date = models.DateField()
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    unapplied_amount = models.DecimalField(max_digits=18, decimal_places=2, editable=False)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="credit_note_source_external_id_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_note_positive"),
            models.CheckConstraint(
                condition=Q(unapplied_amount__gte=0, unapplied_amount__lte=F("amount")),
                name="credit_note_unapplied_within_amount",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["customer"],
                condition=Q(unapplied_amount__gt=0),
                name="credit_note_unapplied",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Payment(models.Model):
    """Cash received. What is not allocated is unapplied cash of the customer."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payments")
    received_on = models.DateField(help_text="The day it counts from (rule 7).")
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    unapplied_amount = models.DecimalField(max_digits=18, decimal_places=2, editable=False)
    method = models.CharField(max_length=40, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    reversed_on = models.DateField(null=True, editable=False)
    reversal_reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="payment_source_external_id_once",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_positive"),
            models.CheckConstraint(
                condition=Q(unapplied_amount__gte=0, unapplied_amount__lte=F("amount")),
                name="payment_unapplied_within_amount",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["customer"],
                condition=Q(unapplied_amount__gt=0),
                name="payment_unapplied",
            ),
            models.Index(fields=["customer", "-received_on"], name="payment_newest_of_customer"),
            models.Index(fields=["-received_on", "-id"], name="payment_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.amount} on {self.received_on}"


class Charge(models.Model):
    """Interest or a fee we charged; principal paid leaves it open (L11)."""

    class Kind(models.TextChoices):
        INTEREST = "interest", "Interest"
        COMPENSATION = "compensation", "Compensation"
        FEE = "fee", "Fee"

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="charges")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    charged_on = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    open_amount = models.DecimalField(max_digits=18, decimal_places=2, editable=False)
    basis = models.CharField(max_length=300, help_text="How it is calculated, in words.")
    waived_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="charge_positive"),
            models.CheckConstraint(
                condition=Q(open_amount__gte=0, open_amount__lte=F("amount")),
                name="charge_open_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class Allocation(models.Model):
    """Part of a payment or credit note set against an invoice or a charge.

    It counts from `effective_on` to the day before `reversed_on`, so that any
    past day can be told exactly (L26).
    """

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations"
    )
    credit_note = models.ForeignKey(
        CreditNote, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations"
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations"
    )
    charge = models.ForeignKey(
        Charge, on_delete=models.PROTECT, null=True, blank=True, related_name="allocations"
    )
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    effective_on = models.DateField()
    reversed_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_positive"),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, credit_note__isnull=True)
                | Q(payment__isnull=True, credit_note__isnull=False),
                name="allocation_from_one",
            ),
            models.CheckConstraint(
                condition=Q(invoice__isnull=False, charge__isnull=True)
                | Q(invoice__isnull=True, charge__isnull=False),
                name="allocation_to_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} from {self.effective_on}"


class WriteOff(models.Model):
    """Part of an invoice given up, with the reason and the person (R18)."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="write_offs")
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    written_off_on = models.DateField()
    reversed_on = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="write_off_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} written off {self.written_off_on}"


class DisputeReason(models.TextChoices):
    """Reasons of PROTOCOL §4."""

    PRICE = "price", "Price"
    SHORT_DELIVERY = "short_delivery", "Quantity or short delivery"
    QUALITY = "quality", "Damaged or quality"
    NOT_DELIVERED = "not_delivered", "Not delivered"
    RETURNED = "returned", "Returned"
    DUPLICATE = "duplicate", "Duplicate"
    ALREADY_PAID = "already_paid", "Already paid"
    TAX = "tax", "Tax"
    FREIGHT = "freight", "Freight"
    TERMS = "terms", "Terms or discount"
    PO = "po", "Purchase order missing or wrong"
    BILL_TO = "bill_to", "Wrong bill-to"
    CONTRACT = "contract", "Contract or scope"
    NOT_RECEIVED = "not_received", "Invoice not received"
    OTHER = "other", "Other"


class DisputeStatus(models.TextChoices):
    """Life of a dispute; every end has a day, so that the past can be told."""

    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    CREDITED = "credited", "Credited"


class Dispute(models.Model):
    """The customer contests an amount of an invoice, all or part of it."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="disputes")
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    reason = models.CharField(
        max_length=14, choices=DisputeReason.choices, default=DisputeReason.OTHER
    )
    raised_by = models.CharField(max_length=120, blank=True)
    raised_on = models.DateField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="disputes",
    )
    target_date = models.DateField(null=True, blank=True)
    status = models.CharField(
        max_length=8, choices=DisputeStatus.choices, default=DisputeStatus.OPEN
    )
    resolution = models.TextField(blank=True)
    resolved_on = models.DateField(null=True, blank=True)
    credit_note = models.ForeignKey(
        CreditNote,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="disputes",
        help_text="Made when the dispute ended as credited.",
    )
    note = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="dispute_positive"),
            models.CheckConstraint(
                condition=Q(status="open", resolved_on__isnull=True)
                | (~Q(status="open") & Q(resolved_on__isnull=False)),
                name="dispute_resolved_has_a_day",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["invoice"], condition=Q(status="open"), name="dispute_open"),
            # Used by the list of disputes: the longest open first.
            models.Index(
                fields=["raised_on"], condition=Q(status="open"), name="dispute_open_by_age"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}, {self.amount}"
