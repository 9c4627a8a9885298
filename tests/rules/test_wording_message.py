"""Words of a message: what sentences say, and what is refused before it is sent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dunning.wording import WordingError, compose, plain_text, preset
from dunning.wording.blocks import interest, prior_contacts, safe_link, signature, ways_to_pay
from dunning.wording.fields import values
from dunning.wording.message import Block, Bullets, Heading, Paragraph, parse_parts
from dunning.wording.notice import Interest, Person, Purpose
from tests.notices import (
    HARBOUR,
    NORTHWIND,
    courtesy,
    credit,
    final_demand,
    line,
    notice,
    table,
)

FIRM = preset(Purpose.REMINDER, "email", "firm")


def test_l21_a_text_that_lost_its_table_is_never_sent() -> None:
    with pytest.raises(WordingError, match="invoice table"):
        compose(replace(FIRM, body="Please pay {{ amount_due }}."), notice())


def test_a_firm_text_without_a_deadline_is_never_sent() -> None:
    with pytest.raises(WordingError, match="pay-by date"):
        compose(FIRM, notice(deadline=None))


def test_a_final_demand_without_contacts_that_reached_them_is_never_sent() -> None:
    text = preset(Purpose.FINAL_DEMAND, "letter", "final")
    with pytest.raises(WordingError, match="reached"):
        compose(text, final_demand(prior_contacts=()))


def test_an_empty_subject_is_never_sent() -> None:
    with pytest.raises(WordingError, match="subject"):
        compose(replace(FIRM, subject="{% if complained %}x{% endif %}"), notice())


def test_a_subject_has_no_line_breaks_even_from_values() -> None:
    shown = notice(company=replace(HARBOUR, name="Harbour\r\nBcc: all@x.test"))
    assert compose(FIRM, shown).subject == "Your account with Harbour Bcc: all@x.test"


def test_three_invoices_are_named_and_the_rest_counted() -> None:
    lines = [line(f"A-{number}", "1.00") for number in range(5)]
    assert values(notice(table(*lines)))["invoice_numbers"] == "A-0, A-1, A-2 and 2 others"
    assert values(notice(table(*lines[:1])))["invoice_numbers"] == "A-0"
    assert values(notice(table(*lines[:2])))["invoice_numbers"] == "A-0 and A-1"


def test_credits_are_not_counted_as_invoices() -> None:
    shown = notice(table(line("A-1", "9.00"), credit("CN-1", "-2.00")))
    assert values(shown)["invoice_count"] == "1 invoice"
    assert values(shown)["several_invoices"] is False


def test_the_oldest_invoice_gives_due_date_and_days() -> None:
    shown = notice(table(line("A-1", "1.00", 10), line("A-2", "1.00", 60), line("A-3", "1.00", 1)))
    assert values(shown)["due_date"] == "21 September 2026"
    assert values(shown)["days_late"] == "60 days"


def test_a_courtesy_speaks_of_the_next_due_date() -> None:
    assert values(courtesy())["due_date"] == "23 November 2026"
    assert values(courtesy())["amount_due"] == ""


def test_terms_that_differ_are_all_named() -> None:
    shown = notice(table(line("A-1", "1.00"), line("A-2", "1.00", terms="due on receipt")))
    assert values(shown)["terms"] == "net 30 days and due on receipt"


def test_without_known_terms_the_invoice_is_pointed_to() -> None:
    shown = notice(table(line("A-1", "1.00", terms="")))
    assert values(shown)["terms"] == "as printed on each invoice"


def test_somebody_without_a_name_is_addressed_by_company() -> None:
    shown = notice(recipient=replace(NORTHWIND, name=""))
    assert values(shown)["greeting"] == "Dear Northwind Traders Ltd"


def test_contacts_are_listed_oldest_first_with_channel() -> None:
    listed = [(entry.label, entry.value) for entry in prior_contacts(notice())]
    assert listed == [
        ("6 October 2026", "e-mail"),
        ("13 October 2026", "telephone conversation, spoke with Jane Ferris"),
        ("28 October 2026", "e-mail, delivered"),
    ]


def test_bank_details_come_with_a_number_to_check_them() -> None:
    told = " ".join(f"{entry.label} {entry.value}" for entry in ways_to_pay(notice()))
    assert "GB29 NWBK 6016 1331 92" in told
    assert "ones printed on your invoices" in told
    assert "+44 117 496 0199" in told


def test_the_account_to_quote_is_among_the_ways_to_pay() -> None:
    assert ("Please quote", "C-1001") in [(e.label, e.value) for e in ways_to_pay(notice())]


@pytest.mark.parametrize(
    "address",
    [
        "http://pay.test/a",
        "javascript:alert(1)",
        "https://pay.test/a b",
        'https://pay.test/"onclick=',
        "data:text/html,x",
        "//pay.test",
        "https://pay.test/\n",
    ],
)
def test_only_plain_https_addresses_become_links(address: str) -> None:
    assert safe_link(address) == ""


def test_an_https_address_becomes_a_link() -> None:
    assert safe_link("https://pay.test/a?b=1") == "https://pay.test/a?b=1"


def test_a_person_without_direct_number_is_reached_through_the_company() -> None:
    shown = notice(contact=Person(name="Tom Reyes"))
    assert "Telephone +44 117 496 0100" in [entry.label for entry in signature(shown)]


def test_interest_names_its_basis_and_what_each_day_adds() -> None:
    each = Interest(
        currency="GBP",
        basis="clause 7 of our terms.",
        accrued=Decimal("108.90"),
        compensation=Decimal("70.00"),
        per_day=Decimal("3.22"),
    )
    (entry,) = interest(notice(interest=(each,)))
    assert entry.label == (
        "In addition to the total above, under clause 7 of our terms: interest of GBP 108.90 to"
        " date; a compensation of GBP 70.00; GBP 3.22 for each further day."
    )


def test_paragraphs_bullets_headings_and_blocks_are_told_apart() -> None:
    parts = parse_parts("# Head\nHello\nthere\n\n- one\n- two\n\n\ue000signature\ue000 end")
    assert parts == (
        Heading("Head"),
        Paragraph("Hello\nthere"),
        Bullets(("one", "two")),
        Block("signature"),
        Paragraph("end"),
    )


def test_windows_line_ends_make_no_difference() -> None:
    assert parse_parts("a\r\n\r\nb") == parse_parts("a\n\nb")


def test_lines_of_the_text_part_stay_within_78_characters() -> None:
    words = plain_text(compose(FIRM, notice()), notice())
    assert max(len(each) for each in words.splitlines()) <= 78


def test_a_long_invoice_number_gets_a_line_of_its_own() -> None:
    shown = notice(table(line("INV-2026-00000000001", "5.00")))
    words = plain_text(compose(FIRM, shown), shown)
    assert "INV-2026-00000000001\n" in words
