"""What we depend on is locked, explained and not known to be broken."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LOCKS = ["requirements.txt", "requirements-dev.txt"]
NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)")

# Below these, an advisory or a measured fault applies.
MINIMUM = {
    "django": (6, 1, 3),
    "weasyprint": (70, 0),
    "celery": (5, 7, 0),
    "kombu": (5, 7, 0),
    "django-anymail": (15, 2),
    "openpyxl": (3, 1, 5),
    "redis": (4, 5, 4),
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(file: str) -> set[str]:
    lines = (ROOT / file).read_text().splitlines()
    found = (NAME.match(line) for line in lines if not line.startswith(("#", "-")))
    return {normal(match[1]) for match in found if match}


def locked(file: str) -> dict[str, tuple[int, ...]]:
    pairs = re.findall(r"^([A-Za-z0-9._-]+)==([0-9.]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {normal(name): tuple(int(n) for n in version.split(".") if n) for name, version in pairs}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_carries_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text())
    assert len(blocks) > 30
    assert [block.split("\n")[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_place_on_a_machine(lock: str) -> None:
    text = (ROOT / lock).read_text()
    options = [f"--{name}" for name in ("index", "find", "extra")]
    places = [f"/{top}/" for top in ("home", "root", "opt")]
    assert [trace for trace in ("://", "@ ", *options, *places) if trace in text] == []


@pytest.mark.parametrize("source", ["requirements.in", "requirements-dev.in"])
def test_everything_asked_for_is_locked(source: str) -> None:
    assert asked_for(source) - set(locked(source.replace(".in", ".txt"))) == set()


def test_the_two_locks_agree() -> None:
    run, develop = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: run[name] for name in run if develop.get(name) != run[name]} == {}


def test_each_dependency_has_its_line_of_reason_and_no_line_is_left_over() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| ([^|]{10,}) \|$", text, re.MULTILINE)
    explained = {normal(name.strip()) for name, _ in rows} - {"package"}
    assert explained == asked_for("requirements.in") | asked_for("requirements-dev.in")


@pytest.mark.parametrize("name", sorted(MINIMUM))
def test_no_version_with_a_known_hole_is_locked(name: str) -> None:
    assert locked("requirements-dev.txt")[name] >= MINIMUM[name]


# Never imported by us: the shell finds the server, zoneinfo the zones.
FOUND_BY_OTHERS = {"gunicorn", "tzdata"}


def test_nothing_is_installed_that_the_product_does_not_use() -> None:
    text = "\n".join(
        path.read_text()
        for app in ("arfollow", "customers", "invoices", "dunning")
        for path in (ROOT / app).rglob("*.py")
    )
    used = set(re.findall(r"^(?:from|import) ([A-Za-z_]\w*)", text, re.MULTILINE))
    used |= set(re.findall(r"^ +\"([a-z_]+)[.\"]", text, re.MULTILINE))  # applications, middleware
    providers: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            providers.setdefault(normal(distribution), set()).add(module)
    unused = {name for name in asked_for("requirements.in") if not providers[name] & used}
    assert unused == FOUND_BY_OTHERS
