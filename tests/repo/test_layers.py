"""The contracts of pyproject.toml are kept, and they cover what they should."""

import subprocess
import sys
import tomllib
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PURE = {
    "dunning.policy",
    "dunning.wording",
    "invoices.aging",
    "invoices.imports.readers",
    "invoices.imports.plan",
    "customers.terms",
    "arfollow.shared.money",
    "arfollow.shared.workdays",
}


def test_the_layers_are_kept() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:]


def test_no_contract_has_exceptions() -> None:
    for contract in LINTER["contracts"]:
        assert "ignore_imports" not in contract


def test_the_pure_modules_are_named_pure() -> None:
    named = {
        module
        for contract in LINTER["contracts"]
        if "pure" in contract["name"]
        for module in contract["source_modules"]
    }
    assert named >= PURE


def test_pure_modules_load_without_django() -> None:
    """The contract reads imports; this runs them, in a process that knows no settings."""
    names = ", ".join(sorted(PURE))
    asked = f"import sys, {names}; sys.exit('django.db' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, env={}, check=False)
    assert result.returncode == 0
