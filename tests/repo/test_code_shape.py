"""Rules about the code that no linter of ours knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

ROOT = Path(settings.BASE_DIR)
OURS = ("arfollow", "customers", "invoices", "dunning")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# A letter, a statement and an e-mail carry their own style: no browser of ours shows them.
WITH_OWN_STYLE = {"letter", "statement", "email"}


def sources() -> Iterator[Path]:
    for app in OURS:
        yield from (p for p in (ROOT / app).rglob("*.py") if "migrations" not in p.parts)


def trees() -> Iterator[tuple[str, ast.AST]]:
    for path in sources():
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def page_templates() -> list[Path]:
    return [p for p in TEMPLATES if not WITH_OWN_STYLE & set(p.relative_to(ROOT).parts)]


def test_there_is_something_to_look_at() -> None:
    assert len(list(sources())) > 30
    assert page_templates()


def test_no_page_carries_script_or_style_inline() -> None:
    """The content security policy would stop it in the browser; better here."""
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>\s*\S"
        r"|<style\b|\sstyle=|\son[a-z]+=|javascript:",
        re.IGNORECASE,
    )
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in page_templates()
        for match in inline.finditer(path.read_text())
    }
    assert found == set()


def test_no_template_marks_text_as_safe() -> None:
    pattern = re.compile(r"\|\s*safe\b|{%\s*autoescape\s+off")
    places = {p for p in page_templates() if pattern.search(p.read_text())}
    assert {str(p.relative_to(ROOT)) for p in places} == set()


def test_a_form_names_its_fields() -> None:
    """``fields = "__all__"`` lets a field in the day it is added to the model."""
    found = [
        place
        for place, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and node.value == "__all__"
        # the name of a module's list of exports is not a value of fields
        and not place.endswith("__init__.py")
    ]
    assert found == []


def test_text_of_users_is_never_a_django_template() -> None:
    """Django's engine reaches methods and passwords; user text is Liquid over plain mappings."""
    forbidden = {"Template", "template.Template", "engines.from_string", "from_string"}
    found = []
    for place, tree in trees():
        liquid = "from liquid" in (ROOT / place).read_text()
        found += [
            f"{place}: {name}"
            for name, _ in calls(tree)
            if name in forbidden or (name.endswith(".from_string") and not liquid)
        ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("mark_safe", {"arfollow/charts.py"}),  # an XML writer escaped every part of it
        ("eval", set()),
        ("exec", set()),
        ("RawSQL", set()),
    ],
)
def test_nothing_else_of_ours_calls(name: str, allowed: set[str]) -> None:
    found = {
        place
        for place, tree in trees()
        for called, _ in calls(tree)
        if called.split(".")[-1] == name
    }
    assert found <= allowed


def test_no_query_is_raw_and_nothing_goes_through_a_shell() -> None:
    found = [
        f"{place}: {called}"
        for place, tree in trees()
        for called, node in calls(tree)
        if re.search(r"\bobjects\.(raw|extra)$", called)
        or any(k.arg == "shell" for k in node.keywords)
    ]
    assert found == []


def test_money_is_never_a_float() -> None:
    fields = [
        f"{model.__name__}.{field.name}"
        for app in ("customers", "invoices", "dunning", "staff", "shared")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
        if field.get_internal_type() == "FloatField"
    ]
    assert fields == []


def test_only_the_clock_asks_the_time() -> None:
    """Rules are given their dates; one module knows what day it is."""
    asking = {"now", "today", "utcnow", "localdate", "localtime"}
    found = [
        f"{place}: {called}"
        for place, tree in trees()
        for called, node in calls(tree)
        if called.split(".")[-1] in asking
        and not node.args  # localtime(moment) turns a moment, it does not ask for one
        and called.split(".")[0] in {"datetime", "date", "timezone", "dt"}
        and place != "arfollow/shared/clock.py"
    ]
    assert found == []


def test_every_change_of_a_migration_has_a_name() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    ours = [name for app, name in loader.disk_migrations if app in {*OURS, "staff", "shared"}]
    assert ours
    assert [name for name in ours if re.search(r"_auto_|^\d+_initial$", name)] == []


def test_no_page_is_kept_in_a_cache() -> None:
    """Cached pages of logged-in people end up with others."""
    found = [
        p for p in sources() if re.search(r"\bcache_page\b|UpdateCacheMiddleware", p.read_text())
    ]
    assert found == []


def test_at_most_one_signal_receiver() -> None:
    """Signals as wiring hide who does what; the mail provider's events are the exception."""
    found = [
        p for p in sources() if re.search(r"^@receiver\b|\w_\w+\.connect\(", p.read_text(), re.M)
    ]
    assert len(found) <= 1


def test_no_trace_of_a_machine_or_of_unfinished_work() -> None:
    words = ["/" + "root/", "/" + "work/", "TO" + "DO", "FIX" + "ME", "coming " + "soon"]
    places = [*sources(), *TEMPLATES, *(ROOT / "bin").iterdir(), *(ROOT / "docs").glob("*.md")]
    found = [f"{p.relative_to(ROOT)}: {w}" for p in places for w in words if w in p.read_text()]
    assert found == []
