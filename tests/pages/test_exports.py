"""Every list exports what it shows, as CSV and as XLSX, and runs no formula."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest
import time_machine
from django.test import Client
from openpyxl import load_workbook

from arfollow.shared.events import SYSTEM
from customers.models import Customer
from dunning.briefing.aged import aged
from dunning.models import ContactAttempt
from invoices.aging import BUCKETS
from invoices.models import ImportBatch, Instalment, LedgerSource
from invoices.queries import current_ageing
from invoices.services import record_payment
from tests import make
from tests.dunning.calling import MONDAY, Line, planned_call, ring
from tests.pages.conftest import member

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
EVIL = '=HYPERLINK("https://evil.example")'

LISTS = {
    "/worklist/?who=all": "Customer",
    "/customers/": "Customer",
    "/invoices/": "Customer",
    "/invoices/?state=neglected": "Customer",
    "/outbox/": "Customer",
    "/outbox/?show=approval": "Customer",
    "/letters/?show=approval": "Customer",
    "/imports/": "File",
    "/agreements/": "Customer",
    "/agreements/disputes/": "Customer",
    "/agreements/holds/": "Customer",
    "/agreements/plans/": "Customer",
    "/?ageing=csv": "Customer",
}
SHOWING = ["/worklist/?who=all", "/customers/", "/invoices/", "/invoices/?state=neglected",
           "/outbox/?show=approval", "/letters/?show=approval", "/imports/",
           "/agreements/disputes/", "/?ageing=csv"]  # fmt: skip


@pytest.fixture(autouse=True)
def _on_a_monday() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("manager"))
    return client


@pytest.fixture
def line() -> Line:
    """A customer whose name is an attack, in every list."""
    made = ring()
    Customer.objects.filter(pk=made.customer.pk).update(name=EVIL, owner=None)
    letter = planned_call(made, channel="letter", automatic=False)
    ContactAttempt.objects.filter(pk=letter.pk).update(
        state="held", held_for="approval", due_at=None
    )
    make.dispute(made.newer, "10.00", on=MONDAY)
    source = LedgerSource.objects.create(name="erp")
    ImportBatch.objects.create(source=source, file_name=EVIL, as_of=MONDAY)
    return made


def body(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def address(path: str, kind: str) -> str:
    if "=csv" in path:
        return path.replace("=csv", f"={kind}")
    return f"{path}{'&' if '?' in path else '?'}export={kind}"


def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    text = body(client.get(address(path, "csv"))).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_list_is_a_file_too(desk: Client, line: Line, path: str, kind: str) -> None:
    answer = desk.get(address(path, kind))
    assert f'.{kind}"' in answer["Content-Disposition"]
    if kind == "csv":
        heads = next(csv.reader(StringIO(body(answer).decode("utf-8-sig"))))
    else:
        sheet = load_workbook(BytesIO(body(answer))).active
        assert sheet is not None
        heads = [cell.value for cell in sheet[1]]
    assert LISTS[path] in heads


@pytest.mark.parametrize("path", SHOWING)
def test_no_cell_of_any_list_is_run(desk: Client, line: Line, path: str) -> None:
    found = rows_of(desk, path)
    assert found
    assert {row[LISTS[path]] for row in found} == {f"'{EVIL}"}
    sheet = load_workbook(BytesIO(body(desk.get(address(path, "xlsx"))))).active
    assert sheet is not None
    assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}


@pytest.mark.parametrize("path", [each for each in LISTS if "=csv" not in each])
def test_every_list_that_has_rows_links_to_its_files(desk: Client, line: Line, path: str) -> None:
    text = desk.get(path).content.decode()
    shown = path in SHOWING or "tbody" in text
    assert ("export=csv" in text and "export=xlsx" in text) or not shown


def test_the_file_follows_the_filter_of_the_page(desk: Client, line: Line) -> None:
    other = ring()
    found = rows_of(desk, f"/invoices/?q={other.older.number}")
    assert [row["Invoice"] for row in found] == [other.older.number]


def test_whoever_may_look_may_export_and_nobody_else(client: Client, line: Line) -> None:
    assert client.get("/worklist/?export=csv").status_code == 302
    client.force_login(member("read_only"))
    assert rows_of(client, "/customers/")


def test_a_large_list_is_streamed_in_few_queries(
    desk: Client, line: Line, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make.invoice(line.customer, "10.00", MONDAY - timedelta(days=3))
    with django_assert_max_num_queries(25):
        assert len(rows_of(desk, "/invoices/")) == 14


# --- ageing by customer ---------------------------------------------------------------------


def test_ageing_by_customer_ties_to_the_ageing_to_the_cent(desk: Client) -> None:
    for number in range(4):
        customer = make.customer(currency="EUR" if number % 2 else "USD")
        for days in (-5, 0, 1, 31, 61, 91, 121):
            amount = f"{10 + number}.{number}{number}"
            make.invoice(
                customer, amount, MONDAY - timedelta(days=days), currency=customer.currency
            )
        record_payment(
            customer.pk, actor=SYSTEM, received_on=MONDAY, currency=customer.currency,
            amount=Decimal("5000.00"), allocate=[],
        )  # fmt: skip
    split = make.invoice(make.customer(), "90.00", MONDAY - timedelta(days=40))
    for number, days in enumerate((40, 5, -20), start=1):
        Instalment.objects.create(
            invoice=split, number=number, due_date=MONDAY - timedelta(days=days),
            amount=Decimal(30), open_amount=Decimal(30),
        )  # fmt: skip
    sums: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in aged(MONDAY):
        for name in BUCKETS:
            sums[row.currency][name] += row.buckets[name]
        sums[row.currency]["unapplied"] += row.unapplied
    for currency, whole in current_ageing(MONDAY).items():
        for name in BUCKETS:
            assert sums[currency][name] == whole.buckets[name].amount
        assert sums[currency]["unapplied"] == whole.unapplied


def test_the_ageing_file_has_a_column_for_each_bucket(desk: Client, line: Line) -> None:
    (row,) = rows_of(desk, "/?ageing=csv")
    assert (row["31–60"], row["1–30"], row["Open"], row["Net"]) == (
        "400.00", "600.00", "1000.00", "1000.00",
    )  # fmt: skip
    assert "ageing=xlsx" in desk.get("/").content.decode()
