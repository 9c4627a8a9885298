"""The process that looks into the scratch place: it has nothing else, and no way to anybody."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from django.conf import settings

from dunning.management.backup.findings import BAD_INPUT, BREACH, Finding, Unusable
from dunning.management.backup.scratch import Scratch
from dunning.management.backup.surroundings import handed_on


def asked(scratch: Scratch, media: str) -> Generator[Finding]:
    """The findings of a process that has nothing but the scratch place."""
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "backup_verify"]
    command += ["--inside", "--no-color", f"--media={Path(media).resolve() if media else ''}"]
    errors = scratch.place / "errors"
    with (
        errors.open("w+") as said,
        subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=surroundings(scratch), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
        ) as child,
    ):  # fmt: skip
        try:
            yield from (Finding(**json.loads(line)) for line in child.stdout or ())
            code = child.wait()
        finally:
            child.kill()
    if code:
        lines = errors.read_text(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), f"status {code}")
        if code == BAD_INPUT:
            raise Unusable(last.removeprefix("CommandError: "))
        yield Finding("looking", BREACH, f"the process that looked ended: {last}")


def surroundings(scratch: Scratch) -> dict[str, str]:
    """Our settings, but its database, its own empty directory, and no way to anybody."""
    mine = {
        "DATABASE_URL": scratch.url,
        "VAR_DIR": str(scratch.place / "var"),
        "MEDIA_ROOT": str(scratch.place / "media"),
        "MAIL_URL": f"file://{scratch.place / 'var' / 'mail'}",
        "CELERY_BROKER_URL": "filesystem://",
        "LOG_LEVEL": "CRITICAL",
        "ENV_FILE": "/dev/null",  # what stood in ours has been read into the environment
    }
    return handed_on(mine)
