"""The table of docs/reliability.md, and one line for the terminal."""

import importlib.metadata
import platform
import sqlite3
from pathlib import Path
from typing import Any

from tests.faults.harness.results import Sum

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
COLUMNS = ("lost", "doubled", "wrong", "unknown")
LIBRARIES = ("Django", "celery", "django-anymail", "weasyprint", "psycopg")
DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def line_of(row: dict[str, Any]) -> str:
    """One result as the terminal shows it."""
    found = row["found"]
    numbers = " ".join(f"{name} {found[name]}" for name in COLUMNS)
    where = f"{row['database']:8} {row['fault'][:44]:44} {row['variant'][:24]:24}"
    line = f"{where} tries {row['tries']:4} {numbers} {row['seconds']:6.1f} s"
    return "\n".join([line, *(f"         {note}" for note in found["notes"])])


def write_page(page: Path, rows: list[dict[str, Any]]) -> None:
    """Put the table between its marks; without them the page is left alone."""
    text = page.read_text() if page.exists() else f"{BEGIN}\n{END}\n"
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if begin and end:
        page.write_text(f"{head}{BEGIN}\n\n{_table(rows)}\n\n{END}{tail}")


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        f"Last tried on {max((row['date'] for row in rows), default='–')}, on {_machine()}.",
        "",
        "| fault | on | tried | lost | doubled | wrong | unknown |",
        "|---|---|--:|--:|--:|--:|--:|",
        *(_row(group) for group in _groups(rows)),
        "",
        f"Sum: {Sum.of(rows)}.",
    ]
    return "\n".join(lines)


def _groups(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Both databases of a fault in one line."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["fault"], row["variant"]), []).append(row)
    return list(found.values())


def _row(group: list[dict[str, Any]]) -> str:
    first = group[0]
    where = ", ".join(DATABASES[row["database"]] for row in group)
    what = f"{first['fault']}: {first['text']}" + (
        f" ({first['variant']})" if first["variant"] else ""
    )
    numbers = [sum(row["found"][name] for row in group) for name in COLUMNS]
    cells = [what, where, sum(row["tries"] for row in group), *numbers]
    return "| " + " | ".join(map(str, cells)) + " |"


def _machine() -> str:
    """What matters for the result; nothing that names a machine."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return ", ".join([platform.system(), python, *versions])
