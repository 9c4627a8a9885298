"""What a letter says and shows: everything a final demand needs (FACTS sections 2 and 6)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pytest
from barcode import Code128
from pypdf import PdfReader

from dunning.delivery.barcode import _runs, code128
from dunning.delivery.pdf import merge, page_count, render_letter, render_statement
from dunning.wording.notice import Interest
from tests.dunning.pdfs import listed_text, marks, pages, text_of, whole_text
from tests.notices import HARBOUR, credit, final_demand, line, notice, table

BIG = tuple(line(f"N-{number:04}", "10.01", number % 150 + 1) for number in range(200))


def demand() -> bytes:
    lines = (
        line("INV-10234", "1200.00"),
        line("INV-10301", "600.00", 21, original=Decimal("1000.00"), paid=Decimal("400.00")),
        credit("CN-77", "-50.00"),
    )
    each = Interest(
        currency="USD",
        basis="clause 7 of our terms",
        accrued=Decimal("21.08"),
        per_day=Decimal("0.46"),
    )
    return render_letter(final_demand(table(*lines), interest=(each,)), "us_10")


DEMAND = demand()
WORDS = whole_text(DEMAND)


@pytest.mark.parametrize(
    "stated",
    [
        "Harbour & Pine Supply Ltd",
        "12 Quay Road",
        "Northwind Traders Ltd",
        "20 November 2026",
        "L-2026-00123",
        "C-1001",
        "INV-10234",
        "2 Sep 2026",
        "2 Oct 2026",
        "1,200.00",
        "400.00",
        "USD 1,750.00",
        "clause 7 of our terms",
        "USD 0.46 for each further day",
        "13 October 2026: telephone conversation",
        "so that it reaches us by 1 December 2026",
        "https://pay.harbourpine.test/a/C-1001",
        "If you dispute an invoice",
        "Aldgate Recoveries Ltd",
        "Statement of account",
        "Mia Okafor",
        "+44 117 496 0101",
        "Certified Mail, Return Receipt Requested",
        "Registered in England 08123456",
        "payments received by 19 November 2026",
        "net 30 days",
    ],
)
def test_the_final_demand_states(stated: str) -> None:
    assert stated in WORDS


def test_the_date_stands_at_the_top_of_page_one() -> None:
    assert "20 November 2026" in text_of(DEMAND, 1)
    date_glyphs = [mark for mark in marks(DEMAND) if mark.text == "D"]
    assert min(mark.box.top for mark in date_glyphs) < 95


def test_interest_is_stated_only_when_given() -> None:
    assert "interest" not in whole_text(render_letter(final_demand(), "us_10"))


def test_every_page_says_which_of_how_many_it_is() -> None:
    count = len(pages(DEMAND))
    assert count >= 2
    for number in range(1, count + 1):
        assert f"Page {number} of {count}" in text_of(DEMAND, number)


def test_later_pages_name_the_letter() -> None:
    assert "Harbour & Pine · L-2026-00123 · 20 November 2026" in text_of(DEMAND, 2)
    assert "Harbour & Pine · L-2026-00123" not in text_of(DEMAND, 1)


def test_the_barcode_is_the_code_128_of_the_letter_number() -> None:
    modules = Code128("L-2026-00123").build()[0]
    drawn = ["0"] * len(modules)
    for start, length in _runs(modules):
        drawn[start : start + length] = ["1"] * length
    assert "".join(drawn) == modules
    assert code128("L-2026-00123").startswith("data:image/svg+xml;base64,")


def test_the_barcode_is_printed_beside_the_window() -> None:
    bars = [mark.box for mark in marks(DEMAND) if not mark.text and mark.box.left > 120]
    bars = [box for box in bars if box.bottom < 97 and box.top > 45 and box.width < 3]
    assert len(bars) == len(_runs(Code128("L-2026-00123").build()[0]))


def test_a_letter_without_number_has_no_barcode() -> None:
    plain = render_letter(notice(channel="letter"), "us_10")
    drawn = [mark.box for mark in marks(plain) if not mark.text and mark.box.left > 120]
    assert [box for box in drawn if box.width < 3 and 45 < box.top < 97] == []


def test_the_letter_is_tagged_for_pdf_ua() -> None:
    reader = PdfReader(BytesIO(DEMAND))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  # a PDF boolean object
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root
    assert b"pdfuaid" in root["/Metadata"].get_data()
    assert reader.metadata is not None
    assert reader.metadata.title == "Final demand L-2026-00123: account C-1001"


def test_every_font_is_embedded() -> None:
    """A print room has its own fonts, or none."""
    for page in PdfReader(BytesIO(DEMAND)).pages:
        for font in page["/Resources"]["/Font"].values():
            (below,) = font.get_object()["/DescendantFonts"]
            descriptor = below.get_object()["/FontDescriptor"].get_object()
            assert any(key.startswith("/FontFile") for key in descriptor)


def test_two_hundred_rows_stay_readable_with_the_head_repeated() -> None:
    document = render_statement(notice(table(*BIG)))
    count = page_count(document)
    listed = listed_text(document)
    assert all(each.number in listed for each in BIG)
    assert listed.count("Days late") == count
    smallest = min(
        mark.box.bottom - mark.box.top for mark in marks(document, 2) if mark.text.strip()
    )
    assert smallest > 2.2


def test_l35_a_letter_about_2602_items_shows_a_summary_and_lists_them_behind() -> None:
    many = tuple(line(f"N-{number:04}", "10.01", number % 150 + 1) for number in range(2602))
    document = render_letter(final_demand(table(*many)), "din_b")
    assert page_count(document) < 60
    listed = listed_text(document)
    assert "and 2,592 more items" in listed
    assert all(each.number in listed for each in many)
    assert listed.count("26,046.02") >= 2


def test_a_statement_of_201_rows_lists_everything_as_one_of_200_does() -> None:
    lines = (*BIG, line("N-9999", "10.01"))
    listed = listed_text(render_statement(notice(table(*lines))))
    assert all(each.number in listed for each in lines)


def test_names_with_markup_are_printed_as_they_are() -> None:
    nasty = replace(HARBOUR, name="<script>alert(1)</script>")
    words = whole_text(render_letter(notice(company=nasty, channel="letter"), "uk_dl"))
    assert "<script>alert(1)</script>" in words


def test_merged_letters_keep_every_page_in_order() -> None:
    first, second = DEMAND, render_statement(notice())
    merged = merge([first, second])
    assert page_count(merged) == page_count(first) + page_count(second)
    assert "Statement of account" in text_of(merged, page_count(first) + 1)


def test_the_same_notice_gives_the_same_words() -> None:
    assert whole_text(demand()) == WORDS


def test_the_statement_lists_all_parts_but_asks_for_one_total() -> None:
    shown = notice(
        table(
            line("A-1", "100.00"),
            in_query=[line("A-2", "50.00")],
            not_yet_due=[line("A-3", "25.00", days_late=-5)],
        )
    )
    words = whole_text(render_statement(shown))
    assert "Please pay USD 100.00" in words
    assert "175.00" not in words
    assert "A-2" in words
    assert "A-3" in words


@pytest.mark.parametrize("extra", range(12))
def test_the_closing_words_stay_with_the_signature(extra: int) -> None:
    lines = [line(f"A-{number}", "1.00") for number in range(6 + extra)]
    document = render_letter(notice(table(*lines), channel="letter"), "us_10")
    (page,) = [
        number
        for number in range(1, page_count(document) + 1)
        if "and kind regards," in text_of(document, number)
    ]
    assert "Telephone +44 117 496 0101" in text_of(document, page)


def test_threads_of_a_web_process_render_without_mixing_letters() -> None:
    shown = [notice(table(line(f"T-{number}", "5.00")), channel="letter") for number in range(6)]
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(render_letter, shown))
    for number, document in enumerate(documents):
        words = whole_text(document)
        assert [other for other in range(6) if f"T-{other}" in words] == [number]
