"""The outbox on a real ledger: 553 messages of one run, held, let go, looked at (issue 3, 8)."""

from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from customers.models import Contact, Customer
from dunning import runs
from dunning.models import AttemptState, ContactAttempt
from tests import make, outbox
from tests.pages.conftest import PageAs

LAST_DAY = date(2020, 8, 31)
RUN = datetime(2020, 8, 31, 6, tzinfo=UTC)
LIMIT = 200_000


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_553_messages_of_one_run_are_walked_in_a_browser(
    shared_data: Any, transactional_db: None, page_as: PageAs, axe_check: Any
) -> None:
    """Every number gets a made-up address, for the ledger names none."""
    ledger = shared_data / "ledgers" / "highradius_open_items.csv"
    make.company()
    call_command("import_ledger", str(ledger), "--json", stdout=StringIO())
    Contact.objects.bulk_create(
        Contact(customer=row, email=f"c{row.number}@example.test".lower(), primary=True)
        for row in Customer.objects.all()
    )
    with time_machine.travel(RUN):
        runs.run(LAST_DAY)
    waiting = ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel="email").count()
    assert waiting == 553
    page = page_as("manager")
    answer = page.goto("/outbox/")
    assert answer is not None
    assert len(answer.body()) < LIMIT
    assert f"{waiting} messages" in page.locator(".next-slot").inner_text()
    axe_check(page)
    with time_machine.travel(datetime(2020, 8, 31, 12, tzinfo=UTC)):
        held = outbox.dispatch.send_some(now=datetime(2020, 8, 31, 12, tzinfo=UTC), seconds=None)
    assert held.held == 553
    page.goto("/outbox/?show=held")
    page.get_by_role("button", name="Let 553 messages go").click()
    page.get_by_text("553 let go").wait_for()
    assert ContactAttempt.objects.filter(state=AttemptState.PLANNED, channel="email").count() == 553
