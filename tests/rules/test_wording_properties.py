"""Whatever the names, numbers and amounts are: messages compose, tie and stay harmless."""

import string
from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dunning.delivery.addresses import LINE_LIMIT, AddressDoesNotFit, fit_address
from dunning.delivery.letter_layout import LAYOUTS
from dunning.delivery.mime import render_email
from dunning.delivery.widths import SIZES_PT, shortened, width
from dunning.wording import compose, lint, plain_text, preset
from dunning.wording.fields import BLOCK_MARK, FIELDS, values
from dunning.wording.formats import VALUE_LIMIT, clean
from dunning.wording.liquid import WordingError, fill
from dunning.wording.message import Block, parse_parts
from dunning.wording.notice import Address, Purpose, Recipient
from dunning.wording.texts import Text
from tests.notices import HARBOUR, MIA, NORTHWIND, line, notice, table

ANY = st.text(max_size=120)
WORDS = st.text(alphabet=string.ascii_letters + " .,'-&äöüßéç", min_size=1, max_size=70)
MONEY = st.decimals(min_value="0.01", max_value="9999999.99", places=2)
FIRM = preset(Purpose.REMINDER, "email", "firm")
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(ANY)
def test_a_cleaned_value_is_one_printable_line(value: str) -> None:
    cleaned = clean(value)
    assert cleaned.isprintable()
    assert len(cleaned) <= VALUE_LIMIT
    assert cleaned == clean(cleaned)
    assert BLOCK_MARK not in cleaned


@given(ANY, ANY, ANY, ANY)
@QUICK
def test_any_names_compose_and_add_no_parts(
    person: str, company: str, number: str, our_name: str
) -> None:
    plain = compose(FIRM, notice())
    shown = notice(
        table(line(number or "1", "12.00")),
        recipient=replace(NORTHWIND, name=person, company=company),
        company=replace(HARBOUR, name=our_name, legal_name=our_name or "Ltd"),
        contact=replace(MIA, name=person or "Mia"),
    )
    message = compose(FIRM, shown)
    blocks = [part for part in message.parts if isinstance(part, Block)]
    assert blocks == [part for part in plain.parts if isinstance(part, Block)]
    assert "\n" not in message.subject
    assert plain_text(message, shown)


@given(ANY)
@settings(max_examples=25, deadline=None)
def test_any_name_is_escaped_in_html(name: str) -> None:
    marked = f"<i>{name}</i>"
    page = render_email(
        notice(purpose=Purpose.CROSSED, recipient=replace(NORTHWIND, name=marked))
    ).html
    assert "<i>" not in page


@given(st.lists(MONEY, min_size=1, max_size=90), st.sampled_from(["USD", "EUR", "GBP"]))
@QUICK
def test_the_amount_due_is_the_sum_of_its_lines(amounts: list[Decimal], currency: str) -> None:
    lines = [line(f"N-{index}", str(each)) for index, each in enumerate(amounts)]
    shown = notice(table(*lines, currency=currency))
    asked = str(values(shown)["amount_due"]).removeprefix(f"{currency} ").replace(",", "")
    assert Decimal(asked) == sum(amounts, Decimal(0))


@given(st.text(alphabet="{}%|.[]'\" abc_\n#-<>$" + BLOCK_MARK, max_size=60))
@settings(max_examples=400, deadline=None)
def test_random_texts_are_filled_or_refused_never_anything_else(source: str) -> None:
    filled = values(notice())
    try:
        out = fill(source, filled)
    except WordingError:
        return
    assert isinstance(out, str)
    parse_parts(out)


@given(st.sampled_from(sorted(FIELDS)), st.text(alphabet=string.ascii_letters + "_.", max_size=12))
def test_only_exact_field_names_are_known(name: str, tail: str) -> None:
    try:
        fill(f"{{{{ {name}{tail} }}}}", values(notice()))
    except WordingError:
        assert f"{name}{tail}" not in FIELDS
    else:
        assert f"{name}{tail}" in FIELDS


@given(ANY)
@settings(max_examples=100, deadline=None)
def test_the_linter_always_answers(body: str) -> None:
    text = Text(purpose=Purpose.REMINDER, channel="email", tone="firm", subject=body, body=body)
    assert all(problem.code and problem.message for problem in lint(text))


@given(
    WORDS,
    WORDS,
    st.lists(WORDS, min_size=1, max_size=4),
    WORDS,
    st.sampled_from(["US", "GB", "DE", "FR", "JP", "BR", "IN", "ZZ"]),
    st.sampled_from(sorted(LAYOUTS)),
)
@settings(max_examples=300, deadline=None)
def test_an_address_fits_its_window_or_is_refused(
    person: str, company: str, street: list[str], city: str, country: str, key: str
) -> None:
    layout = LAYOUTS[key]
    address = Address(street=tuple(street), city=city, postal_code="12345", country=country)
    recipient = Recipient(number="1", company=company, name=person, address=address)
    try:
        fitted = fit_address(recipient, "US", layout.rows, layout.text.width)
    except AddressDoesNotFit:
        return
    assert 1 < len(fitted.lines) <= layout.rows
    assert all(0 < len(each) <= LINE_LIMIT for each in fitted.lines)
    assert all(width(each, fitted.size) <= layout.text.width for each in fitted.lines)
    assert fitted.size in SIZES_PT


@given(st.text(max_size=90), st.integers(5, 50), st.floats(20, 90))
def test_a_shortened_name_has_room(name: str, characters: int, room: float) -> None:
    cut = shortened(name, characters, room)
    assert len(cut) <= characters
    assert width(cut, SIZES_PT[-1]) <= room
    assert cut == name or cut.endswith("…")
