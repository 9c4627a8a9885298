"""Postal addresses: order of their country, lengths, and what is refused."""

from dataclasses import replace

import pytest

from dunning.delivery.addresses import LINE_LIMIT, AddressDoesNotFit, company_lines, fit_address
from dunning.delivery.letter_layout import LAYOUTS
from dunning.delivery.pdf import render_letter
from dunning.wording.notice import Address, Recipient
from tests.notices import HARBOUR, NORTHWIND, notice

ROOM = 79.0


def address_lines(recipient: Recipient, home: str, rows: int) -> tuple[str, ...]:
    return fit_address(recipient, home, rows, ROOM).lines


def to(name: str = "", company: str = "Acme Ltd", **parts: object) -> Recipient:
    values = {"street": ("1 High Street",), "city": "Leeds", "country": "GB", **parts}
    return Recipient(number="C-1", company=company, name=name, address=Address(**values))


@pytest.mark.parametrize(
    ("parts", "home", "last_lines"),
    [
        ({"city": "Leeds", "postal_code": "LS1 2AB"}, "GB", ("LEEDS", "LS1 2AB")),
        (
            {"city": "Leeds", "postal_code": "LS1 2AB"},
            "US",
            ("LEEDS", "LS1 2AB", "UNITED KINGDOM"),
        ),
        (
            {"city": "Oakland", "region": "California", "postal_code": "94607", "country": "US"},
            "US",
            ("OAKLAND, CA 94607",),
        ),
        (
            {"city": "Köln", "postal_code": "50968", "country": "DE"},
            "DE",
            ("50968 KÖLN",),
        ),
        (
            {"city": "Paris", "postal_code": "75001", "country": "FR"},
            "US",
            ("75001 PARIS", "FRANCE"),
        ),
    ],
)
def test_city_and_postal_code_follow_their_country(
    parts: dict[str, str], home: str, last_lines: tuple[str, ...]
) -> None:
    assert address_lines(to(**parts), home, rows=6)[-len(last_lines) :] == last_lines


def test_the_country_stands_last_in_capitals_and_only_abroad() -> None:
    german = to(city="Köln", postal_code="50968", country="DE")
    assert address_lines(german, "GB", rows=6)[-1] == "GERMANY"
    assert "GERMANY" not in address_lines(german, "DE", rows=6)


def test_nothing_stands_below_the_city_line_at_home() -> None:
    american = to(city="Oakland", region="CA", postal_code="94607", country="US")
    assert address_lines(american, "US", rows=4)[-1] == "OAKLAND, CA 94607"


def test_four_rows_put_street_lines_together_before_anything_is_dropped() -> None:
    crowded = to("Jane", street=("Unit 4", "88 Mill Lane"), postal_code="LS1 2AB")
    assert address_lines(crowded, "GB", rows=4) == (
        "Acme Ltd",
        "Jane",
        "Unit 4, 88 Mill Lane",
        "LEEDS LS1 2AB",
    )


def test_the_person_gives_way_before_the_street() -> None:
    crowded = to("Jane", street=("Unit 4", "88 Mill Lane"), postal_code="LS1 2AB")
    abroad = address_lines(crowded, "US", rows=4)
    assert abroad == ("Acme Ltd", "Unit 4, 88 Mill Lane", "LEEDS LS1 2AB", "UNITED KINGDOM")


def test_an_address_with_too_many_lines_is_refused() -> None:
    streets = tuple(f"A very long line of a street number {number}, wing B" for number in range(4))
    with pytest.raises(AddressDoesNotFit, match="lines"):
        address_lines(to(street=streets), "GB", rows=4)


@pytest.mark.parametrize("missing", [{"street": ()}, {"city": "", "postal_code": ""}])
def test_an_address_without_street_or_city_is_refused(missing: dict[str, object]) -> None:
    with pytest.raises(AddressDoesNotFit, match="lacks"):
        address_lines(to(**missing), "GB", rows=6)


def test_a_street_longer_than_fifty_characters_is_refused_and_never_cut() -> None:
    with pytest.raises(AddressDoesNotFit, match="longer"):
        address_lines(to(street=("x" * 51,)), "GB", rows=6)


def test_a_longer_company_name_is_shortened_in_the_window_only() -> None:
    long_name = "The Amalgamated Northern Counties Building Supply Company Limited"
    lines = address_lines(to(company=long_name), "GB", rows=6)
    assert len(lines[0]) <= LINE_LIMIT
    assert lines[0].endswith("…")


def test_no_line_exceeds_fifty_characters() -> None:
    for rows in (4, 5, 6):
        assert all(len(each) <= LINE_LIMIT for each in address_lines(NORTHWIND, "US", rows))


def test_an_unknown_country_is_written_as_given() -> None:
    assert address_lines(to(country="XX", postal_code="99"), "GB", rows=6)[-2:] == (
        "99 Leeds",
        "XX",
    )


def test_the_letterhead_writes_our_city_as_we_do() -> None:
    assert company_lines(HARBOUR) == ("12 Quay Road", "Bristol", "BS1 4DJ")


def test_line_breaks_in_an_address_add_no_lines() -> None:
    tricky = to(street=("1 High Street\nPO Box 5",))
    assert "1 High Street PO Box 5" in address_lines(tricky, "GB", rows=6)


def test_long_lines_are_set_smaller_but_never_below_eight_points() -> None:
    assert fit_address(to(), "GB", 6, ROOM).size == 10.0
    wide = to(street=("1000 Commonwealth Boulevard NW, Main Building M",))
    assert 8.0 <= fit_address(wide, "GB", 6, ROOM).size < 10.0


def test_a_street_too_wide_for_the_window_is_refused() -> None:
    with pytest.raises(AddressDoesNotFit, match="wider"):
        fit_address(to(street=("W" * 50,)), "GB", 6, ROOM)


def test_a_name_too_wide_for_the_window_is_shortened() -> None:
    assert fit_address(to(company="W" * 50), "GB", 6, ROOM).lines[0].endswith("W…")


def test_a_letter_whose_address_does_not_fit_is_not_rendered() -> None:
    nowhere = replace(NORTHWIND, address=Address(country="GB"))
    for key in LAYOUTS:
        with pytest.raises(AddressDoesNotFit):
            render_letter(notice(recipient=nowhere, channel="letter"), key)
