"""Texts as staff edit them: Liquid with output and ``if``, and nothing else.

No loops, no assignments, no includes, no attributes, three filters. An unknown name, tag or
filter is an error, never an empty string.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

from liquid import BoundTemplate, Environment, Mode, StrictUndefined
from liquid.builtin.content import Literal
from liquid.builtin.filters.misc import default
from liquid.builtin.filters.string import capitalize, downcase
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output
from liquid.builtin.tags.if_tag import IfTag
from liquid.exceptions import LiquidError

from dunning.wording.fields import FIELDS, Value

SOURCE_LIMIT = 20_000
"""Characters of one text."""


# The lexer itself knows this one tag; its content would reach customers unfilled.
_RAW = re.compile(r"\{%-?\s*raw\b")


class WordingError(ValueError):
    """The text cannot be used: it does not parse, does not render, or lost its table."""


class _StrictIf(IfTag):
    mode = Mode.STRICT


class _Texts(Environment):
    """The part of Liquid that a text may use, with limits."""

    block_nesting_limit: ClassVar[int] = 5
    context_depth_limit: ClassVar[int] = 10
    loop_iteration_limit: ClassVar[int | None] = 1
    output_stream_limit: ClassVar[int | None] = 200_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Register output, ``if`` and the three filters."""
        for tag in (Literal, Output, Illegal, _StrictIf):
            self.add_tag(tag)
        self.add_filter("capitalize", capitalize)
        self.add_filter("downcase", downcase)
        self.add_filter("default", default)


_ENVIRONMENT = _Texts(tolerance=Mode.STRICT, undefined=StrictUndefined, strict_filters=True)


@lru_cache(maxsize=512)
def parse(source: str) -> BoundTemplate:
    """The parsed text; WordingError names what is wrong in one sentence."""
    if len(source) > SOURCE_LIMIT:
        raise WordingError(f"the text is longer than {SOURCE_LIMIT:,} characters")
    if _RAW.search(source):
        raise WordingError("unexpected tag 'raw'")
    try:
        template = _ENVIRONMENT.from_string(source)
        _check_names(template)
    except (LiquidError, RecursionError) as error:
        raise WordingError(_first_line(error)) from error
    return template


def _check_names(template: BoundTemplate) -> None:
    """Only known fields and filters, and no attributes of them."""
    found = template.analyze()
    for uses in found.variables.values():
        for use in uses:
            if len(use.segments) != 1 or use.segments[0] not in FIELDS:
                raise WordingError(f"“{use}” is not a merge field")
    unknown = sorted(set(found.filters) - set(_ENVIRONMENT.filters))
    if unknown:
        raise WordingError(f"“{unknown[0]}” is not a filter")


def _first_line(error: Exception) -> str:
    message = getattr(error, "message", None) or error
    return str(message).splitlines()[0][:200] if str(message) else "the text cannot be read"


def fill(source: str, values: Mapping[str, Value]) -> str:
    """The text with its fields filled in; WordingError if that fails."""
    try:
        return parse(source).render(values)
    except (LiquidError, RecursionError, ArithmeticError, TypeError) as error:
        raise WordingError(_first_line(error)) from error
