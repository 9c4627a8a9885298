"""Letters and statements as PDF, tagged for PDF/UA; made by the press (see ``press``).

A letter is rendered once, kept as bytes, and merged from stored bytes for printing.
"""

import json
from collections.abc import Sequence
from io import BytesIO

from django.template.loader import render_to_string
from pypdf import PdfReader

from dunning.delivery.addresses import company_lines, fit_address, tax_label
from dunning.delivery.barcode import code128
from dunning.delivery.dress import dress
from dunning.delivery.letter_layout import LAYOUTS, Layout, geometry_css
from dunning.delivery.longlist import TABLE_ROWS, ListPage, list_pages
from dunning.delivery.pressing import PRESS, ForeignAsset, NoPress, PdfNotMade
from dunning.wording import compose
from dunning.wording.formats import amount_due, clean, long_date
from dunning.wording.message import Block, Message
from dunning.wording.notice import Notice
from dunning.wording.tables import FULL_ROWS, TableView, table_views
from dunning.wording.texts import Text, preset

__all__ = ["ForeignAsset", "NoPress", "PdfNotMade", "merge", "page_count", "render_letter"]


def render_letter(notice: Notice, layout: str | None = None, text: Text | None = None) -> bytes:
    """The letter as PDF bytes.

    ``layout`` is a window format ("us_10", "din_a", "din_b", "uk_dl"; default the company's);
    ``text`` replaces the preset. AddressDoesNotFit and WordingError say why there is none.
    """
    chosen = LAYOUTS[layout or notice.company.window]
    said = text or preset(notice.purpose, "letter", notice.tone, notice.recipient.language)
    message = compose(said, notice)
    return _pdf("letter/letter.html", _letter_context(notice, message, chosen), chosen)


def _letter_context(notice: Notice, message: Message, layout: Layout) -> dict[str, object]:
    home = notice.company.address.country
    address = fit_address(notice.recipient, home, layout.rows, layout.text.width)
    tables = table_views(notice, limit=FULL_ROWS, language=message.language)
    is_short = any(table.is_short for table in tables)
    return {
        "notice": notice,
        "company": notice.company,
        "subject": message.subject,
        "language": message.language,
        "dated": long_date(notice.date),
        "parts": dress(message, notice),
        "tables": tables,
        **(_everything(notice) if is_short else {}),
        "address": address.lines,
        "address_size": f"{address.size:.1f}",
        "sender_lines": company_lines(notice.company),
        "tax_label": tax_label(notice.company),
        "info": _letter_info(notice, has_notes=layout.notes is not None),
        "barcode": code128(notice.letter_number) if notice.letter_number else "",
        "folds": layout.folds,
        "has_hole": layout.hole is not None,
        "has_notes": layout.notes is not None,
    }


def _letter_info(notice: Notice, *, has_notes: bool) -> list[tuple[str, str]]:
    """What stands beside the address: date first, as some laws ask."""
    person = notice.contact
    mailing = "" if has_notes else notice.mailing
    rows = (
        ("Date", long_date(notice.date)),
        ("Letter", notice.letter_number),
        ("Account", notice.account),
        ("Pay by", long_date(notice.deadline) if notice.deadline else ""),
        ("Sent by", mailing),
        ("Contact", person.name),
        ("Telephone", person.phone or notice.company.phone),
        ("E-mail", person.email or notice.company.email),
    )
    return [(label, clean(value)) for label, value in rows if value]


def render_statement(notice: Notice) -> bytes:
    """Every item of the notice, with ways to pay, as PDF bytes."""
    page = LAYOUTS[notice.company.window]
    message = Message(subject="", parts=(Block("ways_to_pay"), Block("signature")))
    due = amount_due(notice.tables)
    context = {
        "notice": notice,
        "company": notice.company,
        "language": "en",
        "dated": long_date(notice.date),
        "sender_lines": company_lines(notice.company),
        "tax_label": tax_label(notice.company),
        **_statement_tables(notice),
        "parts": dress(message, notice),
        "info": [
            ("Customer", clean(notice.recipient.company)),
            ("Account", clean(notice.account)),
            ("Date", long_date(notice.date)),
            ("Payments to", long_date(notice.received_through)),
            ("Please pay", due or "nothing at present"),
        ],
    }
    return _pdf("statement/statement.html", context, page)


def _statement_tables(notice: Notice) -> dict[str, object]:
    """The whole table; of a very long one a summary, then every item."""
    if notice.line_count <= TABLE_ROWS:
        return {"tables": table_views(notice, limit=None)}
    return {"tables": table_views(notice), "list_pages": list_pages(notice)}


def _everything(notice: Notice) -> dict[str, tuple[TableView, ...] | tuple[ListPage, ...]]:
    """Every item, for the list at the end of a letter that shows a summary."""
    if notice.line_count <= TABLE_ROWS:
        return {"annex": table_views(notice, limit=None)}
    return {"list_pages": list_pages(notice)}


def _pdf(template: str, context: dict[str, object], layout: Layout) -> bytes:
    return pdf_of(render_to_string(template, context), layout)


def pdf_of(page: str, layout: Layout) -> bytes:
    """A page of ours on the sheet of a window format. PdfNotMade where there is none."""
    job = {"do": "pdf", "sheets": ["letter.css"], "styles": [geometry_css(layout.key)]}
    return PRESS.run(job, [page.encode()])


def merge(documents: Sequence[bytes], paper: tuple[float, float] | None = None) -> bytes:
    """Stored PDFs one behind the other, for one print job.

    With ``paper`` (width and height in mm) each starts on a sheet of its own and every page
    has that size.
    """
    return PRESS.run({"do": "sheets", "paper": paper}, documents)


def page_count(document: bytes) -> int:
    """Sheets to feed: pages of one PDF of ours."""
    return len(PdfReader(BytesIO(document)).pages)


def pages_of_theirs(document: bytes) -> int:
    """Pages of a PDF that somebody gave us, read in the press. PdfNotMade says what is wrong."""
    return len(json.loads(PRESS.run({"do": "measure"}, [document])))


def picture(data: bytes) -> bytes:
    """A scan as a JPEG of at most 2,000 pixels a side, made in the press. PdfNotMade if broken."""
    return PRESS.run({"do": "picture"}, [data])


def bundle(first: bytes, attached: Sequence[tuple[str, bytes]]) -> bytes:
    """A PDF with others behind it; each is also attached as a file, byte for byte."""
    head = {"do": "bundle", "attached": [name for name, _ in attached]}
    return PRESS.run(head, [first, *(data for _, data in attached)])
