"""A run on a Monday, and what it planned."""

from datetime import date, timedelta

from dunning import runs
from dunning.models import (
    AttemptState,
    ContactAttempt,
)
from dunning.runs.report import Report

MONDAY = date(2026, 3, 2)


def late(days: int) -> date:
    """A due date so many days before the Monday of these tests."""
    return MONDAY - timedelta(days=days)


def plan_day(day: date = MONDAY, **how: object) -> Report:
    """One run."""
    report = runs.run(day, **how)  # type: ignore[arg-type]  # what a test asks
    assert report is not None
    return report


def planned(**filters: object) -> list[ContactAttempt]:
    """Attempts that are more than a record, in the order they were made."""
    rows = ContactAttempt.objects.exclude(state=AttemptState.SKIPPED)
    return list(rows.filter(**filters).order_by("pk"))
