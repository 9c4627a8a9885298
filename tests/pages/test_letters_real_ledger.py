"""Approvals and letters on a real ledger: many customers, one with 2,602 invoices (L24, L35)."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import Count
from django.test import Client
from pypdf import PdfReader

from customers.models import Address, Customer
from dunning.models import ContactAttempt, Letter
from invoices.models import Invoice
from tests import outbox
from tests.pages.conftest import member

WEIGHT = 200_000
MONDAY = date(2020, 8, 31)
NINE = datetime(2020, 8, 31, 9, 0, tzinfo=UTC)
CUSTOMERS = 3


@pytest.fixture
def _that_monday() -> Iterator[None]:
    with time_machine.travel(NINE):
        yield


@pytest.fixture
def held(shared_data: Path, db: Any, _that_monday: None) -> list[ContactAttempt]:
    """A letter to each of the largest customers over everything they owe, to be approved."""
    outbox.company(name="Harbour & Pine", country="US", window_format="us_10")
    ledger = shared_data / "ledgers" / "highradius_open_items.csv"
    call_command("import_ledger", str(ledger), "--json", stdout=StringIO())
    owing = Invoice.objects.filter(open_amount__gt=0, due_date__lt=MONDAY)
    most = owing.values_list("customer").annotate(n=Count("pk")).order_by("-n")[:CUSTOMERS]
    assert most[0][1] > 2_500
    return [_letter(pk, place) for place, (pk, _) in enumerate(most)]


def _letter(customer_id: int, place: int) -> ContactAttempt:
    customer = Customer.objects.get(pk=customer_id)
    Address.objects.filter(customer=customer).delete()
    Address.objects.create(
        customer=customer, line1=f"{place} Main Street", city="Portland", region="ME",
        postal_code=f"04{100 + place}", country="US",
    )  # fmt: skip
    invoices = Invoice.objects.filter(customer=customer, open_amount__gt=0, due_date__lt=MONDAY)
    return outbox.queued(
        customer, *invoices.order_by("due_date", "pk"), channel="letter", tone="direct",
        needs_approval=True, certified=True, planned_on=MONDAY, now=NINE,
        pay_by=MONDAY + timedelta(days=14),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.timeout(500)
def test_items_five_and_six_on_customers_with_thousands_of_invoices(
    held: list[ContactAttempt], client: Client
) -> None:
    client.force_login(member("manager"))
    page = client.get("/approvals/")
    assert len(page.content) < WEIGHT
    largest = client.get(f"/outbox/{held[0].pk}/preview/")
    assert "more items" in largest.content.decode()
    client.post("/approvals/approve/", {"pk": [each.pk for each in held]})
    printed = client.post("/letters/print/", {"pk": [each.pk for each in held]})
    assert Letter.objects.filter(status="printed").count() == CUSTOMERS
    _the_pile_is_in_order(client.get(f"{printed['Location']}pdf/").content)
    screen = client.get("/letters/post/")
    assert len(screen.content) < WEIGHT
    assert "Pull it" not in screen.content.decode()
    lines = "\n".join(f"{each.number}\tRB{n:08d}0GB" for n, each in enumerate(Letter.objects.all()))
    form = {f"post-{each.pk}": "on" for each in Letter.objects.all()}
    form |= {"on": MONDAY.isoformat(), "scanned": lines, "certain": "on"}
    client.post("/letters/post/", form)
    assert Letter.objects.filter(status="posted").count() == CUSTOMERS


def _the_pile_is_in_order(pile: bytes) -> None:
    """The cover list first, every letter on an odd page, by postal code."""
    words = [page.extract_text() for page in PdfReader(BytesIO(pile)).pages]
    assert "Print job" in words[0]
    firsts = [n for n, text in enumerate(words) if " Main Street" in text]
    assert len(firsts) == CUSTOMERS
    assert all(first % 2 == 0 for first in firsts)
    places = [re.search(r"(\d+) Main Street", words[first]) for first in firsts]
    assert [place and int(place[1]) for place in places] == list(range(CUSTOMERS))
