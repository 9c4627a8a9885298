"""Who owes: customers, the people there, where they are, what was agreed."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from arfollow.shared import clock
from arfollow.shared.prefix import Prefix

# Before any model: a generated column takes the lookups that are known when it is made.
models.CharField.register_lookup(Prefix)


class TermsKind(models.TextChoices):
    """Every kind of payment terms of FACTS §5."""

    ON_RECEIPT = "on_receipt", "Due on receipt"
    NET = "net", "Net N days"
    EOM = "eom", "End of month"
    EOM_PLUS = "eom_plus", "End of month + N days"
    NET_THEN_EOM = "net_then_eom", "Net N, then end of month"
    EOM_THEN_NET = "eom_then_net", "End of month, then N days"
    PROX = "prox", "Nth of the following month"
    PIA = "pia", "Payment in advance"
    CIA = "cia", "Cash in advance"
    CWO = "cwo", "Cash with order"
    CBS = "cbs", "Cash before shipment"
    COD = "cod", "Cash on delivery"
    CND = "cnd", "Cash next delivery"
    INSTALMENTS = "instalments", "Instalments"


class PaymentTerms(models.Model):
    """Terms we sell on; an invoice's due date follows from them."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=14, choices=TermsKind.choices, default=TermsKind.NET)
    days = models.PositiveSmallIntegerField(default=0)
    day_of_month = models.PositiveSmallIntegerField(null=True, blank=True)
    discount_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    discount_days = models.PositiveSmallIntegerField(null=True, blank=True)
    instalments = models.JSONField(
        default=list, blank=True, help_text="Parts as [percent, days after issue]."
    )

    class Meta:
        verbose_name_plural = "payment terms"

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A label on customers, to filter by and to enrol a group in a policy."""

    name = models.CharField(max_length=60, unique=True)

    def __str__(self) -> str:
        return self.name


class LegalType(models.TextChoices):
    """Decides template, waiting days and interest regime (FACTS §6)."""

    COMPANY = "company", "Company"
    SOLE_TRADER = "sole_trader", "Sole trader"
    CONSUMER = "consumer", "Consumer"
    PUBLIC_BODY = "public_body", "Public body"


class LegalStop(models.TextChoices):
    """Why a whole customer is out of the automatic follow-up (rule 8)."""

    NONE = "", "None"
    AGENCY = "agency", "Placed with an agency"
    SOLICITOR = "solicitor", "With a solicitor"
    REPRESENTED = "represented", "Represented by a third party"
    INSOLVENT = "insolvent", "Insolvent"
    DECEASED = "deceased", "Deceased"


class ParentNotice(models.TextChoices):
    """Who gets the notices of a customer whose parent pays."""

    OWN = "own", "A notice of its own to each"
    PARENT = "parent", "One notice to the parent, listed per account"


class Customer(models.Model):
    """One debit account. `number` is the key; names are only labels (L33)."""

    number = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    legal_name = models.CharField(max_length=200, blank=True)
    legal_type = models.CharField(
        max_length=12, choices=LegalType.choices, default=LegalType.COMPANY
    )
    registration = models.CharField(max_length=80, blank=True)
    tax_number = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, default="US")
    region = models.CharField(max_length=10, blank=True)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=40, blank=True, help_text="Empty: our own time zone.")
    currency = models.CharField(max_length=3, default="USD")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="customers",
    )
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    parent_notice = models.CharField(
        max_length=6, choices=ParentNotice.choices, default=ParentNotice.OWN
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="absorbed",
        editable=False,
        help_text="The account that goes on; the old number leads there.",
    )
    merged_on = models.DateField(null=True, editable=False)
    internal = models.BooleanField(
        default=False, help_text="Carries our own test and morning mails; in no list."
    )
    folded_name = models.GeneratedField(
        expression=Lower("name"),
        output_field=models.CharField(max_length=200, db_index=True),
        db_persist=True,
    )
    terms = models.ForeignKey(PaymentTerms, on_delete=models.PROTECT, null=True, blank=True)
    tags = models.ManyToManyField(Tag, blank=True, related_name="customers")
    collection_notes = models.TextField(blank=True)
    payment_rules = models.TextField(
        blank=True, help_text="Pay-run days, portal and purchase-order rules of the customer."
    )
    cannot_pay_reason = models.CharField(max_length=300, blank=True)
    opted_out_soft = models.BooleanField("wants no soft reminders", default=False)
    credit_limit = models.DecimalField(
        max_digits=18, decimal_places=2, null=True, blank=True, help_text="In their currency."
    )
    credit_stop = models.BooleanField(default=False)
    credit_stop_since = models.DateField(null=True, editable=False)
    credit_stop_reason = models.CharField(max_length=200, blank=True)
    sales_name = models.CharField(max_length=120, blank=True)
    sales_email = models.EmailField(blank=True)
    legal_stop = models.CharField(
        max_length=14, choices=LegalStop.choices, blank=True, default=LegalStop.NONE
    )
    direct_debit_until = models.DateField(null=True, blank=True)
    legal_stop_since = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    ledger_seq = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="Raised by every change that may change a decision; the run looks at it.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~models.Q(external_id=""),
                name="customer_source_external_id_once",
            ),
        ]
        indexes: ClassVar = [
            # Used by the customer list, sorted by name.
            models.Index(fields=["name", "id"], name="customer_by_name"),
            # Used by the search by the beginning of a name; LIKE needs the pattern's order.
            models.Index(
                fields=["folded_name"],
                opclasses=["varchar_pattern_ops"],
                name="customer_by_folded_name",
            ),
            # Used by "my customers" and by the hand-over of a colleague's.
            models.Index(fields=["owner", "name"], name="customer_by_owner"),
            # Used to suggest accounts that may be the same.
            models.Index(
                fields=["tax_number"], condition=~models.Q(tax_number=""), name="customer_by_tax"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"


class ContactRole(models.TextChoices):
    """What a person at the customer does with our invoices."""

    PAYABLES = "payables", "Accounts payable"
    APPROVER = "approver", "Approves invoices"
    ESCALATION = "escalation", "Escalation"


class EmailState(models.TextChoices):
    """What we know of an e-mail address; only the first two can be written to."""

    UNVERIFIED = "unverified", "Not verified yet"
    VERIFIED = "verified", "Verified"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"


class PhoneState(models.TextChoices):
    """What we know of a telephone number."""

    UNVERIFIED = "unverified", "Not verified yet"
    VERIFIED = "verified", "Verified"
    INVALID = "invalid", "Invalid"


class Contact(models.Model):
    """A person or mailbox at the customer."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contacts")
    role = models.CharField(
        max_length=10, choices=ContactRole.choices, default=ContactRole.PAYABLES
    )
    name = models.CharField(max_length=120, blank=True)
    job_title = models.CharField(max_length=80, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    email_state = models.CharField(
        max_length=10, choices=EmailState.choices, default=EmailState.UNVERIFIED
    )
    do_not_email = models.BooleanField(default=False)
    phone = models.CharField(max_length=40, blank=True)
    phone_state = models.CharField(
        max_length=10, choices=PhoneState.choices, default=PhoneState.UNVERIFIED
    )
    do_not_call = models.BooleanField(default=False)
    primary = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "role"],
                condition=models.Q(primary=True, active=True),
                name="contact_one_primary_per_role",
            ),
        ]
        indexes: ClassVar = [
            # Limits hold per recipient address, over all customers that share it (rule 2).
            models.Index(fields=["email"], name="contact_by_email"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.phone

    @property
    def can_email(self) -> bool:
        """Whether a message may go to this address."""
        usable = self.email_state in {EmailState.UNVERIFIED, EmailState.VERIFIED}
        return bool(self.active and self.email and usable and not self.do_not_email)

    @property
    def can_call(self) -> bool:
        """Whether this number may be dialled."""
        usable = self.phone_state != PhoneState.INVALID
        return bool(self.active and self.phone and usable and not self.do_not_call)


class CheckHow(models.TextChoices):
    """How we made sure that an address or a number is really theirs (R58)."""

    CALLED_KNOWN = "called_known", "Called a number we knew before"
    REPLIED = "replied", "They answered from this address"
    SIGNED_PAPER = "signed_paper", "On a signed contract or order"
    IN_PERSON = "in_person", "In person"


class ContactCheck(models.Model):
    """Somebody made sure of an address or number: what, who, when, how."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="checks")
    value = models.CharField(max_length=254, help_text="The address or number as it was then.")
    how = models.CharField(max_length=12, choices=CheckHow.choices)
    note = models.CharField(max_length=200, blank=True)
    on = models.DateField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.value}, {self.on}"


class FraudWarning(models.Model):
    """A change that nobody has confirmed yet: somebody may be posing as the customer (R58)."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="warnings")
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, null=True, blank=True, related_name="warnings"
    )
    text = models.CharField(max_length=300)
    raised_at = models.DateTimeField(default=clock.now, editable=False)
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    cleared_why = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["customer"],
                condition=models.Q(cleared_at__isnull=True),
                name="fraud_warning_open",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Address(models.Model):
    """Where letters go. One active postal address per customer."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="addresses")
    attention = models.CharField(max_length=80, blank=True)
    line1 = models.CharField(max_length=120)
    line2 = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    region = models.CharField(max_length=80, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, default="US")
    undeliverable = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "addresses"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=models.Q(active=True),
                name="address_one_active_per_customer",
            ),
        ]

    def __str__(self) -> str:
        return ", ".join(part for part in (self.line1, self.postal_code, self.city) if part)


class TermsAgreement(models.Model):
    """Who agreed to which terms, when: made before the sale (R6)."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="terms_agreements"
    )
    terms = models.ForeignKey(PaymentTerms, on_delete=models.PROTECT)
    agreed_by = models.CharField(max_length=120, help_text="The person at the customer.")
    agreed_on = models.DateField()
    reference = models.CharField(max_length=120, blank=True, help_text="Contract or order.")
    interest_percent_per_month = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.terms}, agreed {self.agreed_on} by {self.agreed_by}"
