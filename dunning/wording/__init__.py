"""What messages say: merge fields, preset texts and the linter. No database, no clock.

A ``Notice`` (plain data) and a ``Text`` (as staff edit it) make a ``Message``: a subject and
a row of parts, which ``dunning.delivery`` dresses as e-mail, letter or statement.
"""

from dunning.wording.fields import FIELDS, Field
from dunning.wording.linter import Problem, lint, unreadable
from dunning.wording.liquid import WordingError
from dunning.wording.message import Message, compose
from dunning.wording.notice import Notice, Purpose
from dunning.wording.plain import plain_text
from dunning.wording.texts import NoSuchText, Text, preset, presets

__all__ = [
    "FIELDS",
    "Field",
    "Message",
    "NoSuchText",
    "Notice",
    "Problem",
    "Purpose",
    "Text",
    "WordingError",
    "compose",
    "lint",
    "plain_text",
    "preset",
    "presets",
    "unreadable",
]
