"""Files that mean harm, from the upload to the export: refused in words or read right (D12).

F-51, F-52, F-53, F-56, F-57. Whatever is uploaded, the answer is a page and nothing is kept of
what was refused.
"""

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from openpyxl import load_workbook

from customers.models import Customer
from invoices.models import ImportBatch, Invoice
from tests import make
from tests.dunning.calling import MONDAY
from tests.pages.conftest import member
from tests.rules.lists import ORDINARY, numbered, own
from tests.rules.test_import_workbooks import bomb

pytestmark = pytest.mark.django_db
AS_OF = "2026-03-31"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(member("admin"))
    return client


def upload(desk: Client, data: bytes, name: str = "ledger.csv") -> Any:
    file = SimpleUploadedFile(name, data)
    return desk.post("/imports/upload/", {"file": file, "as_of": AS_OF})


def refused(answer: Any) -> str:
    """The words of the refusal; nothing was written and no file is kept."""
    assert answer.status_code == 422
    assert not Invoice.objects.exists()
    assert not ImportBatch.objects.exists()
    return " ".join(answer.context["form"].errors["file"])


def test_f51_a_million_rows_are_refused_on_the_page_at_once(desk: Client, settings: Any) -> None:
    started = time.process_time()
    words = refused(upload(desk, b"number,amount\n" + b"1,2\n" * 1_000_000))
    assert "at most 50,000 rows" in words
    assert time.process_time() - started < 5
    assert not Path(settings.MEDIA_ROOT, "imports").exists()


def test_f51_more_than_ten_megabytes_are_refused_on_the_page(desk: Client) -> None:
    assert "the command takes larger ones" in refused(upload(desk, b"x" * (10 * 1024 * 1024 + 1)))


def test_f51_the_command_takes_what_the_page_refuses(tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    rows = numbered(100, notes="n" * 110_000)
    file.write_bytes(own(*rows, extra=["notes"]))
    assert file.stat().st_size > 10 * 1024 * 1024
    call_command("import_ledger", str(file), "--as-of", AS_OF, stdout=io.StringIO())
    assert Invoice.objects.count() == 100


def test_f52_a_bomb_is_refused_on_the_page(desk: Client) -> None:
    assert "would unpack" in refused(upload(desk, bomb(120), "ledger.xlsx"))


LINE = {"customer_name": "Söhne & Töchter", "invoice_number": "7"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_f53_every_usual_encoding_is_read_on_the_page(desk: Client, encoding: str) -> None:
    text = own(LINE).decode().encode(encoding)
    shown = upload(desk, text)
    desk.post("/imports/apply/", {"token": shown.context["token"]})
    assert Customer.objects.get().name == "Söhne & Töchter"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 5_000,
        b"\xff\xfe\x00\xd8" * 50,
        b'"never closed,\n' * 2_000,
        b"PK\x03\x04" + b"\x00" * 500,
        b"%PDF-1.7 not a list",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
        b"a,b\r" * 3_000,
        b"x" * 200_000,
        b"<html><script>alert(1)</script></html>",
    ],
    ids=range(10),
)
def test_f53_what_is_no_list_is_refused_in_words(desk: Client, data: bytes) -> None:
    words = refused(upload(desk, data))
    assert len(words) > 15
    assert "Traceback" not in words


# --- F-56: out again --------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", "=cmd|' /C calc'!A0",
            '=HYPERLINK("https://evil.example")', " =1+1"]  # fmt: skip


def exported(desk: Client, path: str) -> list[dict[str, str]]:
    answer = desk.get(path)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # it streams
    return list(csv.DictReader(io.StringIO(text)))


def test_f56_names_that_are_formulas_come_out_as_text_and_come_in_again_as_they_were(
    desk: Client,
) -> None:
    rows = [
        ORDINARY | {"customer_number": f"C-{n}", "customer_name": name, "invoice_number": f"I-{n}"}
        for n, name in enumerate(FORMULAS)
    ]
    shown = upload(desk, own(*rows))
    desk.post("/imports/apply/", {"token": shown.context["token"]})
    kept = dict(Customer.objects.values_list("number", "name"))
    assert set(kept.values()) == {name.strip() for name in FORMULAS}
    found = exported(desk, "/customers/?export=csv")
    told = [row.get("Customer") or row["Name"] for row in found]
    assert all(name.startswith("'") for name in told)
    assert sorted(name.removeprefix("'") for name in told) == sorted(kept.values())
    assert len(found) == len(FORMULAS)


def test_f56_no_cell_of_a_workbook_is_a_formula_and_amounts_stay_numbers(desk: Client) -> None:
    for number, name in enumerate(FORMULAS):
        customer = make.customer(f"C-{number}", name)
        make.invoice(customer, "100.00", MONDAY)
    answer = desk.get("/invoices/?export=xlsx")
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]  # it streams
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert len([cell for cell in cells if cell.value == 100]) >= len(FORMULAS)


# --- F-57: collections ------------------------------------------------------------------------


def test_f57_every_hostile_file_is_answered_by_a_page(desk: Client, shared_data: Path) -> None:
    files = [p for p in sorted((shared_data / "csv_hostile").rglob("*")) if p.is_file()]
    assert len(files) > 10
    answers = {file.name: upload(desk, file.read_bytes()).status_code for file in files}
    assert set(answers.values()) <= {200, 422}


def test_f57_naughty_strings_as_names_show_on_every_list(desk: Client, shared_data: Path) -> None:
    text = (shared_data / "csv_hostile" / "naughty_strings.json").read_text("utf-8")
    names = [name for name in json.loads(text) if name.strip()][:515]
    rows = [
        ORDINARY | {"customer_number": f"C-{n}", "customer_name": name, "invoice_number": f"I-{n}"}
        for n, name in enumerate(names)
    ]
    shown = upload(desk, own(*rows))
    desk.post("/imports/apply/", {"token": shown.context["token"]})
    assert Customer.objects.count() > 400
    for path in ("/customers/", "/invoices/", "/customers/?export=csv", "/customers/?export=xlsx"):
        answer = desk.get(path)
        assert answer.status_code == 200
        assert not answer.streaming or b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # it streams
    page = desk.get(f"/customers/{Customer.objects.order_by('-pk')[0].pk}/")
    assert page.status_code == 200
    assert "<script>alert" not in desk.get("/customers/").content.decode()
