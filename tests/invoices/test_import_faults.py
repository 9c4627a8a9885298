"""DELIVERY D12: an import cannot hurt, whatever the file and whenever it is cut off."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, transaction

from arfollow.shared.events import SYSTEM
from invoices.imports.apply import Result
from invoices.imports.plan import Choices, Known, make_plan
from invoices.imports.readers import read
from invoices.models import ImportBatch, Invoice, LedgerSource
from invoices.services import record_payment
from invoices.services.check import breaches
from tests.invoices.importing import AS_OF, everything, run
from tests.rules.lists import numbered, own

BAD = [
    ("customer_number", ""),
    ("customer_number", "9" * 80),
    ("invoice_number", ""),
    ("invoice_number", "9" * 100),
    ("issue_date", ""),
    ("issue_date", "2026-02-30"),
    ("issue_date", "soon"),
    ("issue_date", "0001-01-01"),
    ("due_date", "31/31/2026"),
    ("due_date", ""),
    ("amount", ""),
    ("amount", "ten"),
    ("amount", "1.2.3"),
    ("amount", "9" * 30),
    ("currency", "KWD"),
    ("currency", "dollars"),
    ("paid_amount", "half"),
    ("paid_date", "2026-13-01"),
    ("disputed", "maybe"),
    ("customer_name", "Blue\x00Door"),
]


def with_bad_rows() -> bytes:
    """F-50: 10,000 rows, 1,000 of them bad in twenty ways."""
    rows = numbered(10_000)
    for position in range(1_000):
        name, value = BAD[position % len(BAD)]
        rows[position * 10] = rows[position * 10] | {name: value}
    return own(*rows)


@pytest.mark.django_db
def test_f50_a_thousand_bad_rows_are_each_named_and_the_others_come_in() -> None:
    data = with_bad_rows()
    started = time.process_time()  # not the clock on the wall: others may share the machine
    result = run(data)
    taken = time.process_time() - started
    assert (result.rows, result.created, result.rejected) == (10_000, 9_000, 1_000)
    assert [one.line for one in result.errors] == [2 + 10 * n for n in range(1_000)]
    assert [one.column for one in result.errors] == [BAD[n % 20][0] for n in range(1_000)]
    assert all(one.message for one in result.errors)
    assert taken < 10


def test_f50_reading_and_planning_stay_within_their_memory() -> None:
    data = with_bad_rows()
    tracemalloc.start()
    try:
        make_plan(read(data), Known(), Choices(AS_OF))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * 1024 * 1024


@pytest.mark.django_db(transaction=True)
def test_f54_the_same_file_by_two_people_at_once_is_one_import() -> None:
    data = own(*numbered(300, paid_amount="10.00"))
    results: list[Result] = []
    start = threading.Barrier(2)

    def upload() -> None:
        start.wait()
        try:
            results.append(run(data))
        finally:
            connection.close()

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(result.created for result in results) == [0, 300]
    assert sorted(result.repeated for result in results) == [False, True]
    assert (Invoice.objects.count(), ImportBatch.objects.count()) == (300, 1)
    assert not list(breaches())


KILLED = """
    import os, signal, sys, django
    os.environ["DATABASE_URL"] = sys.argv[1]
    django.setup()
    from datetime import date
    from pathlib import Path
    from invoices.imports import apply
    from invoices.imports.apply import ledger

    place, name = sys.argv[3].rsplit(".", 1)
    holder = {"apply": apply, "ledger": ledger}[place]
    def kill(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(holder, name, kill)
    data = Path(sys.argv[2]).read_bytes()
    apply.import_ledger(apply.Request(file_name="x", data=data, as_of=date(2026, 3, 31)))
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "where", ["apply.write_ledger", "ledger._post", "ledger._dispute", "apply._keep_batch"]
)
def test_f55_an_import_that_is_killed_leaves_nothing_behind(tmp_path: Path, where: str) -> None:
    file = tmp_path / "ledger.csv"
    file.write_bytes(own(*numbered(200, paid_amount="10.00", disputed="yes")))
    before = everything()
    script = textwrap.dedent(KILLED)
    done = subprocess.run(
        [sys.executable, "-c", script, database_url(), str(file), where],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "arfollow.settings"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert everything() == before
    assert run(file.read_bytes()).created == 200
    assert not list(breaches())


def database_url() -> str:
    """The address of the test database for another process."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    address = urlsplit(os.environ["DATABASE_URL"])
    return address._replace(path=f"/{values['NAME']}").geturl()


@pytest.mark.django_db
def test_an_import_that_fails_in_the_middle_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("invoices.imports.apply.ledger._dispute", fail)
    with pytest.raises(RuntimeError):
        run(own(*numbered(3, paid_amount="10.00")))
    assert not Invoice.objects.exists()
    assert not LedgerSource.objects.exists()


@pytest.mark.django_db
def test_two_sources_do_not_wait_for_each_other_and_do_not_mix() -> None:
    run(own(), source="north", as_of=AS_OF)
    run(own(), source="south", as_of=AS_OF.replace(day=1))
    assert dict(LedgerSource.objects.values_list("name", "as_of")) == {
        "north": AS_OF,
        "south": AS_OF.replace(day=1),
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_a_payment_posted_while_a_file_comes_in_is_not_posted_twice() -> None:
    run(own())
    invoice = Invoice.objects.get()
    held, planned = threading.Event(), threading.Event()

    def pay() -> None:
        with transaction.atomic():
            record_payment(
                invoice.customer_id,
                actor=SYSTEM,
                received_on=AS_OF,
                currency="USD",
                amount=invoice.amount,
                allocate=[(invoice.pk, invoice.amount)],
            )
            held.set()
            planned.wait(1)
        connection.close()

    thread = threading.Thread(target=pay)
    thread.start()
    held.wait(10)
    result = run(own({"paid_date": "2026-03-01"}))
    planned.set()
    thread.join(10)
    assert result.payments_created == 0
    assert not list(breaches())
