"""Stored PDFs one behind the other for a printer, as duplex printers need them.

Each document of a pile starts on an odd page, so on a sheet of its own; what follows it
behind the same letter does too. Pages of another size are set onto our paper: made smaller
where they must be, never larger, turned where they lie across. Runs in the press.
"""

from collections.abc import Sequence
from io import BytesIO

from pypdf import PageObject, PdfReader, PdfWriter, Transformation
from pypdf.errors import PyPdfError

MM = 72 / 25.4
TOLERANCE = 3.0
"""Points by which a page may differ from the paper and is still left as it is."""

MARGIN = 5 * MM
"""What a printer leaves white around a page that had to be made smaller."""

type Paper = tuple[float, float]


def merged(documents: Sequence[bytes], paper: Sequence[float] | None = None) -> bytes:
    """All documents in order. With ``paper`` (mm) duplex-safe and of one size, else as is."""
    writer = PdfWriter()
    size = (paper[0] * MM, paper[1] * MM) if paper else None
    for document in documents:
        if size is None:
            writer.append(BytesIO(document))
        else:
            _lay(writer, document, size)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def bundled(documents: Sequence[bytes], names: Sequence[str]) -> bytes:
    """Documents one behind the other as they are, each that has a name attached as a file too."""
    writer = PdfWriter(clone_from=BytesIO(documents[0]))
    for document, name in zip(documents[1:], names, strict=True):
        if document.startswith(b"%PDF-"):
            writer.append(BytesIO(document), import_outline=False)
        writer.add_attachment(name, document)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _lay(writer: PdfWriter, document: bytes, paper: Paper) -> None:
    if len(writer.pages) % 2:
        writer.add_blank_page(*paper)
    reader = PdfReader(BytesIO(document))
    if all(_fits(page, paper) for page in reader.pages):
        writer.append(reader, import_outline=False)
        return
    for page in reader.pages:
        if _fits(page, paper):
            writer.add_page(page)
        else:
            writer.add_blank_page(*paper).merge_transformed_page(page, _moved(page, paper))


def _fits(page: PageObject, paper: Paper) -> bool:
    width, height = float(page.mediabox.width), float(page.mediabox.height)
    straight = page.rotation % 360 == 0
    return straight and abs(width - paper[0]) < TOLERANCE and abs(height - paper[1]) < TOLERANCE


def _moved(page: PageObject, paper: Paper) -> Transformation:
    """The page into the middle of our paper; one that lies across is turned upright."""
    box = page.cropbox
    width, height = float(box.width), float(box.height)
    moved = Transformation().translate(-float(box.left), -float(box.bottom))
    turns = page.rotation % 360 // 90
    lies_across = (width > height) != bool(turns % 2)
    if lies_across != (paper[0] > paper[1]):
        turns += 3
    for _ in range(turns % 4):  # a quarter to the right each
        moved = moved.rotate(-90).translate(0, width)
        width, height = height, width
    scale = min(1.0, (paper[0] - 2 * MARGIN) / width, (paper[1] - 2 * MARGIN) / height)
    return moved.scale(scale).translate(
        (paper[0] - width * scale) / 2, (paper[1] - height * scale) / 2
    )


def page_sizes(document: bytes) -> list[Paper]:
    """Width and height of every page in points. ValueError where it cannot be read."""
    try:
        reader = PdfReader(BytesIO(document))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("it is locked with a password")
        return [(float(p.mediabox.width), float(p.mediabox.height)) for p in reader.pages]
    except (PyPdfError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise ValueError("it is damaged") from error
