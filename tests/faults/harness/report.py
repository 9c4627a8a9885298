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
REPORTED = {
    "kill -9 at": "a task for each doubt; the rest goes on by itself",
    "kill -9 in a Celery": "a task for each doubt; Celery replaces the process",
    "mail server": "circuit on the dashboard and in /metrics; a task for each refusal or doubt",
    "provider": "circuit on the dashboard and in /metrics; a task for each refusal or doubt",
    "broker emptied": "nothing to report: the next tick finds what is due",
    "broker": "/readyz says degraded: broker",
    "SIGTERM": "nothing to report",
    "PostgreSQL": "/readyz answers 503 while it is away; a task for each doubt",
    "database is locked": "a line in the log; a task for each doubt",
    "everybody writes": "nothing to report",
    "an upgrade": "/readyz of the new web answers 503 until its migrations are there",
    "a backup": "the copy says whose it is; adopted, it is paused until a person has looked",
    "disk full: database": "a line in the log; a task for each doubt",
    "disk full: mail": "circuit on the dashboard and in /metrics",
    "disk full: uploads": "whoever uploads is told that there is no room",
    "disk full: log": "nothing, where nothing can be written",
    "disk full: letters": "the command names the file and exits with 1",
    "import during": "the message shrinks or is cancelled; the import's answer counts the rows",
    "kill -9 of an import": "nothing of it is there; the same command imports it in full",
    "the same file twice": "the second is told that it was imported before",
    "payments": "the message shrinks or is cancelled as paid; the timeline says so",
    "a text that fails": "a task and the outbox name the customer",
    "two tabs": "who comes second is told that it is done",
    "a clock": "the worker refuses to send and says by how much it is off",
    "2 beats": "nothing to report",
    "5 beats": "nothing to report",
    "2 planners": "nothing to report",
    "rolling": "nothing to report",
    "a sender sleeps before": "nothing to report: somebody else sends it",
    "a sender sleeps while": "a task for the doubt, closed by the late answer",
    "kill switch": "on every page, in the outbox and in /metrics, until it is lifted",
}
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
        "| fault | on | tried | lost | doubled | wrong | unknown | reported |",
        "|---|---|--:|--:|--:|--:|--:|---|",
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
    what = ": ".join(filter(None, (first["fault"], first["text"]))) + (
        f" ({first['variant']})" if first["variant"] else ""
    )
    numbers = [sum(row["found"][name] for row in group) for name in COLUMNS]
    said = next((text for name, text in REPORTED.items() if first["fault"].startswith(name)), "")
    cells = [what, where, sum(row["tries"] for row in group), *numbers, said]
    return "| " + " | ".join(map(str, cells)) + " |"


def _machine() -> str:
    """What matters for the result; nothing that names a machine."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return ", ".join([platform.system(), python, *versions])
