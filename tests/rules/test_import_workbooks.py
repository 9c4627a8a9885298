"""F-52: workbooks are looked over before they are unpacked; cells keep their types."""

import contextlib
import io
import random
import time
import zipfile
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest

from invoices.imports.readers import Limits, UnreadableFile
from tests.rules.lists import HEADINGS, ORDINARY, own, read_rows

CONTENT_XML = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">
<office:body><office:spreadsheet><table:table table:name="Invoices">{rows}</table:table>
</office:spreadsheet></office:body></office:document-content>"""
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="/"
 manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
</manifest:manifest>"""


def xlsx(*rows: list[object], titles: int = 0, first_sheet: str = "") -> bytes:
    """A workbook with our template; ``first_sheet`` puts another sheet before it."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if first_sheet:
        sheet["A1"] = first_sheet
        sheet = book.create_sheet("Invoices")
    for _ in range(titles):
        sheet.append(["Open invoices"])
    sheet.append(HEADINGS)
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cells(**fields: object) -> list[object]:
    """A row of our template with what is given changed."""
    return [{**ORDINARY, **fields}.get(name, "") for name in HEADINGS]


def ods(rows: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", CONTENT_XML.format(rows=rows))
    return out.getvalue()


def ods_row(values: list[str]) -> str:
    filled = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{v}</text:p></table:table-cell>'
        for v in values
    )
    return f"<table:table-row>{filled}</table:table-row>"


def repacked(data: bytes, member: str, content: bytes) -> bytes:
    """The workbook with one member replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, content if name == member else old.read(name))
    return out.getvalue()


def member(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def test_numbers_and_dates_of_a_workbook_are_exact() -> None:
    row = cells(issue_date=date(2026, 4, 6), due_date=datetime(2026, 5, 6), amount=5119.85)  # noqa: DTZ001
    found = read_rows(xlsx(row)).rows[0]
    assert (found.issue_date, found.due_date) == (date(2026, 4, 6), date(2026, 5, 6))
    assert found.total == Decimal("5119.85")


def test_text_cells_keep_leading_zeros_and_number_cells_have_no_decimals() -> None:
    found = read_rows(xlsx(cells(customer_number=17, invoice_number="0000611365"))).rows[0]
    assert found.customer.number == "17"
    assert found.invoice_number == "0000611365"


def test_a_number_cell_is_never_read_by_the_marks_of_text_cells() -> None:
    rows = [cells(amount="1.234,50"), cells(amount=1234.5, invoice_number="2")]
    assert [row.total for row in read_rows(xlsx(*rows)).rows] == [Decimal("1234.50")] * 2


def test_text_dates_of_a_workbook_are_decided_as_a_column_too() -> None:
    with pytest.raises(UnreadableFile, match="--date-format"):
        read_rows(xlsx(cells(issue_date="04/06/2026")))


def test_the_sheet_with_invoices_is_found_below_its_titles() -> None:
    found = read_rows(xlsx(cells(), titles=3, first_sheet="Read me")).rows
    assert [row.line for row in found] == [5]


def test_yes_or_no_cells_are_understood() -> None:
    assert read_rows(xlsx(cells(disputed=True))).rows[0].disputed
    assert not read_rows(xlsx(cells(disputed=False))).rows[0].disputed


def test_an_ods_file_is_read() -> None:
    blank = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'  # noqa: E501
    data = ods(ods_row(HEADINGS) + ods_row([str(cell) for cell in cells()]) + blank)
    assert read_rows(data).rows[0].invoice_number == "00042"


def test_a_row_of_an_ods_file_repeated_without_end_is_refused() -> None:
    row = ods_row(HEADINGS).replace(
        "<table:table-row>", '<table:table-row table:number-rows-repeated="90000000">'
    )
    with pytest.raises(UnreadableFile, match="repeats"):
        read_rows(ods(row))


def bomb(megabytes: int) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/sharedStrings.xml", "w") as entry,
    ):
        for _ in range(megabytes):
            entry.write(b" " * 1024 * 1024)
    return out.getvalue()


def test_f52_a_bomb_is_refused_from_the_zip_directory() -> None:
    data = bomb(120)
    started = time.perf_counter()
    with pytest.raises(UnreadableFile, match="would unpack to 120 MB"):
        read_rows(data)
    assert time.perf_counter() - started < 0.05


