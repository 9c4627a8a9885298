"""Tables below every app: the append-only events and their chains."""

from typing import ClassVar

from django.db import models

from arfollow.shared import clock


class EventChain(models.Model):
    """Head of one hash chain: a customer's, or "company" for what belongs to nobody."""

    key = models.CharField(max_length=40, primary_key=True)
    seq = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "event_chain"

    def __str__(self) -> str:
        return f"{self.key} at {self.seq}"


class Event(models.Model):
    """One fact: who did what to which row. Triggers refuse UPDATE and DELETE.

    Holds no personal value: those sit in `EventData`, which can be erased
    without breaking the chain, because only its salted digest is chained.
    """

    chain = models.CharField(max_length=40)
    seq = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now)
    customer_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=150)
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.BigIntegerField(null=True)
    digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "event"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chain", "seq"], name="event_chain_seq_once"),
        ]
        indexes: ClassVar = [
            # Used by the customer's timeline, newest first.
            models.Index(fields=["customer_id", "-id"], name="event_timeline"),
            # Used by the history of one row (an invoice, a letter).
            models.Index(fields=["object_type", "object_id"], name="event_object"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_id}"


class EventData(models.Model):
    """What an event says in words and values; erasable (set to null), never edited."""

    event = models.OneToOneField(
        Event, on_delete=models.PROTECT, primary_key=True, related_name="data"
    )
    salt = models.CharField(max_length=32)
    summary = models.TextField(blank=True)
    values = models.JSONField(null=True)

    class Meta:
        db_table = "event_data"

    def __str__(self) -> str:
        return self.summary or "(erased)"
