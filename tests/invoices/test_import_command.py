"""The commands of the ledger: their JSON, their exit status, and what a dry run writes."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from customers.models import Customer
from invoices.models import Invoice
from tests.invoices.importing import everything
from tests.rules.lists import numbered, own

pytestmark = pytest.mark.django_db

KEYS = {"source", "rows", "customers_created", "created", "updated", "unchanged", "rejected",
        "payments_created", "disputes_created", "errors"}  # fmt: skip


def saved(folder: Path, data: bytes, name: str = "ledger.csv") -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def called(command: str, *args: str) -> dict[str, Any]:
    """What a command prints with --json: one object and nothing else."""
    out = io.StringIO()
    call_command(command, *args, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def refused(command: str, *args: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        call_command(command, *args, stdout=io.StringIO())
    return caught.value


def test_the_import_prints_its_contract(tmp_path: Path) -> None:
    first, second = numbered(2)
    data = own(first | {"paid_date": "2026-02-01", "disputed": "yes"}, second | {"amount": "?"})
    found = called("import_ledger", saved(tmp_path, data), "--as-of", "2026-03-31")
    assert found.keys() >= KEYS
    assert {name: found[name] for name in KEYS - {"errors"}} == {
        "source": "arfollow",
        "rows": 2,
        "customers_created": 1,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
        "payments_created": 1,
        "disputes_created": 1,
    }
    assert found["errors"] == [{"line": 3, "column": "amount", "message": "“?” is not an amount"}]


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    file = saved(tmp_path, own(*numbered(3)))
    before = everything()
    foreseen = called("import_ledger", file, "--as-of", "2026-03-31", "--dry-run")
    assert everything() == before
    assert called("import_ledger", file, "--as-of", "2026-03-31") == foreseen


def test_options_reach_the_reader(tmp_path: Path) -> None:
    text = "Konto;Beleg;Datum;Brutto;Mahnung\n0017;R-1;05.01.2026;1.234,50;3\n"
    found = called(
        *("import_ledger", saved(tmp_path, text.encode()), "--as-of", "2026-03-31"),
        *("--map", "customer_number=Konto", "--map", "invoice_number=Beleg"),
        *("--map", "issue_date=Datum", "--map", "amount=Brutto", "--date-format", "dmy"),
        *("--currency", "eur", "--source", "datev", "--reminded-column", "Mahnung"),
    )
    assert (found["source"], found["created"]) == ("datev", 1)
    invoice = Invoice.objects.get()
    assert (str(invoice.amount), invoice.currency, invoice.source) == ("1234.50", "EUR", "datev")
    assert invoice.chased_to == "firm"


def test_a_start_step_is_taken_for_overdue_items(tmp_path: Path) -> None:
    file = saved(tmp_path, own())
    called("import_ledger", file, "--as-of", "2026-03-31", "--start-step", "friendly")
    assert Invoice.objects.get().chased_to == "friendly"


@pytest.mark.parametrize(
    ("data", "args", "message"),
    [
        (b"", (), "empty"),
        (b"a,b\n1,2\n", (), "--map"),
        (own({"issue_date": "05/01/2026"}), (), "--date-format"),
        (own({"amount": "1.234"}), (), "--decimal-mark"),
        (own({"amount": "?"}), ("--strict",), "1 rows were rejected"),
        (own(), ("--map", "amount=Nope"), "no column"),
        (own(), ("--map", "nope=amount"), "no field"),
    ],
)
def test_what_cannot_be_imported_ends_with_status_two_and_changes_nothing(
    tmp_path: Path, data: bytes, args: tuple[str, ...], message: str
) -> None:
    before = everything()
    error = refused("import_ledger", saved(tmp_path, data), "--as-of", "2026-03-31", *args)
    assert error.returncode == 2
    assert message in str(error)
    assert everything() == before


@pytest.mark.parametrize(
    "args",
    [
        ("--as-of", "31.03.2026"),
        ("--currency", "KWD"),
        ("--map", "amount"),
        ("--date-format", "ydm"),
    ],
)
def test_options_without_sense_are_refused(tmp_path: Path, args: tuple[str, ...]) -> None:
    refused("import_ledger", saved(tmp_path, own()), *args)
    assert not Invoice.objects.exists()


def test_a_file_that_is_missing_ends_with_status_two(tmp_path: Path) -> None:
    assert refused("import_ledger", str(tmp_path / "none.csv")).returncode == 2


def test_an_earlier_day_ends_with_status_two(tmp_path: Path) -> None:
    file = saved(tmp_path, own())
    called("import_ledger", file, "--as-of", "2026-03-31")
    error = refused("import_ledger", file, "--as-of", "2026-03-30")
    assert error.returncode == 2
    assert "earlier" in str(error)


def test_without_json_a_person_reads_it(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    rows = numbered(60)
    for row in rows:
        row["amount"] = "?"
    file = saved(tmp_path, own(*rows, {}))
    call_command("import_ledger", file, "--as-of", "2026-03-31", stdout=out, stderr=err)
    assert "created: 1\n" in out.getvalue()
    assert "rejected: line 2, amount: “?” is not an amount" in err.getvalue()
    assert "rejected: 10 more; --json lists all" in err.getvalue()


def test_the_ageing_prints_its_contract(tmp_path: Path) -> None:
    data = own({}, {"invoice_number": "2", "currency": "EUR", "amount": "7.5"})
    called("import_ledger", saved(tmp_path, data), "--as-of", "2026-03-31")
    found = called("aging", "--as-of", "2026-03-31")
    empty = {"count": 0, "amount": "0.00"}
    assert found["as_of"] == "2026-03-31"
    assert list(found["currencies"]) == ["EUR", "USD"]
    assert found["currencies"]["USD"] == {
        "open_invoices": 1,
        "open": "100.00",
        "overdue_invoices": 1,
        "overdue": "100.00",
        "overdue_customers": 1,
        "buckets": {
            "not_due": empty,
            "1-30": empty,
            "31-60": {"count": 1, "amount": "100.00"},
            "61-90": empty,
            "91-120": empty,
            "120+": empty,
        },
        "credits": "0.00",
        "unapplied": "0.00",
    }
    assert found["currencies"]["EUR"]["open"] == "7.50"


def test_the_ageing_is_readable_too(tmp_path: Path) -> None:
    called("import_ledger", saved(tmp_path, own()), "--as-of", "2026-03-31")
    out = io.StringIO()
    call_command("aging", "--as-of", "2026-03-31", stdout=out)
    assert "USD: 1 open, 1 overdue" in out.getvalue()
    assert refused("aging", "--as-of", "soon").returncode == 2


def test_a_sound_ledger_is_proved_and_a_breach_ends_with_status_one(tmp_path: Path) -> None:
    called("import_ledger", saved(tmp_path, own()), "--as-of", "2026-03-31")
    assert called("check_ledger") == {
        "checked": {"invoices": 1, "payments": 0, "credit_notes": 0},
        "breaches": [],
    }
    Invoice.objects.update(open_amount="99.00")
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("check_ledger", "--json", stdout=out)
    assert caught.value.returncode == 1
    assert json.loads(out.getvalue())["breaches"] == [
        {
            "kind": "invoice",
            "id": Invoice.objects.get().pk,
            "label": "00042",
            "column": "open_amount",
            "stored": "99.00",
            "derived": "100.00",
        }
    ]


def test_the_process_ends_with_the_status_and_speaks_on_stderr(tmp_path: Path) -> None:
    file = saved(tmp_path, own({"issue_date": "05/01/2026"}))
    done = subprocess.run(
        [sys.executable, "manage.py", "import_ledger", file, "--as-of", "2026-03-31", "--json"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "--date-format dmy or mdy" in done.stderr
    assert not Customer.objects.exists()
