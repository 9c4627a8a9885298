"""The envelope's window shows the whole address and nothing else (FACTS section 3).

The PDF is read back: every glyph and every drawn line has a place on the sheet.
"""

from dataclasses import replace

import pytest

from dunning.delivery.addresses import fit_address
from dunning.delivery.letter_layout import LAYOUTS, Box
from dunning.delivery.pdf import render_letter
from dunning.wording.notice import Address, Company, Recipient
from tests.dunning.pdfs import Mark, inside, marks, text_of, touches
from tests.notices import HARBOUR, NORTHWIND, final_demand, notice

US_HOME = replace(
    HARBOUR,
    address=Address(
        street=("500 Pier Avenue",), city="Oakland", region="CA", postal_code="94607", country="US"
    ),
)

RECIPIENTS = {
    "short": NORTHWIND,
    "abroad": Recipient(
        number="C-2",
        company="Möbelhaus Köln Süd GmbH",
        name="Jürgen Groß",
        address=Address(
            street=("Bonner Straße 117",), city="Köln", postal_code="50968", country="DE"
        ),
    ),
    "widest letters": Recipient(
        number="C-3",
        company="WWWWW MMMMM WIDE WORKS AND WOODWORKING MACHINES",
        name="Wilhelmina Wigglesworth-Montgomery",
        address=Address(
            street=("Building W, 1000 Commonwealth Boulevard West", "Suite 4400"),
            city="Minneapolis",
            region="Minnesota",
            postal_code="55401-1234",
            country="US",
        ),
    ),
    "descenders": Recipient(
        number="C-4",
        company="gypsy jpgqy Çağ Ltd",
        address=Address(
            street=("yyy ggg qqq jjj",), city="Paris", postal_code="75001", country="FR"
        ),
    ),
    "many lines": Recipient(
        number="C-5",
        company="Northern Counties Building Supply Company Limited",
        name="Accounts payable, second floor",
        address=Address(
            street=("Unit 14", "Enterprise Park", "Old Mill Road"),
            city="Leeds",
            postal_code="LS1 2AB",
            country="GB",
        ),
    ),
}
EVERY = [(key, name) for key in LAYOUTS for name in RECIPIENTS]


def letter(key: str, name: str, **more: object) -> bytes:
    home = US_HOME if key == "us_10" else HARBOUR
    return render_letter(final_demand(recipient=RECIPIENTS[name], company=home, **more), key)


def printed(recipient: Recipient, company: Company, key: str) -> tuple[str, ...]:
    layout = LAYOUTS[key]
    fitted = fit_address(recipient, company.address.country, layout.rows, layout.text.width)
    return fitted.lines


def within(found: list[Mark], box: Box) -> str:
    return "".join(mark.text for mark in found if touches(mark.box, box))


def squeezed(words: str) -> str:
    return "".join(words.split())


@pytest.mark.parametrize(("key", "name"), EVERY)
def test_every_mark_that_touches_the_window_is_the_address_and_lies_inside(
    key: str, name: str
) -> None:
    layout = LAYOUTS[key]
    home = US_HOME if key == "us_10" else HARBOUR
    wanted = printed(RECIPIENTS[name], home, key)
    found = marks(letter(key, name))
    assert squeezed(within(found, layout.box)) == squeezed("".join(wanted))
    outside = [
        mark for mark in found if touches(mark.box, layout.box) and not inside(mark.box, layout.box)
    ]
    assert outside == []
    drawn = [mark for mark in found if not mark.text and touches(mark.box, layout.box)]
    assert drawn == []


@pytest.mark.parametrize("key", ["din_a", "din_b"])
def test_the_whole_din_field_holds_return_line_endorsement_and_address_only(key: str) -> None:
    layout = LAYOUTS[key]
    assert layout.notes is not None
    field = Box(20, layout.notes.top, 105, layout.box.bottom)
    shown = squeezed(within(marks(letter(key, "short")), field))
    address = printed(NORTHWIND, HARBOUR, key)
    assert shown == squeezed(
        "Harbour & Pine · 12 Quay Road · Bristol · BS1 4DJ"
        "Certified Mail, Return Receipt Requested" + "".join(address)
    )


@pytest.mark.parametrize("key", ["din_a", "din_b"])
def test_the_endorsement_stands_above_the_address_where_the_format_has_room(key: str) -> None:
    layout = LAYOUTS[key]
    words = squeezed(within(marks(letter(key, "short")), layout.notes or layout.box))
    assert words.endswith(squeezed("Return Receipt Requested"))


@pytest.mark.parametrize("key", ["us_10", "uk_dl"])
def test_elsewhere_the_endorsement_stands_beside_the_window(key: str) -> None:
    document = letter(key, "short")
    assert "Requested" not in within(marks(document), LAYOUTS[key].box)
    assert "Certified Mail, Return Receipt Requested" in text_of(document)


def test_in_us_letters_nothing_of_the_text_begins_above_95_mm() -> None:
    found = marks(letter("us_10", "short"))
    left_column = [mark for mark in found if mark.text.strip() and mark.box.left < 110]
    below_window = [mark for mark in left_column if mark.box.top > 80.4]
    assert min(mark.box.top for mark in below_window) >= 95


@pytest.mark.parametrize("key", LAYOUTS)
def test_fold_and_hole_marks_lie_at_their_height_and_at_the_edge(key: str) -> None:
    layout = LAYOUTS[key]
    edge = [mark.box for mark in marks(letter(key, "short")) if mark.box.right < 15]
    wanted = sorted([*layout.folds, *([layout.hole] if layout.hole else [])])
    assert all(min(abs(box.top - at) for at in wanted) <= 0.3 for box in edge)
    assert all(min(abs(box.top - at) for box in edge) <= 0.3 for at in wanted)
    assert all(box.left >= 3 for box in edge)


@pytest.mark.parametrize("key", LAYOUTS)
def test_a_reminder_by_post_keeps_the_window_clear_too(key: str) -> None:
    layout = LAYOUTS[key]
    document = render_letter(notice(channel="letter"), key)
    shown = squeezed(within(marks(document), layout.box))
    assert shown == squeezed("".join(printed(NORTHWIND, HARBOUR, key)))


@pytest.mark.parametrize("key", LAYOUTS)
def test_the_page_has_the_size_of_its_format(key: str) -> None:
    from_edges = marks(letter(key, "short"))
    width, height = LAYOUTS[key].page
    assert all(mark.box.right <= width and mark.box.bottom <= height for mark in from_edges)


@pytest.mark.parametrize("key", LAYOUTS)
def test_other_pages_have_no_marks_in_the_margin(key: str) -> None:
    second = marks(letter(key, "short"), page=2)
    assert [mark for mark in second if mark.box.right < 15] == []
