"""Every setting is documented, typed, and safe where it has to be."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}
PRODUCTION = {
    "SECRET_KEY": "k" * 20 + "abcdefghijklmnopqrstuvwxyz0123456789!?",
    "ALLOWED_HOSTS": "receivables.example.com",
    "BASE_URL": "https://receivables.example.com",
    "MAIL_URL": "smtp+tls://user:password@mail.example.com:587",
    "CELERY_BROKER_URL": "redis://:password@127.0.0.1:6379/0",
    "DEFAULT_FROM_EMAIL": "receivables@example.com",
}


def variables_read() -> set[str]:
    """Every name that any module of ours asks the environment for."""
    return set(
        re.findall(r'env\.[a-z_]+\(\s*"([A-Z_]+)"', (ROOT / "arfollow/settings.py").read_text())
    )


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of a process that sees these variables and no others."""
    place = os.environ["VAR_DIR"]
    basis = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": place}
    return subprocess.run(
        [sys.executable, *arguments],
        env=basis | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def all_settings(variables: tuple[tuple[str, str], ...]) -> dict[str, object]:
    asked = (
        "import json; from arfollow import settings as s; "
        "print(json.dumps({n: getattr(s, n) for n in dir(s) if n.isupper()}, default=str))"
    )
    result = run("-c", asked, **dict(variables))
    assert result.returncode == 0, result.stderr
    values: dict[str, object] = json.loads(result.stdout)
    return values


def setting(name: str, **variables: str) -> object:
    """A setting as a fresh process with these variables sees it."""
    return all_settings(tuple(sorted(variables.items())))[name]


def test_every_variable_is_in_the_template() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named - COMPOSE_ONLY == variables_read()


def test_every_variable_is_documented_and_no_other() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)) == variables_read()


def test_only_the_settings_read_the_environment() -> None:
    """One place to look: other modules take their values from there."""
    allowed = {"arfollow/settings.py", "arfollow/celery.py", "arfollow/wsgi.py", "manage.py"}
    allowed.add("dunning/management/backup/surroundings.py")  # hands it on to other programs
    readers = {
        str(path.relative_to(ROOT))
        for app in ("arfollow", "customers", "invoices", "dunning")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"os\.environ|os\.getenv", path.read_text())
    }
    assert readers - allowed - {"dunning/management/commands/make_demo.py"} == set()


def test_it_does_not_start_without_a_secret_key_in_production() -> None:
    result = run("manage.py", "check", DEBUG="false")
    assert result.returncode == 1
    assert "SECRET_KEY is required" in result.stderr


def test_it_does_not_start_without_a_secret_key_where_others_can_reach_it() -> None:
    result = run("manage.py", "check", ALLOWED_HOSTS="receivables.example.com")
    assert result.returncode == 1
    assert "SECRET_KEY is required" in result.stderr


def test_a_secret_key_turns_debug_off() -> None:
    assert setting("DEBUG") is True
    assert setting("DEBUG", SECRET_KEY="a key") is False


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file")
    assert setting("SECRET_KEY", SECRET_KEY_FILE=str(tmp_path / "key")) == "from a file"


def test_the_deployment_check_is_clean_with_production_variables() -> None:
    result = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_COOKIE_SECURE", True),
        ("CSRF_COOKIE_SECURE", True),
        ("SECURE_SSL_REDIRECT", True),
        ("SESSION_COOKIE_NAME", "__Host-session"),
        ("SECURE_HSTS_SECONDS", 31_536_000),
    ],
)
def test_production_cookies_and_transport_are_secure(name: str, value: object) -> None:
    assert setting(name, **PRODUCTION) == value


def test_the_content_security_policy_allows_nothing_inline() -> None:
    policy = {name: [str(part) for part in parts] for name, parts in settings.SECURE_CSP.items()}
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    for parts in policy.values():
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:"} & set(parts)


def test_sqlite_takes_the_write_lock_at_once_and_survives_a_power_cut() -> None:
    options = setting("DATABASES", DATABASE_URL="sqlite:///var/x.sqlite3")["default"]["OPTIONS"]  # type: ignore[index]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 20
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000"):
        assert pragma in options["init_command"]


def test_no_request_is_one_transaction() -> None:
    """A transaction around a request would hold SQLite's write lock for all of it."""
    assert setting("DATABASES")["default"].get("ATOMIC_REQUESTS", False) is False  # type: ignore[index]
    database = setting("DATABASES", DATABASE_URL="postgres://u:p@127.0.0.1/x")["default"]  # type: ignore[index]
    assert database.get("ATOMIC_REQUESTS", False) is False
    assert database["CONN_HEALTH_CHECKS"] is True


def test_postgresql_with_an_address_of_a_socket_is_understood() -> None:
    url = "postgres://postgres@/arfollow?host=/run/postgresql"
    assert setting("DATABASES", DATABASE_URL=url)["default"]["NAME"] == "arfollow"  # type: ignore[index]


def test_kept_files_are_not_for_everybody() -> None:
    """CVE-2026-25674: without it the umask of the moment decides."""
    permissions = setting("FILE_UPLOAD_PERMISSIONS", **PRODUCTION)
    assert isinstance(permissions, int)
    assert permissions & 0o007 == 0


def test_the_admin_site_is_not_installed() -> None:
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
