"""F-53: text files of every encoding, delimiter and line end; broken rows spoil themselves only."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from invoices.imports.readers import Limits, UnreadableFile
from invoices.imports.readers.fields import INVISIBLE_ENDS
from invoices.imports.readers.text import decode, physical_lines, records
from tests.rules.lists import HEADINGS, ORDINARY, csv_text, errors, numbered, own, read_rows

NAME = "Müller & Söhne – Zürich"
TEXT = csv_text([{**ORDINARY, "customer_name": NAME}])


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.encode("cp1252"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16-le-bom", "utf-16-be-bom", "utf-16-le", "utf-16-be",
         "utf-32", "cp1252"],
)  # fmt: skip
def test_every_usual_encoding_is_read_right(data: bytes) -> None:
    assert read_rows(data).rows[0].customer.name == NAME


def test_two_encodings_glued_together_are_both_read_and_told() -> None:
    first, second = numbered(2)
    text = csv_text([{**first, "customer_name": NAME}])
    other = csv_text([{**second, "customer_name": NAME}]).splitlines(keepends=True)[1]
    reading = read_rows(text.encode() + other.encode("cp1252"))
    assert [row.customer.name for row in reading.rows] == [NAME, NAME]
    assert [one.line for one in reading.warnings] == [3]
    assert reading.warnings[0].message.endswith("read as Windows-1252")


def test_a_byte_order_mark_that_lies_is_told() -> None:
    with pytest.raises(UnreadableFile, match="UTF-8"):
        decode(codecs.BOM_UTF8 + b"caf\xe9")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_delimiter_is_found(delimiter: str) -> None:
    row = {**ORDINARY, "customer_name": "Bolt, Nut; & Sons | Ltd"}
    reading = read_rows(csv_text([row], delimiter=delimiter))
    assert reading.rows[0].customer.name == "Bolt, Nut; & Sons | Ltd"
    assert reading.rows[0].invoice_number == "00042"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one(end: str) -> None:
    reading = read_rows(TEXT.replace("\r\n", end))
    assert [row.line for row in reading.rows] == [2]


def test_title_lines_above_the_headings_are_passed_over() -> None:
    text = "Harbour & Pine Supply Ltd\r\nOpen invoices\r\n\r\n" + TEXT
    reading = read_rows(text)
    assert [row.line for row in reading.rows] == [5]


def test_the_separator_line_of_a_spreadsheet_is_a_title_line() -> None:
    assert len(read_rows("sep=;\n" + csv_text([ORDINARY], delimiter=";")).rows) == 1


def test_blank_rows_are_no_rows() -> None:
    reading = read_rows(TEXT + "\r\n" + "," * 20 + "\r\n   \r\n")
    assert reading.row_count == 1


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    rows = numbered(3)
    rows[0]["address_line1"] = "Unit 4\nMill Lane"
    rows[2]["amount"] = "?"
    reading = read_rows(own(*rows))
    assert [row.line for row in reading.rows] == [2, 4]
    assert [line for line, _, _ in errors(reading)] == [5]
    assert reading.rows[0].customer.address_line1 == "Unit 4 Mill Lane"


def test_a_quotation_mark_never_closed_spoils_its_own_row_only() -> None:
    lines = own(*numbered(3)).decode().splitlines(keepends=True)
    lines[2] = lines[2].replace("Blue Door", '"Blue Door')
    reading = read_rows("".join(lines))
    assert [row.line for row in reading.rows] == [2, 4]
    assert errors(reading) == [(3, "", "a quotation mark is opened and never closed")]


def test_quotation_marks_that_do_not_match_spoil_their_own_row_only() -> None:
    lines = own(*numbered(2)).decode().splitlines(keepends=True)
    lines[1] = lines[1].replace("Blue Door Bakery", '"Blue "Door" Bakery"')
    reading = read_rows("".join(lines))
    assert [row.line for row in reading.rows] == [3]
    assert errors(reading) == [(2, "", "the quotation marks in the row do not match")]


def test_a_row_beyond_any_length_is_rejected() -> None:
    first, second = numbered(2)
    reading = read_rows(own({**first, "address_line1": "x" * 140_000}, second))
    assert errors(reading) == [(2, "", "the row is longer than 131,072 characters")]
    assert len(reading.rows) == 1


def test_a_row_with_more_cells_than_headings_is_rejected() -> None:
    reading = read_rows(TEXT.rstrip("\r\n") + ",surplus\r\n")
    assert errors(reading) == [(2, "", "the row has 22 cells, the headings are 21")]


def test_a_row_with_fewer_cells_lacks_the_last_ones() -> None:
    cells = [ORDINARY.get(name, "") for name in HEADINGS][:17]
    assert len(read_rows(",".join(HEADINGS) + "\n" + ",".join(cells)).rows) == 1


@pytest.mark.parametrize("bad", ["\x00", "\x07", "\x1b[31m", "\x7f", "\x85"])
def test_control_characters_reject_their_row(bad: str) -> None:
    first, second = numbered(2)
    reading = read_rows(own({**first, "customer_name": f"Blue{bad}Door"}, second))
    assert [(line, column) for line, column, _ in errors(reading)] == [(2, "customer_name")]
    assert len(reading.rows) == 1
    assert bad[0] not in reading.raw(2)["customer_name"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xef\xbb\xbf",
        b"\n\n\n",
        b"\x00" * 50,
        b"%PDF-1.7 ...",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1xx",
        b"a,b,c\n1,2,3\n",
        b"<html><body>Log in</body></html>",
    ],
)
def test_what_is_no_list_of_invoices_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        read_rows(data)


def test_headings_without_rows_are_an_empty_list() -> None:
    reading = read_rows(csv_text([]))
    assert (reading.format_name, reading.row_count, reading.rows) == ("arfollow", 0, ())
    assert reading.warnings[0].message == "column headings and no rows"


def test_f51_a_file_beyond_the_limits_is_refused_unread() -> None:
    with pytest.raises(UnreadableFile, match="10 MB"):
        read_rows(b"x" * (10 * 1024 * 1024 + 1))
    with pytest.raises(UnreadableFile, match="lines"):
        read_rows(own(*numbered(250)), limits=Limits(rows=100))
    with pytest.raises(UnreadableFile, match="More than 200 rows"):
        read_rows(own(*numbered(250)), limits=Limits(rows=200))


# --- Hostile collections ------------------------------------------------------------------------


def spectrum(shared_data: Path) -> Iterator[tuple[str, bytes, object]]:
    folder = shared_data / "csv_hostile" / "csv-spectrum"
    for path in sorted((folder / "csvs").glob("*.csv")):
        expected = json.loads((folder / "json" / f"{path.stem}.json").read_text("utf-8"))
        if path.stem == "location_coordinates":
            # The collection contradicts itself here: file and expectation have another number.
            expected["Contact Phone Number"] = "2095257564"
        data = path.read_bytes()
        if path.stem.endswith("crlf"):  # the line ends its name speaks of, which copies lose
            data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        yield path.stem, data, expected if isinstance(expected, list) else [expected]


def test_f57_every_file_of_csv_spectrum_is_read_as_expected(shared_data: Path) -> None:
    seen = 0
    for name, data, expected in spectrum(shared_data):
        text, _ = decode(data)
        headings, *rows = [
            record.cells for record in records(physical_lines(text), ",") if any(record.cells)
        ]
        found = [dict(zip(headings, row, strict=True)) for row in rows]
        assert found == expected, name
        seen += 1
    assert seen == 12


def naughty(shared_data: Path) -> list[str]:
    path = shared_data / "csv_hostile" / "naughty_strings.json"
    strings: list[str] = json.loads(path.read_text("utf-8"))
    return strings


def test_f57_naughty_names_are_kept_or_rejected_each_by_itself(shared_data: Path) -> None:
    strings = naughty(shared_data)
    rows = [
        {**row, "customer_name": text, "address_line1": text, "po_number": text}
        for row, text in zip(numbered(len(strings)), strings, strict=True)
    ]
    reading = read_rows(own(*rows))
    assert len(strings) == 515
    assert len(reading.rows) + len(reading.rejected) == 515
    assert all("control character" in message for _, _, message in errors(reading))
    kept = {row.invoice_number: row.customer.name for row in reading.rows}
    for row in rows:
        if row["invoice_number"] in kept:
            words = " ".join(row["customer_name"].split()).strip(INVISIBLE_ENDS)
            assert kept[row["invoice_number"]] == words[:200].rstrip()


def test_f57_naughty_strings_in_every_column_break_nothing(shared_data: Path) -> None:
    strings = naughty(shared_data)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    writer.writerows([text] * len(HEADINGS) for text in strings)
    reading = read_rows(out.getvalue().encode("utf-8", "surrogatepass"))
    assert not reading.rows
    assert len(reading.rejected) == reading.row_count


def test_formulas_are_plain_text(shared_data: Path) -> None:
    path = shared_data / "csv_hostile" / "formula_injection.txt"
    formulas = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    rows = [
        {**row, "customer_name": text}
        for row, text in zip(numbered(len(formulas)), formulas, strict=True)
    ]
    found = [row.customer.name for row in read_rows(own(*rows)).rows]
    assert found == [" ".join(text.split()) for text in formulas]
