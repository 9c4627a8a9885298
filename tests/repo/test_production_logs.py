"""What a production process writes to its log, seen in one of its own (D14, ASVS 16.2, 16.4.1)."""

import json
import textwrap
from functools import cache

from tests.repo.test_settings import PRODUCTION, run

SECRET, NAME = "hunter2", "Secretive Boats"
SCRIPT = f"""
    import logging, django
    django.setup()
    import structlog
    from celery.app import trace

    def broken():
        raise ValueError("{NAME} <pat@example.test> and {SECRET}")

    ours, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")
    try:
        broken()
    except ValueError as error:
        ours.exception("request_failed")
        theirs.exception("a library")
        try:
            raise KeyError("{SECRET}") from error
        except KeyError as second:
            about = {{"name": "send_some", "id": "1", "description": "raised unexpected",
                      "exc": repr(second), "traceback": "{SECRET}", "internal": False}}
            trace.logger.error(trace.LOG_FAILURE.strip(), about, exc_info=True)
    theirs.error("Not Found: %s", "/x\\r\\nERROR forged\\x1b[31m\\u2028red")
    ours.error("forged\\nline", why="a\\rb\\x9b")
"""


@cache
def written(*, as_json: bool) -> str:
    """What reaches the standard error of a process with production's variables."""
    asked = {"DJANGO_SETTINGS_MODULE": "arfollow.settings", "LOG_JSON": str(as_json).lower()}
    result = run("-c", textwrap.dedent(SCRIPT), **PRODUCTION, **asked)
    assert result.returncode == 0, result.stderr
    return result.stderr


def lines() -> list[dict[str, object]]:
    return [json.loads(line) for line in written(as_json=True).splitlines()]


def test_an_exception_is_told_by_kind_and_place_and_never_by_its_words() -> None:
    for as_json in (True, False):
        assert SECRET not in written(as_json=as_json)
        assert NAME not in written(as_json=as_json)
    for line in lines()[:2]:
        assert line["trouble"] == "ValueError"
        assert "broken" in line["where"][-1]  # type: ignore[index]


def test_a_task_that_fails_tells_the_kinds_of_its_failure() -> None:
    failed = lines()[2]
    assert failed["trouble"] == "KeyError < ValueError"
    assert "send_some" in str(failed["event"])


def test_nobody_writes_lines_or_colours_of_their_own_into_a_log() -> None:
    """CR, LF and terminal commands in what came from outside (CVE-2026-111211)."""
    assert len(lines()) == len(written(as_json=False).splitlines()) == 5
    for sign in ("\r", "\x1b", "\x9b", "\u2028"):
        assert sign not in written(as_json=False)
    assert r"\r\nERROR forged\x1b[31m" in str(lines()[3]["event"])
    assert lines()[4]["event"] == r"forged\nline"
