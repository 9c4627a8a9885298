"""Going live: how far an item was chased before it came to us (rule 1)."""

from datetime import date

from invoices.imports.plan.tally import Tally
from invoices.imports.plan.types import Choices
from invoices.imports.readers import SourceRow

TONES = ("courtesy", "friendly", "firm", "direct", "urgent", "final")
HIGHEST_START = "firm"
"""Nothing imported starts above it."""


def start_step(row: SourceRow, due: date, choices: Choices, tally: Tally) -> str:
    """A tone or step key; empty is step 1, as for every item that is not overdue yet."""
    if due >= choices.as_of:
        return ""
    reached = reminded_to(row.reminded) if row.reminded else choices.start_step
    if reached in TONES and TONES.index(reached) > TONES.index(HIGHEST_START):
        tally.count("capped", row.line)
        return HIGHEST_START
    return reached


def reminded_to(text: str) -> str:
    """What a reminder column says: a count of reminders, a tone, or a step's key."""
    if text in {"", "0", "no", "none", "-"}:
        return ""
    if text.isdigit():
        return "friendly" if int(text) == 1 else HIGHEST_START
    return text.replace(" ", "_")[:40]
