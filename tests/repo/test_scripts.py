"""The scripts that a newcomer runs: they parse, they refuse nonsense, they harm nobody's data."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
SCRIPTS = ["setup", "demo", "test"]


def run(script: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(script), *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The scripts alone, in a project that is not ours."""
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    return tmp_path


@pytest.mark.parametrize("name", [f"bin/{script}" for script in SCRIPTS] + [".ci/run"])
def test_a_script_may_be_run_and_is_well_formed(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert subprocess.run(["bash", "-n", name], cwd=ROOT, check=False).returncode == 0  # noqa: S607


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_argument_nobody_knows_is_refused_with_the_ones_that_are(name: str) -> None:
    result = run(ROOT / "bin" / name, "--nonsense")
    assert result.returncode == 1
    assert f"bin/{name} [--" in result.stderr


def test_nothing_but_scripts_is_in_bin() -> None:
    for path in (ROOT / "bin").iterdir():
        first = path.read_text().splitlines()[0]
        assert first.startswith(("#!/usr/bin/env", "# What the scripts beside")), path.name


def test_continuous_integration_runs_the_tests() -> None:
    assert "bin/test" in (ROOT / ".ci" / "run").read_text()


def test_the_demo_never_touches_a_ledger_that_it_did_not_make(elsewhere: Path) -> None:
    precious = elsewhere / "var" / "arfollow.sqlite3"
    precious.parent.mkdir()
    precious.write_text("our books")
    for arguments in ([], ["--fresh"]):
        result = run(elsewhere / "bin" / "demo", *arguments)
        assert result.returncode == 1
        assert "the demo did not make" in result.stderr
        assert precious.read_text() == "our books"


def test_the_demo_refuses_a_port_that_is_no_number(elsewhere: Path) -> None:
    result = run(elsewhere / "bin" / "demo", PORT="80; true")
    assert result.returncode == 1
    assert "PORT must be a number" in result.stderr


def test_the_demo_ignores_what_was_set_for_real_work() -> None:
    """Real mail servers, databases and queues come from these; the demo wants none of them."""
    text = (ROOT / "bin" / "demo").read_text()
    forgotten = set(re.search(r"^unset ((?:.|\\\n)+?)$(?<!\\)", text, re.M)[1].split())  # type: ignore[index]
    assert {"DATABASE_URL", "MAIL_URL", "CELERY_BROKER_URL", "VAR_DIR", "SECRET_KEY"} <= forgotten
    assert "ENV_FILE=/dev/null" in text


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_command_that_a_script_runs_exists(name: str) -> None:
    text = (ROOT / "bin" / name).read_text()
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())


def test_every_command_that_the_documents_name_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"manage\.py ([a-z_]+)", page.read_text())
    }
    assert named - set(get_commands()) == set()


def test_every_link_between_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_no_directory_of_tests_is_forgotten_on_postgresql() -> None:
    """``rules`` needs no database and ``repo`` looks at files; all others run there too."""
    text = (ROOT / "bin" / "test").read_text()
    named = re.search(r"for place in ([a-z ]+);", text)
    assert named
    found = {path.name for path in (ROOT / "tests").iterdir() if list(path.glob("test_*.py"))}
    assert found - {"rules", "repo"} <= set(named[1].split())
