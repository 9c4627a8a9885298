"""Bytes that are kept as they left the house, or as they came."""

from django.db import models

from arfollow.shared import clock


class Document(models.Model):
    """Bytes we keep as evidence, each once, under their SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    content_type = models.CharField(max_length=80)
    name = models.CharField(max_length=160)
    data = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name
