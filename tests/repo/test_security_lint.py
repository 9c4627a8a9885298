"""Rules about dangerous calls, each shown on a planted example first (D14, DELIVERY sections 5, 7).

Ruff's S rules (bandit's) run beside these; what they know is not repeated here.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from tests.repo.test_code_shape import ROOT, TEMPLATES, calls, trees

type Finder = Callable[[ast.AST], Iterator[str]]

# The only ways out of this program (ASVS 13.2.4): the mail provider's API and the mail server.
MAY_TALK = {
    "dunning/delivery/provider.py",
    "dunning/delivery/fenced.py",
    "dunning/delivery/lookup.py",
    "dunning/delivery/smtp.py",
}
TALKING = {"requests", "httpx", "urllib.request", "urllib3", "http.client", "smtplib", "ftplib",
           "aiohttp", "telnetlib", "imaplib", "poplib", "xmlrpc"}  # fmt: skip
# A host's own name, and a pair of sockets to our own child process.
LOCAL_SOCKETS = {"dunning/dispatch/sender.py", "dunning/delivery/press.py"}
SPREADSHEETS = {"arfollow/shared/workbook.py"}  # they know no zones
ASKS_NO_LOG_IN = {"arfollow/alarms.py", "arfollow/health.py"}
ASKS_NO_ROLE = {
    "arfollow/staff/permissions.py", "arfollow/staff/views.py", "arfollow/staff/devices.py",
}  # fmt: skip
SCHEMAS = {"arfollow/shared/upgrading.py"}  # quoted names of our own models, in migrations only


def names_called(*wanted: str) -> Finder:
    def find(tree: ast.AST) -> Iterator[str]:
        return (name for name, _ in calls(tree) if name.split(".")[-1] in wanted)

    return find


def keyword_given(name: str, *, value: object = ...) -> Finder:
    """A call with this keyword (and value)."""

    def find(tree: ast.AST) -> Iterator[str]:
        for called, node in calls(tree):
            for given in node.keywords:
                same = isinstance(given.value, ast.Constant) and given.value.value == value
                if given.arg == name and (value is ... or same):
                    yield f"{called}({name}=…)"

    return find


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of(*modules: str) -> Finder:
    def find(tree: ast.AST) -> Iterator[str]:
        return (n for n in imported(tree) if any(f"{n}.".startswith(f"{m}.") for m in modules))

    return find


def without_timeout(tree: ast.AST) -> Iterator[str]:
    """A call of requests or smtplib that may wait for ever."""
    direct = {"get", "post", "put", "patch", "delete", "head", "request"}
    for called, node in calls(tree):
        module, _, name = called.rpartition(".")
        waits = (module == "requests" and name in direct) or name in {"SMTP", "SMTP_SSL", "urlopen"}
        if waits and not any(given.arg == "timeout" for given in node.keywords):
            yield called


def float_of_money(tree: ast.AST) -> Iterator[str]:
    """A float column, or Decimal made of a float."""
    for called, node in calls(tree):
        if called.split(".")[-1] == "FloatField":
            yield called
        first = node.args[0] if node.args else None
        if called == "Decimal" and isinstance(first, ast.Constant):
            if isinstance(first.value, float):
                yield f"Decimal({first.value})"
        elif called == "Decimal" and ast.unparse(first or node).startswith("float("):
            yield "Decimal(float(…))"


def naive_datetime(tree: ast.AST) -> Iterator[str]:
    for called, node in calls(tree):
        zoned = len(node.args) > 7 or any(k.arg in {"tzinfo", "tz"} for k in node.keywords)
        if called in {"datetime", "datetime.datetime", "dt.datetime"} and not zoned:
            yield ast.unparse(node)[:60]


def raw_query(tree: ast.AST) -> Iterator[str]:
    for called, node in calls(tree):
        if re.search(r"\b(objects|filter\(.*\)|all\(\)|rows|queryset)\.(raw|extra)$", called):
            yield called
        first = node.args[0] if node.args else None
        runs = called.endswith((".execute", ".executemany"))
        if runs and isinstance(first, ast.JoinedStr | ast.BinOp):
            yield f"{called}(text put together)"


def editable_keys(tree: ast.AST) -> Iterator[str]:
    """Model formsets take the key of a row from the form (CVE-2026-87975)."""
    return names_called("modelformset_factory", "inlineformset_factory")(tree)


RULES: dict[str, tuple[Finder, str, set[str]]] = {
    # rule: (what finds it, an example, where it is allowed)
    "no answer waits for ever": (without_timeout, "requests.get('https://x')", set()),
    "only delivery talks to others": (imports_of(*TALKING), "import requests", MAY_TALK),
    "sockets are ours alone": (imports_of("socket"), "import socket", LOCAL_SOCKETS),
    "redirects are not followed": (
        keyword_given("allow_redirects", value=True), "s.get(x, allow_redirects=True)", set(),
    ),
    "certificates are checked": (
        keyword_given("verify", value=False), "s.get(x, verify=False)", set(),
    ),
    "no failure is silent": (keyword_given("fail_silently"), "m.send(fail_silently=True)", set()),
    "no hints from markup": (
        keyword_given("presentational_hints"), "w(presentational_hints=True)", set(),
    ),
    "nothing is unpickled": (
        imports_of("pickle", "marshal", "shelve", "dill"), "import pickle", set(),
    ),
    "no weak digest": (names_called("md5", "sha1"), "hashlib.md5(b'')", set()),
    "nothing goes through a shell": (
        lambda tree: (n for f in (keyword_given("shell"), names_called("system", "popen"))
                      for n in f(tree)), "subprocess.run('x', shell=True)", set(),
    ),
    "no form asks for all fields": (
        lambda tree: (n.value for n in ast.walk(tree)
                      if isinstance(n, ast.Constant) and n.value == "__all__"),
        "fields = '__all__'", set(),
    ),
    "no key of a row comes from a form": (editable_keys, "modelformset_factory(X)", set()),
    "no query is put together": (raw_query, "c.execute(f'SELECT {x}')", SCHEMAS),
    "money is no float": (float_of_money, "Decimal(0.1)", set()),
    "every moment has its zone": (naive_datetime, "datetime(2026, 1, 1)", SPREADSHEETS),
    "no call goes without a CSRF check": (
        imports_of("django.views.decorators.csrf"),
        "from django.views.decorators.csrf import csrf_exempt", set(),
    ),
    "the open doors are known": (
        imports_of("django.contrib.auth.decorators.login_not_required"),
        "from django.contrib.auth.decorators import login_not_required", ASKS_NO_LOG_IN,
    ),
    "what needs no role is known": (names_called("open_to_all"), "open_to_all(x)", ASKS_NO_ROLE),
}  # fmt: skip


@cache
def ours() -> list[tuple[str, ast.AST]]:
    return list(trees())


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_finds_its_example(rule: str) -> None:
    find, example, _ = RULES[rule]
    assert list(find(ast.parse(example)))


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_holds(rule: str) -> None:
    find, _, allowed = RULES[rule]
    found = {place: list(find(tree)) for place, tree in ours()}
    assert {place: what for place, what in found.items() if what and place not in allowed} == {}


def test_no_template_shortens_html() -> None:
    """truncatechars_html and truncatewords_html can be made to work for minutes (CVE-2026-1285)."""
    found = [p.name for p in TEMPLATES if re.search(r"truncate\w+_html", p.read_text("utf-8"))]
    assert found == []


def test_the_linter_looks_for_what_bandit_finds() -> None:
    """Ruff's S family is bandit's; nothing of it is switched off for the product but S603."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert {"S", "DTZ", "BLE"} <= set(ruff["select"])
    assert {rule for rule in ruff["ignore"] if rule.startswith("S")} == {"S603"}
    for place, rules in ruff["per-file-ignores"].items():
        for rule in (r for r in rules if re.fullmatch(r"S\d*", r)):
            assert rule == "S311" or place.startswith("tests"), f"{place}: {rule}"


