"""Whatever the documents call proven is there: every test, every fault, every number (D14)."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.harness.catalogue import CATALOGUE

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = ["docs/asvs.md", "docs/catalogue.md"]
NUMBERS = {*range(1, 25), 30, 31, *range(32, 37), *range(40, 50), *range(50, 58), *range(60, 64),
           70, 71}  # fmt: skip
# What somebody may read there; anything else would need a reason to be on the page.
NOT_YET = "**Not yet**"


def text_of(document: str) -> str:
    return (ROOT / document).read_text("utf-8")


def rows(document: str) -> list[list[str]]:
    lines = [line for line in text_of(document).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] not in ("ASVS", "Number", "Advisory")]


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def missing(name: str) -> bool:
    file, _, test = name.partition("::")
    return not (ROOT / file).is_file() or bool(test and test not in functions_of(file))


def test_what_is_missing_is_seen() -> None:
    assert missing("tests/repo/test_nothing.py")
    assert missing("tests/repo/test_proofs_named.py::test_nothing")
    assert not missing("tests/repo/test_proofs_named.py::test_what_is_missing_is_seen")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_exists(document: str) -> None:
    named = re.findall(r"`(tests/[^`]+)`", text_of(document))
    assert len(named) > 40
    assert [name for name in named if missing(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_fault_that_a_document_names_can_be_injected(document: str) -> None:
    named = set(re.findall(r"`bin/faults ([a-z-]+)`", text_of(document)))
    assert named <= set(CATALOGUE)


def test_every_fault_that_can_be_injected_stands_in_the_catalogue_but_the_click() -> None:
    """Two tabs are a click of people, which no number of the catalogue has."""
    named = set(re.findall(r"`bin/faults ([a-z-]+)`", text_of("docs/catalogue.md")))
    assert set(CATALOGUE) - named == {"tabs"}


def test_every_number_of_the_catalogue_is_there_once() -> None:
    found: list[int] = []
    for first, last in re.findall(
        r"^\| F-(\d\d)(?: to F-(\d\d))? \|", text_of("docs/catalogue.md"), re.MULTILINE
    ):
        found += range(int(first), int(last or first) + 1)
    assert sorted(found) == sorted(NUMBERS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_row_has_its_proof_or_says_not_yet(document: str) -> None:
    found = rows(document)
    assert len(found) > 30
    unproven = [row[0] for row in found if "`tests/" not in row[-1] and "`bin/" not in row[-1]]
    honest = [row[0] for row in found if any(NOT_YET in cell for cell in row)]
    assert [name for name in unproven if name not in honest] == []
