"""The product's queue, for workers of a fault; ``FAULTS_PLAIN`` leaves the PDF out.

Where thousands of messages are raced it is the claim that is raced, not the renderer.
"""

import os

from celery.signals import worker_process_init

from arfollow.celery import app

__all__ = ["app"]


@worker_process_init.connect
def _plainly(**_: object) -> None:
    if os.environ.get("FAULTS_PLAIN"):
        # The module needs Django's registry, which is not there yet when this one is loaded.
        from tests.faults.harness.plain import plainly  # noqa: PLC0415

        plainly()
