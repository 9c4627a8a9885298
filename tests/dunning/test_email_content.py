"""The e-mail as it is read: text, HTML, attachments, figures that tie (L7, L35)."""

import csv
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from io import StringIO

import pytest

from dunning.delivery.addresses import tax_label
from dunning.delivery.listing import items_csv
from dunning.delivery.mime import render_email
from dunning.wording import preset
from dunning.wording.notice import TONES, Purpose
from tests.dunning.pdfs import whole_text
from tests.notices import (
    HARBOUR,
    NORTHWIND,
    courtesy,
    credit,
    final_demand,
    for_purpose,
    line,
    notice,
    table,
)

MIXED = notice(
    table(
        line("US-1", "1200.00", po_number="4711"),
        line("US-2", "600.00", 21, original=Decimal("1000.00"), paid=Decimal("400.00")),
        credit("CN-7", "-50.00"),
        in_query=[line("US-3", "80.00", 32, note="2 boxes short")],
        not_yet_due=[line("US-4", "900.00", days_late=-14)],
    ),
    table(line("EU-1", "20.05", 60), currency="EUR"),
)
MAIL = render_email(MIXED)


class Reader(HTMLParser):
    """Words, tags and addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


READ = Reader(MAIL.html)


def test_l07_text_html_and_pdf_show_the_same_figures() -> None:
    attached = whole_text(MAIL.attachments[0].content)
    for figure in ("1,750.00", "20.05", "80.00", "900.00", "1,200.00", "600.00", "\u221250.00"):
        assert figure in MAIL.text
        assert figure in READ.text
        assert figure in attached
    for shown in (" ".join(MAIL.text.split()), READ.text, attached):
        assert "USD 1,750.00 and EUR 20.05" in shown


def test_there_is_a_table_per_currency_and_part() -> None:
    assert READ.count("table") == READ.count("caption") == 4
    assert READ.text.count("Total to pay, USD") == READ.text.count("Total to pay, EUR") == 1


def test_tables_are_marked_up_for_screen_readers() -> None:
    heads = [attrs for tag, attrs in READ.tags if tag == "th"]
    assert heads
    assert all(attrs.get("scope") in ("col", "row") for attrs in heads)


def test_html_has_every_key_fact_of_an_invoice() -> None:
    for fact in ("PO 4711", "issued 2 Sep 2026", "2 Oct 2026", "49 days late", "paid 400.00"):
        assert fact in READ.text


@pytest.mark.parametrize("tone", TONES)
def test_nothing_is_loaded_from_elsewhere_and_nobody_is_tracked(tone: str) -> None:
    shown = courtesy() if tone == "courtesy" else notice(tone=tone)
    shown = final_demand(channel="email") if tone == "final" else shown
    page = Reader(render_email(shown).html)
    assert page.count("img") == page.count("script") == page.count("link") == 0
    addresses = {attrs.get("href") for _, attrs in page.tags if attrs.get("href")}
    assert addresses <= {"https://pay.harbourpine.test/a/C-1001"}
    assert "url(" not in render_email(shown).html


def test_styles_are_inlined_and_dark_mode_is_kept() -> None:
    assert "prefers-color-scheme: dark" in MAIL.html
    assert re.search(r"<table[^>]*style=", MAIL.html)
    assert 'name="viewport"' in MAIL.html
    assert 'content="light dark"' in MAIL.html


def test_markup_in_names_is_text() -> None:
    nasty = replace(NORTHWIND, name="<img src=x onerror=alert(1)>")
    page = render_email(notice(recipient=nasty)).html
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_payment_link_that_is_not_https_makes_no_button() -> None:
    for link in ("javascript:alert(1)", "http://pay.test", ""):
        page = Reader(render_email(notice(company=replace(HARBOUR, payment_link=link))).html)
        assert page.count("a") == 0


def test_our_identity_closes_every_message() -> None:
    for shown in (" ".join(MAIL.text.split()), READ.text):
        assert "Harbour & Pine Supply Ltd · 12 Quay Road · Bristol · BS1 4DJ" in shown
        assert "Registered in England 08123456 · VAT GB 123 4567 89" in shown


def test_the_wrong_person_is_offered_a_way_out() -> None:
    assert "Wrong person?" in MAIL.text
    assert "Wrong person?" in READ.text
    link = "https://arfollow.test/preferences/abc"
    offered = render_email(replace(MIXED, preferences_link=link))
    assert link in offered.text
    assert link in offered.html


def test_internal_notices_offer_no_way_out() -> None:
    told = render_email(
        replace(for_purpose(Purpose.INTERNAL, "internal", "email"), channel="internal")
    )
    assert "Wrong person?" not in told.text + told.html


def test_a_statement_is_attached_and_named_for_account_and_day() -> None:
    (file,) = MAIL.attachments
    assert (file.name, file.content_type) == (
        "statement-C-1001-2026-11-20.pdf",
        "application/pdf",
    )
    assert file.content.startswith(b"%PDF")


def test_an_odd_account_number_makes_a_harmless_file_name() -> None:
    odd = render_email(replace(MIXED, reference="../../C 1/ü\r\n"))
    assert odd.attachments[0].name == "statement-C-1-2026-11-20.pdf"


def test_a_thank_you_carries_no_statement() -> None:
    assert render_email(for_purpose(Purpose.CROSSED, "courtesy", "email")).attachments == ()


def big(count: int = 2602) -> tuple[object, ...]:
    lines = tuple(line(f"N-{number:04}", "10.01", number % 150 + 1) for number in range(count))
    return (table(*lines),)


@pytest.fixture(scope="module")
def large() -> object:
    return notice(*big())


def test_l35_a_very_long_account_gets_a_short_message_with_the_list_attached(
    large: object,
) -> None:
    mail = render_email(large)
    assert len(mail.html) < 60_000
    assert len(mail.text) < 6_000
    assert [file.content_type for file in mail.attachments] == ["application/pdf", "text/csv"]
    assert "The full list is attached" in mail.text
    assert "26,046.02" in mail.text
    rows = list(csv.DictReader(StringIO(mail.attachments[1].content.decode("utf-8-sig"))))
    assert len(rows) == 2602
    assert sum(Decimal(row["open"]) for row in rows) == Decimal("26046.02")


def test_forty_items_are_listed_in_the_message_itself() -> None:
    mail = render_email(notice(*big(40)))
    assert len(mail.attachments) == 1
    assert all(f"N-{number:04}" in mail.text for number in range(40))


def test_the_csv_never_runs_as_a_formula() -> None:
    nasty = notice(table(line("=cmd|' /C calc'!A0", "1.00", po_number="+49", terms="@x")))
    (row,) = csv.DictReader(StringIO(items_csv(nasty).decode("utf-8-sig")))
    assert row["number"].startswith("'=")
    assert row["po_number"].startswith("'+")
    assert row["terms"].startswith("'@")


def test_the_csv_names_part_and_currency_of_every_item() -> None:
    rows = list(csv.DictReader(StringIO(items_csv(MIXED).decode("utf-8-sig"))))
    assert [(row["number"], row["part"], row["currency"], row["open"]) for row in rows] == [
        ("US-1", "please_pay", "USD", "1200.00"),
        ("US-2", "please_pay", "USD", "600.00"),
        ("CN-7", "please_pay", "USD", "-50.00"),
        ("US-3", "in_query", "USD", "80.00"),
        ("US-4", "not_yet_due", "USD", "900.00"),
        ("EU-1", "please_pay", "EUR", "20.05"),
    ]


@pytest.mark.parametrize(
    "purpose",
    [
        Purpose.STATEMENT,
        Purpose.RESEND,
        Purpose.CROSSED,
        Purpose.PROMISE,
        Purpose.PROMISE_PART_KEPT,
        Purpose.SKIPPED_ITEM,
    ],
)
def test_every_purpose_renders_in_text_and_html(purpose: Purpose) -> None:
    mail = render_email(for_purpose(purpose, "courtesy", "email"))
    assert mail.subject == "Your account with Harbour & Pine"
    assert "INV-10234" in mail.text
    assert "INV-10234" in mail.html


@pytest.mark.parametrize("channel", ["call", "visit"])
def test_a_script_carries_no_footer_for_customers_and_no_statement(channel: str) -> None:
    told = render_email(notice(channel=channel), preset(Purpose.REMINDER, channel, "firm"))
    assert "Wrong person? A" not in told.text + told.html
    assert told.attachments == ()


def test_a_thank_you_asks_for_nothing() -> None:
    thanks = render_email(for_purpose(Purpose.CROSSED, "courtesy", "email"))
    assert "Please pay" not in thanks.text + thanks.html
    assert "Still open" in thanks.text
    assert "Total still open" in thanks.html


@pytest.mark.parametrize(
    ("number", "country", "shown"),
    [
        ("GB 123 4567 89", "GB", "VAT GB 123 4567 89"),
        ("EIN 00-1184471", "US", "EIN 00-1184471"),
        ("VAT 12345", "IE", "VAT 12345"),
        ("12-345", "US", "VAT 12-345"),
        ("", "US", ""),
    ],
)
def test_a_tax_number_keeps_a_name_of_its_own(number: str, country: str, shown: str) -> None:
    ours = replace(HARBOUR, vat_number=number, address=replace(HARBOUR.address, country=country))
    assert tax_label(ours) == shown
