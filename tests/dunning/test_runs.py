"""A run plans what is due, once, whoever runs it and however often."""

from datetime import date, timedelta

import pytest

from dunning import runs
from dunning.models import (
    AttemptItem,
    AttemptState,
    Channel,
    ContactAttempt,
    CustomerFollowUp,
    FollowUp,
    FollowUpState,
    Run,
    RunStatus,
    Task,
)
from dunning.policy import Reason
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


def late(days: int) -> date:
    """A due date so many days before the Monday of these tests."""
    return MONDAY - timedelta(days=days)


def test_an_overdue_invoice_gets_its_first_reminder() -> None:
    invoice = make.invoice(make.customer(), "250.00", due=late(5))
    report = runs.run(MONDAY)
    assert report is not None
    assert report.planned_by_channel()["email"] == 1
    attempt = ContactAttempt.objects.get(channel=Channel.EMAIL, state=AttemptState.PLANNED)
    assert (attempt.step_key, attempt.tone) == ("d3", "friendly")
    assert attempt.lead_invoice_id == invoice.pk
    assert attempt.recipients.get().address.startswith("ap.")
