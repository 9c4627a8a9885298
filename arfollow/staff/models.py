"""The people who work with arfollow, and the company they work for."""

from decimal import Decimal
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from arfollow.shared import clock


class Role(models.TextChoices):
    """What a member of staff may do."""

    READ_ONLY = "read_only", "Read-only"
    COLLECTOR = "collector", "Collector"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"


class StaffManager(UserManager["User"]):
    """Makes users; a superuser is an admin in our own roles too."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> "User":
        extra.setdefault("role", Role.ADMIN)
        return super().create_superuser(username, email, password, **extra)


class User(AbstractUser):
    """A member of staff: they sign letters and are named as the contact person."""

    email = models.EmailField("e-mail address", blank=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.COLLECTOR)
    job_title = models.CharField(max_length=80, blank=True)
    direct_phone = models.CharField(max_length=40, blank=True)
    keyboard_shortcuts = models.BooleanField(default=True)
    calls_a_day = models.PositiveSmallIntegerField(
        default=40,
        validators=[MaxValueValidator(500)],
        help_text="How many calls the worklist puts before them in a day; 0: none.",
    )

    objects: ClassVar[StaffManager] = StaffManager()

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def may_write(self) -> bool:
        """Whether this person may change anything."""
        return self.is_active and self.role != Role.READ_ONLY

    @property
    def may_approve(self) -> bool:
        """Whether this person approves final demands, letters and hand-overs."""
        return self.is_active and self.role in {Role.MANAGER, Role.ADMIN}

    @property
    def may_administer(self) -> bool:
        """Whether this person changes the company, staff and policies."""
        return self.is_active and self.role == Role.ADMIN


class WindowFormat(models.TextChoices):
    """Envelope window the letters are laid out for (FACTS §3)."""

    US_10 = "us_10", "US Letter, #10 window"
    DIN_A = "din_a", "A4, DIN 5008 form A"
    DIN_B = "din_b", "A4, DIN 5008 form B"
    UK_DL = "uk_dl", "A4, UK DL window"


class Company(models.Model):
    """Our own company: one row, with identity, letterhead, sender and limits."""

    name = models.CharField(max_length=120, default="Your company")
    legal_name = models.CharField(max_length=160, blank=True)
    registration = models.CharField("company registration", max_length=120, blank=True)
    tax_number = models.CharField("VAT or tax number", max_length=40, blank=True)
    address_line1 = models.CharField(max_length=120, blank=True)
    address_line2 = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    region = models.CharField(max_length=80, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, default="US")
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField("office e-mail", blank=True)
    website = models.URLField(max_length=200, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    time_zone = models.CharField(max_length=40, default="UTC")
    language = models.CharField(max_length=10, default="en")

    window_format = models.CharField(
        max_length=8, choices=WindowFormat.choices, default=WindowFormat.US_10
    )
    letterhead_tagline = models.CharField(max_length=160, blank=True)
    letter_signatory = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    bank_name = models.CharField(max_length=120, blank=True)
    bank_account_name = models.CharField(max_length=120, blank=True)
    bank_account = models.CharField("account number", max_length=40, blank=True)
    bank_code = models.CharField("routing or sort code", max_length=40, blank=True)
    iban = models.CharField("IBAN", max_length=40, blank=True)
    bic = models.CharField("BIC", max_length=16, blank=True)
    ways_to_pay = models.TextField(
        blank=True, help_text="One way a line, as customers read it: transfer, card, check by mail."
    )
    payment_link = models.URLField(max_length=300, blank=True)

    sender_name = models.CharField(max_length=120, blank=True)
    sender_email = models.EmailField(blank=True)
    reply_to = models.EmailField(blank=True)
    contact_person = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Named in messages to customers that have no owner.",
    )
    default_owner = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Looks after every new customer that no rule gives to somebody else.",
    )
    sales_email = models.EmailField(
        "sales e-mail",
        blank=True,
        help_text="Hears of credit stops where a customer has no salesperson of its own.",
    )

    shadow_mode = models.BooleanField(
        default=False, help_text="Every message goes to the shadow address until you say go."
    )
    shadow_email = models.EmailField(blank=True)
    paused = models.BooleanField(default=False, help_text="Nothing leaves while this is on.")
    pause_reason = models.CharField(max_length=200, blank=True)

    send_window_start = models.PositiveSmallIntegerField(default=8)
    send_window_end = models.PositiveSmallIntegerField(default=17)
    send_slot_minute = models.PositiveIntegerField(
        default=600, help_text="Minutes after midnight, customer time, at which mail leaves."
    )
    continuous_slots = models.BooleanField(
        default=False, help_text="A slot each minute instead of one a day."
    )
    send_every_day = models.BooleanField(
        default=False, help_text="Also on weekends and holidays (for demonstrations)."
    )
    undo_seconds = models.PositiveIntegerField(default=7200)
    daily_cap = models.PositiveSmallIntegerField(default=1)
    weekly_cap = models.PositiveSmallIntegerField(default=3)
    storm_floor = models.PositiveIntegerField(
        default=50,
        help_text="A run that would send more than this, and three times the usual, asks first.",
    )
    send_rate = models.PositiveIntegerField(
        null=True, blank=True, default=60, help_text="E-mails a minute; empty is unlimited."
    )

    tolerance = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal("1.00"))
    promise_grace_days = models.PositiveSmallIntegerField(default=2)
    confirm_promises = models.BooleanField(
        default=True, help_text="Thank for a promise by e-mail as soon as it is noted."
    )
    nudge_promises = models.BooleanField(
        default=True, help_text="Remind of a promise on the business day before its date."
    )
    says_paid_hold_days = models.PositiveSmallIntegerField(default=5)
    freshness_days = models.PositiveSmallIntegerField(default=3)
    minimum_amount = models.DecimalField(
        max_digits=9,
        decimal_places=2,
        default=Decimal("25.00"),
        validators=[MinValueValidator(Decimal(0))],
    )
    agency_minimum = models.DecimalField(max_digits=9, decimal_places=2, default=Decimal("250.00"))
    agency_name = models.CharField(max_length=120, blank=True)
    agency_fee_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal("33.00")
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="company_is_one_row"),
            models.CheckConstraint(
                condition=models.Q(send_window_start__lt=models.F("send_window_end")),
                name="company_send_window_is_open",
            ),
        ]
        verbose_name_plural = "company"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def load(cls) -> Self:
        """The one row, made with its defaults where it is missing."""
        return cls.objects.select_related("contact_person", "letter_signatory").get_or_create(id=1)[
            0
        ]


class QuietPeriod(models.Model):
    """Days on which we chase nobody (an office closure, Christmas): the clock stops."""

    starts_on = models.DateField()
    ends_on = models.DateField()
    label = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(starts_on__lte=models.F("ends_on")),
                name="quiet_period_has_days",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}, {self.starts_on} to {self.ends_on}"


class OwnerRule(models.Model):
    """Who looks after a new customer, by country and first letter; the first that fits."""

    position = models.PositiveSmallIntegerField(default=1, help_text="Lower is asked first.")
    country = models.CharField(max_length=2, blank=True, help_text="Two letters; empty: any.")
    first_letter = models.CharField(
        "names from", max_length=1, blank=True, help_text="A letter; empty: from the beginning."
    )
    last_letter = models.CharField(
        "names to", max_length=1, blank=True, help_text="A letter; empty: to the end."
    )
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="owner_rules")

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        where = self.country or "any country"
        letters = f"{self.first_letter or 'A'} to {self.last_letter or 'Z'}"
        return f"{where}, {letters}: {self.owner}"


class Absence(models.Model):
    """Days on which somebody is away, and the colleague who covers for them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absences")
    covered_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="covers")
    starts_on = models.DateField()
    ends_on = models.DateField()
    note = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(starts_on__lte=models.F("ends_on")), name="absence_has_days"
            ),
            models.CheckConstraint(
                condition=~models.Q(user=models.F("covered_by")), name="absence_covered_by_another"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["covered_by", "ends_on"], name="absence_by_cover"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.starts_on} to {self.ends_on}"


class RateCount(models.Model):
    """How often somebody did a costly thing in the minute that began at ``since``."""

    who = models.CharField(max_length=80, help_text="An account, or the address of a caller.")
    what = models.CharField(max_length=20)
    since = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["who", "what"], name="rate_count_once"),
        ]

    def __str__(self) -> str:
        return f"{self.who}, {self.what}: {self.count} since {self.since:%H:%M:%S}"
