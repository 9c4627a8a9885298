"""A run over a real ledger: 9,681 open items, the largest customer with 2,602 (L24, L35)."""

import json
import time
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Count

from customers.models import Contact, Customer
from dunning import runs
from dunning.models import AttemptState, ContactAttempt, FollowUp, Task
from invoices.models import Invoice

LAST_DAY = date(2020, 8, 31)
CPU_SECONDS = 40


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_l35_a_real_ledger_is_planned_in_seconds_one_message_a_customer(
    shared_data: Path,
) -> None:
    ledger = shared_data / "ledgers" / "highradius_open_items.csv"
    call_command("import_ledger", str(ledger), "--json", stdout=StringIO())
    nobody_can_be_reached_and_the_run_says_so()
    give_everybody_an_address()
    one_message_for_each_customer()
    assert runs.run(LAST_DAY).examined == 0  # type: ignore[union-attr]


def nobody_can_be_reached_and_the_run_says_so() -> None:
    """The ledger names no contact: everything stops, visibly; a dry run writes nothing."""
    out = StringIO()
    call_command("run_dunning", "--date", "2020-08-31", "--dry-run", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["examined"] == 9681
    assert answer["reasons"] == {"tolerance": 1, "unreachable": 9680}
    assert answer["planned"]["email"] == 0
    assert answer["warnings"] == ["9680 open items belong to customers nobody can reach."]
    assert not Task.objects.exists()


def give_everybody_an_address() -> None:
    """A made-up contact for every customer number."""
    Contact.objects.bulk_create(
        Contact(customer_id=pk, email=f"ap{pk}@example.test", primary=True)
        for pk in Customer.objects.values_list("pk", flat=True)
    )


def one_message_for_each_customer() -> None:
    """The largest customer has 2,602 open items: one message lists them all."""
    started = time.process_time()
    report = runs.run(LAST_DAY)
    assert time.process_time() - started < CPU_SECONDS
    assert report is not None
    customers = Customer.objects.count()
    assert report.planned_by_channel()["email"] == customers == report.customers
    largest = Invoice.objects.values("customer").annotate(n=Count("pk")).order_by("-n")[0]
    assert largest["n"] == 2602
    message = ContactAttempt.objects.get(customer=largest["customer"], state=AttemptState.PLANNED)
    assert message.items.count() == 2602
    assert FollowUp.objects.count() == 9681
