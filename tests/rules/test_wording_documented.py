"""The manual of texts lists what there is: every field, every code of the linter, every format."""

import re
from pathlib import Path

import pytest

from dunning.delivery.letter_layout import LAYOUTS
from dunning.wording import linter
from dunning.wording.fields import FIELDS
from dunning.wording.liquid import SOURCE_LIMIT
from dunning.wording.tables import FULL_ROWS

DOCS = Path(__file__).parents[2] / "docs"
TEXTS = (DOCS / "texts.md").read_text(encoding="utf-8")
LETTERS = (DOCS / "letters.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_every_field_is_documented_as_it_is(field: object) -> None:
    assert f"| `{field.name}` | {field.says} |" in TEXTS


def test_no_field_is_documented_that_is_gone() -> None:
    listed = re.findall(r"^\| `([a-z_]+)` \| ", TEXTS.split("## Fields")[1], re.MULTILINE)
    assert sorted(listed) == sorted(FIELDS)


def test_every_code_of_the_linter_is_documented() -> None:
    source = Path(linter.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r"Problem\(\s*\"([a-z_]+)\"", source))
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in TEXTS} == set()


def test_limits_are_documented_as_they_are() -> None:
    assert f"{SOURCE_LIMIT:,} characters" in TEXTS
    assert f"Up to {FULL_ROWS} items are listed" in TEXTS


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_window_is_documented_with_its_measures(layout: object) -> None:
    (row,) = [line for line in LETTERS.splitlines() if line.startswith(f"| `{layout.key}`")]
    box = layout.box
    place = f"x {box.left:g}–{box.right:g}, y {box.top:g}–{box.bottom:g}"
    assert place in row
    assert f"| {layout.rows} |" in row
    assert all(f"{fold:g}" in row for fold in layout.folds)
