"""A workbook written row by row, so that fifty thousand rows start to arrive at once.

A library that builds the workbook first takes minutes for them; what a list needs of the
format (text, numbers, dates, a bold frozen head) is little. Text is written as text, never as a
formula.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count, islice
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

type Row = Sequence[str | int | float | Decimal | dt.date | dt.datetime | None]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  spreadsheets know no zone
DAY, MOMENT, BOLD = 1, 2, 3
PIECE = 64 * 1024

STYLES = f"""{HEAD}<styleSheet xmlns="{MAIN}">
<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>
<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts>
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill>
<fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""
SHEET = f"""{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">\
<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView>\
</sheetViews><sheetData>"""


class _Pipe:
    """A file that cannot be wound back: what was written is taken out in pieces."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def take(self) -> bytes:
        taken, self.parts, self.size = b"".join(self.parts), [], 0
        return taken


def workbook(
    title: str, labels: Sequence[str], rows: Iterator[Row], *, sheet_rows: int
) -> Iterator[bytes]:
    """The bytes of a workbook, as its rows come; a full sheet is followed by another."""
    pipe = _Pipe()
    titles: list[str] = []
    with ZipFile(pipe, "w", ZIP_DEFLATED) as package:  # type: ignore[call-overload]  # no seek
        for number in count(1):
            titles.append(title[:28] if number == 1 else f"{title[:26]} {number}")
            left = sheet_rows
            with package.open(f"xl/worksheets/sheet{number}.xml", "w") as sheet:
                sheet.write(f"{SHEET}{_head(labels)}".encode())
                for row in islice(rows, sheet_rows):
                    sheet.write(_row(row))
                    left -= 1
                    if pipe.size > PIECE:
                        yield pipe.take()
                sheet.write(b"</sheetData></worksheet>")
            if left:
                break
        for name, text in _around(titles):
            package.writestr(name, text)
    yield pipe.take()


def _head(labels: Sequence[str]) -> str:
    return f"<row>{''.join(_text(label, BOLD) for label in labels)}</row>"


def _row(row: Row) -> bytes:
    return f"<row>{''.join(map(_cell, row))}</row>".encode()


def _cell(value: object) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, dt.datetime):
        return f'<c s="{MOMENT}"><v>{(value - EPOCH) / dt.timedelta(days=1)}</v></c>'
    if isinstance(value, dt.date):
        return f'<c s="{DAY}"><v>{(value - EPOCH.date()).days}</v></c>'
    if isinstance(value, (int, float, Decimal)):
        return f"<c><v>{value}</v></c>"
    return _text(str(value))


def _text(text: str, style: int = 0) -> str:
    kept = escape(text)
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{kept}</t></is></c>'


def _around(titles: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The parts that say which sheets there are."""
    numbers = range(1, len(titles) + 1)
    sheets = "".join(
        f'<sheet name="{escape(title, {chr(34): "&quot;"})}" sheetId="{n}" r:id="rId{n}"/>'
        for n, title in zip(numbers, titles, strict=True)
    )
    yield (
        "xl/workbook.xml",
        (f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'),
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    style = f'<Relationship Id="styles" Type="{OFFICE}/styles" Target="styles.xml"/>'
    yield "xl/_rels/workbook.xml.rels", _related(links + style)
    yield "xl/styles.xml", STYLES
    book = f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    yield "_rels/.rels", _related(book)
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{TYPES}.worksheet+xml"/>'
        for n in numbers
    )
    yield (
        "[Content_Types].xml",
        (
            f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/>{kinds}</Types>'
        ),
    )


def _related(links: str) -> str:
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
