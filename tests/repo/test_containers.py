"""The container files are well formed and every command and variable in them exists.

No engine is needed: the schema below is the part of the compose specification that we use, closed,
so that a key mistyped or misplaced is refused.
"""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from jsonschema import Draft202012Validator

from tests.repo.test_settings import COMPOSE_ONLY, setting, variables_read

ROOT = Path(settings.BASE_DIR)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("build")]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OF_PYTHON = {
    "PYTHONUNBUFFERED",
    "PIP_DISABLE_PIP_VERSION_CHECK",
}

TEXT = {"type": "string", "minLength": 1}
WORDS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
DURATION = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["image"]}, {"required": ["build"]}],
    "required": ["restart"],
    "properties": {
        "build": TEXT,
        "image": TEXT,
        "command": WORDS,
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "volumes": {"type": "array", "items": {"type": "string", "pattern": r"^[a-z]+:/"}},
        "ports": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"},
        },
        "stop_grace_period": DURATION,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["condition"],
                "additionalProperties": False,
                "properties": {
                    "condition": {
                        "enum": [
                            "service_started",
                            "service_healthy",
                            "service_completed_successfully",
                        ]
                    }
                },
            },
        },
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test", "interval", "timeout", "retries"],
            "properties": {
                "test": WORDS | {"contains": {"const": "CMD"}, "minContains": 1},
                "interval": DURATION,
                "timeout": DURATION,
                "start_period": DURATION,
                "retries": {"type": "integer", "minimum": 1},
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["services", "volumes"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "services": {"type": "object", "additionalProperties": SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
    },
}


def problems(document: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_the_compose_file_follows_the_schema() -> None:
    assert problems(COMPOSE) == []


def test_the_schema_refuses_a_mistyped_key() -> None:
    broken = {**COMPOSE, "services": {"web": {**SERVICES["web"], "enviroment": {}}}}
    assert problems(broken)


def test_all_five_parts_and_the_migration_are_there() -> None:
    assert set(SERVICES) == {"migrate", "web", "worker", "beat", "postgres", "redis"}


@pytest.mark.parametrize("name", ["web", "worker", "beat", "postgres", "redis"])
def test_every_part_that_stays_says_whether_it_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_workers_can_be_multiplied() -> None:
    assert not {"ports", "container_name"} & set(SERVICES["worker"])


def test_every_reference_leads_somewhere() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        mounted = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert mounted <= set(COMPOSE["volumes"])


def test_whoever_waits_for_health_waits_for_a_part_that_tells() -> None:
    for service in SERVICES.values():
        for other, rule in service.get("depends_on", {}).items():
            if rule["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_given_is_one_that_the_settings_read(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= variables_read()


def test_every_variable_asked_for_is_in_the_template() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    asked = set(re.findall(r"\$\{([A-Z_]+)", text))
    offered = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert asked <= offered
    assert asked >= COMPOSE_ONLY


@pytest.mark.parametrize("name", ["SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"])
def test_a_secret_has_no_default(name: str) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{" + name + r"([^}]*)\}", text)) == {":?"}


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_database_and_queue_are_not_published_and_keep_their_data(name: str) -> None:
    assert "ports" not in SERVICES[name]
    assert SERVICES[name]["volumes"]


def test_redis_forgets_nothing_and_asks_for_a_password() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    for option in ("--appendonly yes", "--maxmemory-policy noeviction", "--requirepass ${REDIS_"):
        assert option in command


def commands() -> list[list[str]]:
    found = [SERVICES[name]["command"] for name in OURS if "command" in SERVICES[name]]
    found += [
        SERVICES[name]["healthcheck"]["test"][1:]
        for name in OURS
        if "healthcheck" in SERVICES[name]
    ]
    for line in re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE):
        found.append(yaml.safe_load(line))
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_exists(command: list[str]) -> None:
    program, *rest = command
    place = str(Path(shutil.which("python") or "").parent)
    assert shutil.which(program) or (Path(settings.BASE_DIR) / ".venv/bin" / program).exists(), (
        place
    )
    if rest[:1] == ["manage.py"]:
        assert rest[1] in get_commands()


def test_the_image_runs_our_application_and_our_queue() -> None:
    assert settings.WSGI_APPLICATION.rpartition(".")[0] == "arfollow.wsgi"
    assert '"gunicorn", "arfollow.wsgi"' in DOCKERFILE
    for name in ("worker", "beat"):
        assert "--app=arfollow" in SERVICES[name]["command"]


def test_everything_the_image_copies_exists() -> None:
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        *sources, _ = [part for part in shlex.split(line) if not part.startswith("--")]
        for source in sources:
            assert (ROOT / source).exists(), source


def test_everything_the_program_needs_is_copied() -> None:
    copied = set(re.findall(r"^COPY (?:--\S+ )*(\S+)", DOCKERFILE, re.MULTILINE))
    assert copied >= {"arfollow", "customers", "invoices", "dunning", "templates", "static"}


def test_the_image_does_not_run_as_root() -> None:
    assert re.search(r"^USER arfollow$", DOCKERFILE, re.MULTILINE)


def test_every_variable_of_the_image_is_one_that_somebody_reads() -> None:
    lines = re.findall(r"^ENV (.+)$", DOCKERFILE, re.MULTILINE)
    given = {pair.partition("=")[0] for line in lines for pair in shlex.split(line)}
    assert given - OF_PYTHON <= variables_read()


def test_a_worker_may_finish_what_it_sends_before_it_is_killed() -> None:
    grace = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT


def test_the_addresses_given_are_read_as_postgresql_and_redis() -> None:
    given = {
        name: re.sub(r"\$\{[^}]+\}", "secret", SERVICES["web"]["environment"][name])
        for name in ("DATABASE_URL", "CELERY_BROKER_URL")
    }
    database = setting("DATABASES", **given)["default"]  # type: ignore[index]
    assert (database["HOST"], database["NAME"]) == ("postgres", "arfollow")
    assert setting("CELERY_BROKER_URL", **given) == "redis://:secret@redis:6379/0"
