"""Two planners at once plan what one would have planned (L1, F-22)."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from arfollow.shared import clock
from dunning import runs
from dunning.models import AttemptItem, AttemptState, ContactAttempt, FollowUp
from dunning.runs.report import Report
from tests import make

MONDAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
PLANNERS = 3
CUSTOMERS = 12


@pytest.mark.django_db(transaction=True)
def test_l01_planners_at_once_plan_each_step_once() -> None:
    for _ in range(CUSTOMERS):
        customer = make.customer()
        for days in (5, 9):
            make.invoice(customer, due=MONDAY - timedelta(days=days))
    barrier, reports, errors = Barrier(PLANNERS), [], []
    threads = [Thread(target=plan, args=(barrier, reports, errors)) for _ in range(PLANNERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert [report.warnings for report in reports] == [[]] * PLANNERS
    assert sum(report.planned["email"] for report in reports) == CUSTOMERS
    mails = ContactAttempt.objects.filter(channel="email").exclude(state=AttemptState.SKIPPED)
    assert mails.count() == CUSTOMERS
    steps = Counter(
        AttemptItem.objects.filter(completes=True).values_list("invoice_id", "step_key")
    )
    assert set(steps.values()) == {1}
    assert FollowUp.objects.count() == 2 * CUSTOMERS


def plan(barrier: Barrier, reports: list[Report], errors: list[Exception]) -> None:
    """One planner among several, all starting at the same moment."""
    try:
        barrier.wait(30)
        with clock.at(MORNING):
            report = runs.run(MONDAY)
        assert report is not None
        reports.append(report)
    except Exception as error:  # noqa: BLE001  a thread's error is told by the test
        errors.append(error)
    finally:
        connection.close()
