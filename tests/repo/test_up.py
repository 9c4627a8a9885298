"""One terminal for everything that runs: started together, raised when fallen, stopped in order."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.base import CommandError

from dunning.management.commands import up

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True);"
    "time.sleep(60)",
]


def wait_for(condition: object, *, seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def sleeper() -> Iterator[up.Child]:
    child = up.Child("sleeper", SLEEPER)
    child.start()
    yield child
    assert child.process
    child.process.kill()
    child.process.wait()


def test_web_worker_and_beat_are_started() -> None:
    names = [child.name for child in up.children(bind="127.0.0.1:8000", concurrency=2)]
    assert names == ["web", "worker", "beat"]


def test_a_child_that_runs_has_not_fallen(sleeper: up.Child) -> None:
    assert not sleeper.fallen()


def test_a_child_that_ended_has_fallen_and_its_falls_are_counted(sleeper: up.Child) -> None:
    assert sleeper.process
    sleeper.process.kill()
    sleeper.process.wait()
    assert sleeper.fallen()
    assert sleeper.falls == 1


def test_a_child_that_stood_long_enough_starts_counting_anew(sleeper: up.Child) -> None:
    assert sleeper.process
    sleeper.process.kill()
    sleeper.process.wait()
    sleeper.falls, sleeper.started = 3, time.monotonic() - up.STANDS_AFTER_SECONDS - 1
    assert sleeper.fallen()
    assert sleeper.falls == 1


def test_a_child_that_does_not_stay_up_ends_the_whole() -> None:
    child = up.Child("web", SLEEPER, falls=up.MAX_FALLS)
    with pytest.raises(CommandError, match="web does not stay up"):
        up.Command()._raise_again(child)


def test_everyone_is_asked_to_stop(sleeper: up.Child) -> None:
    up.stop_all([sleeper])
    assert sleeper.process
    assert sleeper.process.returncode == -signal.SIGTERM


def test_whoever_does_not_stop_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "GRACE_SECONDS", 0.2)
    stubborn = up.Child("stubborn", STUBBORN)
    stubborn.process = subprocess.Popen(STUBBORN, stdout=subprocess.PIPE)
    assert stubborn.process.stdout
    stubborn.process.stdout.readline()  # it ignores SIGTERM from here on
    up.stop_all([stubborn])
    stubborn.process.stdout.close()
    assert stubborn.process.returncode == -signal.SIGKILL


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.sqlite
def test_it_comes_up_serves_and_ctrl_c_leaves_nobody_behind(tmp_path: Path) -> None:
    variables = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(tmp_path),
        "LOG_LEVEL": "WARNING",
    }
    manage = [sys.executable, "manage.py"]
    port = free_port()
    place = settings.BASE_DIR
    subprocess.run([*manage, "migrate", "-v", "0"], env=variables, cwd=place, check=True)
    process = subprocess.Popen(
        [*manage, "up", "--bind", f"127.0.0.1:{port}", "--concurrency", "1"],
        env=variables,
        cwd=place,
        stderr=subprocess.DEVNULL,
    )
    family: list[int] = []
    try:
        assert wait_for(lambda: answers(f"http://127.0.0.1:{port}/livez"))
        family = children_of(process.pid)
        assert len(family) == 3
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0
        assert [pid for pid in family if running(pid)] == []
    finally:
        process.kill()
        for pid in filter(running, family):
            os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("no /proc on this machine to look into")
    return [int(part) for part in listed.read_text().split()]


def running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
