"""What a message said: frozen before the first byte leaves, never made again."""

from django.db import models

from arfollow.shared import clock
from dunning.models.attempts import ContactAttempt
from dunning.models.documents import Document


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