# --- secrets ------------------------------------------------------------------------------------

SECRET = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY"),
    "key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "token of a forge": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|glpat-[\w-]{20})\b"),
    "token of a chat": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "key of a provider": re.compile(
        r"\b(?:SG\.[\w-]{16,}\.[\w-]{16,}|re_[A-Za-z0-9]{20,}|xkeysib-[a-f0-9]{32,}|"
        r"key-[0-9a-f]{32}|sk_live_[A-Za-z0-9]{16,})"
    ),
    "password in an address": re.compile(
        r"\b(?:postgres|redis|smtp|smtps|https?)://[^\s:/@\"']+:(?P<word>[^\s@/\"'{}$<>]{12,})@"
    ),
}
EXAMPLES = {
    "private key": "-----BEGIN " + "PRIVATE KEY-----",
    "key of a cloud": "AKIA" + "ABCDEFGHIJKLMNOP",
    "token of a forge": "ghp_" + "a" * 36,
    "token of a chat": "xoxb-" + "1234567890-abc",
    "key of a provider": "key-" + "0" * 32,
    "password in an address": "postgres://arfollow:" + "Zx81kkQ9vvLmNp" + "@db/x",
}


@pytest.mark.parametrize("kind", SECRET)
def test_a_secret_of_this_kind_would_be_found(kind: str) -> None:
    assert SECRET[kind].search(EXAMPLES[kind])


def kept_files() -> list[Path]:
    """What is in the repository; outside of one, everything that is not made by running it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607  # the developer's own git
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    made = {".venv", "var", ".git"}
    return [p for p in ROOT.rglob("*") if p.is_file() and not made & set(p.parts)]


def test_no_file_of_the_repository_holds_a_secret() -> None:
    """ASVS 13.3.1."""
    found = []
    for path in kept_files():
        if path.suffix in {".png", ".pdf", ".woff2", ".ico"} or not path.is_file():
            continue
        text = path.read_text("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {k}" for k, p in SECRET.items() if p.search(text)]
    assert found == []
