"""Text files: their encoding, and their records whatever the quotation marks do."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from invoices.imports.readers.types import Record, Remark, UnreadableFile

DELIMITERS = (",", ";", "\t", "|")
LONGEST_RECORD = 131_072
MOST_LINES_IN_RECORD = 200

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> tuple[str, tuple[Remark, ...]]:
    """The text of a file, and a remark where it had to be read line by line.

    A byte order mark decides; without one UTF-16 shows by its zero bytes, then UTF-8 is
    tried, and last each line on its own, since some programs glue two encodings together.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding), ()
    if wide := _utf16_without_mark(data):
        return _strictly(data, wide), ()
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        return _line_by_line(data)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"The file says that it is {encoding.upper()}, but byte {error.start} is not."
        ) from error


def _utf16_without_mark(data: bytes) -> str | None:
    sample = data[:2000]
    if len(sample) < 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > len(sample) * 0.3 and even < odd / 10:
        return "utf-16-le"
    if even > len(sample) * 0.3 and odd < even / 10:
        return "utf-16-be"
    return None


def _line_by_line(data: bytes) -> tuple[str, tuple[Remark, ...]]:
    lines, windows, unicode = [], [], 0
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        try:
            lines.append(line.decode("utf-8"))
            unicode += not line.isascii()
        except UnicodeDecodeError:
            lines.append(_windows(line))
            windows.append(number)
    if not unicode:
        return "".join(lines), ()
    message = f"{len(windows)} lines are not UTF-8 as the others are; read as Windows-1252"
    return "".join(lines), (Remark(windows[0], "", message),)


def _windows(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def physical_lines(text: str) -> list[str]:
    """Lines with their ends; a carriage return alone ends a line too."""
    return list(io.StringIO(text, newline=""))


def records(lines: Sequence[str], delimiter: str) -> Iterator[Record]:
    """Rows with the line each begins on.

    A quotation mark that is never closed spoils its own line only: the record is given with
    its problem, and reading goes on with the next line.
    """
    at = 0
    while at < len(lines):
        end = _end_of_record(lines, at)
        yield _parse("".join(lines[at:end]), at + 1, delimiter)
        at = end


def head(lines: Sequence[str], delimiter: str, count: int) -> list[Record]:
    """The first rows only, for finding out how the file is built."""
    return list(islice(records(lines[: count * 4], delimiter), count))


def _end_of_record(lines: Sequence[str], start: int) -> int:
    """Index after the last physical line of the record that begins at ``start``."""
    quotes, length = 0, 0
    for index in range(start, min(len(lines), start + MOST_LINES_IN_RECORD)):
        quotes += lines[index].count('"')
        length += len(lines[index])
        if quotes % 2 == 0:
            return index + 1
        if length > LONGEST_RECORD:
            break
    return start + 1


def _parse(text: str, line: int, delimiter: str) -> Record:
    if len(text) > LONGEST_RECORD:
        return Record(line, (), "the row is longer than 131,072 characters")
    if text.count('"') % 2:
        return Record(line, (), "a quotation mark is opened and never closed")
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return Record(line, (), "the quotation marks in the row do not match")
    return Record(line, tuple(cells))
