"""The queue. Its messages are wake-ups only: losing or doubling one changes when, never what."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "arfollow.settings")

app = Celery("arfollow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["dunning"])
