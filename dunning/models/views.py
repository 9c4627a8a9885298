"""What a list is kept as: saved views, and how pressing each customer is."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from arfollow.shared import clock
from arfollow.staff.models import User
from customers.models import Customer


class SavedViews(models.QuerySet["SavedView"]):
    """Finds views for a person."""

    def visible_to(self, user: User) -> Self:
        """Their own, and those that are shared."""
        return self.filter(Q(owner=user) | Q(shared=True)).select_related("owner")


class SavedView(models.Model):
    """A list as somebody filters and sorts it, under a name; the address is the view."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500, help_text="Query string, without the question mark.")
    shared = models.BooleanField(default=False, help_text="Everybody sees it; a manager shares.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = SavedViews.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_view_once_by_name"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["name"], condition=Q(shared=True), name="saved_view_shared"),
        ]

    def __str__(self) -> str:
        return self.name


class Priority(models.Model):
    """How pressing a customer is: a projection that can be worked out again from the ledger.

    Kept so that a list of thousands can be ordered by the database. `computed_on` and `seq`
    say of when it is; what is older than the day or the customer's `ledger_seq` is renewed.
    """

    customer = models.OneToOneField(
        Customer, on_delete=models.CASCADE, primary_key=True, related_name="priority"
    )
    score = models.BigIntegerField(default=0, help_text="The larger, the sooner.")
    currency = models.CharField(max_length=3, blank=True, help_text="In which most is overdue.")
    overdue = models.DecimalField(
        max_digits=18, decimal_places=2, default=0, help_text="Overdue and undisputed in it."
    )
    oldest_due = models.DateField(null=True, help_text="Of all that is overdue.")
    usual_late = models.SmallIntegerField(
        null=True, help_text="Days late on average in the last year; empty: nothing paid."
    )
    broken = models.PositiveSmallIntegerField(
        default=0, help_text="Promises of the last year of which nothing or only a part came."
    )
    reliability = models.PositiveSmallIntegerField(
        null=True, help_text="How much of what was promised came, in percent."
    )
    computed_on = models.DateField()
    seq = models.BigIntegerField(default=-1)

    class Meta:
        verbose_name_plural = "priorities"

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.score}"


class Exposure(models.Model):
    """What a customer owes overdue in one currency, as of `Priority.computed_on`."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="exposures")
    currency = models.CharField(max_length=3)
    overdue = models.DecimalField(max_digits=18, decimal_places=2)
    disputed = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    items = models.PositiveIntegerField()
    oldest_due = models.DateField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "currency"], name="exposure_once"),
        ]
        indexes: ClassVar = [
            # Used by the worklist's filters: amount, age and currency.
            models.Index(
                fields=["customer", "currency", "overdue", "oldest_due"], name="exposure_filter"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.currency} {self.overdue}"