def test_f52_a_small_bomb_is_refused_by_its_ratio() -> None:
    with pytest.raises(UnreadableFile, match="times its size"):
        read_rows(bomb(20))


@pytest.mark.parametrize("declared", [b"<!DOCTYPE x>", b'<!ENTITY a "b">', b"<! doctype x>"])
def test_a_document_type_is_refused(declared: bytes) -> None:
    data = xlsx(cells())
    sheet = member(data, "xl/worksheets/sheet1.xml")
    with pytest.raises(UnreadableFile, match="document type"):
        read_rows(repacked(data, "xl/worksheets/sheet1.xml", declared + sheet))


def test_a_document_type_hidden_in_another_encoding_is_refused() -> None:
    data = xlsx(cells())
    sheet = member(data, "xl/worksheets/sheet1.xml").decode()
    wide = ("\ufeff<!DOCTYPE x>" + sheet).encode("utf-16-le")
    with pytest.raises(UnreadableFile, match="document type"):
        read_rows(repacked(data, "xl/worksheets/sheet1.xml", wide))


def test_one_cell_far_out_is_refused() -> None:
    data = xlsx(cells())
    sheet = member(data, "xl/worksheets/sheet1.xml")
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    with pytest.raises(UnreadableFile, match="not a list of invoices"):
        read_rows(repacked(data, "xl/worksheets/sheet1.xml", sheet.replace(b"</sheetData>", far)))


def test_more_rows_than_an_import_takes_are_refused() -> None:
    rows = [cells(invoice_number=str(n)) for n in range(150)]
    with pytest.raises(UnreadableFile, match="fit in one import"):
        read_rows(xlsx(*rows), limits=Limits(rows=20))


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_workbook_cut_short_is_refused(cut: float) -> None:
    data = xlsx(cells())
    with pytest.raises(UnreadableFile):
        read_rows(data[: int(len(data) * cut)])


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(UnreadableFile):
        read_rows(out.getvalue())


def test_a_workbook_without_a_known_heading_names_what_it_has() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Apples", "Pears"])
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(UnreadableFile, match="Apples, Pears"):
        read_rows(out.getvalue())


def test_the_same_list_as_csv_and_as_workbook_is_the_same_list() -> None:
    rows = [
        {**ORDINARY, "invoice_number": f"{n:05d}", "amount": f"{n}.25", "disputed": "yes"}
        for n in range(20)
    ]
    from_csv = read_rows(own(*rows))
    from_xlsx = read_rows(xlsx(*([row.get(name, "") for name in HEADINGS] for row in rows)))
    assert from_csv == from_xlsx


def test_a_damaged_workbook_is_read_or_refused_and_never_breaks_anything() -> None:
    whole = xlsx(*[cells(invoice_number=str(n)) for n in range(5)])
    dice = random.Random(7)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        with contextlib.suppress(UnreadableFile):
            assert read_rows(bytes(damaged)).row_count <= 5


@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
def test_a_workbook_with_damaged_parts_is_read_or_refused(name: str) -> None:
    whole = xlsx(cells())
    dice = random.Random(7)
    for _ in range(60):
        part = bytearray(member(whole, name))
        at = dice.randrange(len(part))
        part[at : at + dice.randint(0, 30)] = dice.choice([b"", b"<", b"9" * 20, b"&#0;", b"-1"])
        with contextlib.suppress(UnreadableFile):
            read_rows(repacked(whole, name, bytes(part)))


def test_a_sheet_by_another_name_is_looked_over_too() -> None:
    data = xlsx(cells())
    far = b'<sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    with pytest.raises(UnreadableFile, match="not a list of invoices"):
        read_rows(added(data, "xl/anything.bin", b"<worksheet>" + far + b"</worksheet>"))
    with pytest.raises(UnreadableFile, match="document type"):
        read_rows(added(data, "xl/anything.bin", b"<?xml?><!DOCTYPE x>"))
    assert read_rows(added(data, "xl/media/logo.png", b"\x89PNG\r\n" + bytes(500))).rows


def added(data: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one more part."""
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()
