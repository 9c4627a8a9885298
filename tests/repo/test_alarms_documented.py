"""Whoever is woken at three finds each alarm with what to do about it."""

import re
from pathlib import Path

from django.conf import settings

from arfollow.health import HELPFUL

ROOT = Path(settings.BASE_DIR)
DOCUMENT = (ROOT / "docs" / "operations.md").read_text("utf-8")
# What tells how things are, and wakes nobody.
FIGURES_ONLY = {"attempts_open", "attempts_sent_recently", "tasks_open"}


def rows_of(heading: str) -> dict[str, list[str]]:
    """The cells of a table by the name in its first column."""
    table = DOCUMENT.split(f"| `{heading}` |")[1].split("\n\n")[0]
    found = re.findall(r"^\| `([a-z_]+)` \| (.+) \| (.+) \|$", table, re.MULTILINE)
    return {name: [when, what] for name, when, what in found}


def test_every_answer_of_readyz_has_a_row_that_says_what_to_do() -> None:
    assert set(rows_of("/readyz")) == {"database", "migrations", *HELPFUL}


def test_every_figure_that_can_wake_somebody_has_a_row() -> None:
    code = (ROOT / "arfollow" / "alarms.py").read_text("utf-8")
    told = set(re.findall(r"_(?:gauge|single)\(\s*\"([a-z_]+)\"", code))
    rows = {name.removeprefix("arfollow_") for name in rows_of("/metrics")}
    assert len(told) > 10
    assert told == rows | FIGURES_ONLY
