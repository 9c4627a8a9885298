"""Mail servers and provider APIs that misbehave (F-32 to F-36, DELIVERY section 2.3)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arfollow.shared.mailurl import mailer_from_url
from tests.faults.harness.oracle import judge, nobody_forgotten
from tests.faults.harness.processes import fork
from tests.faults.harness.results import Result
from tests.faults.harness.sending import LEASE, recover, send
from tests.faults.harness.world import ROOT, World

NOBODY = 9  # the port of "discard": nobody listens there
QUARTER = 16


@dataclass(frozen=True, slots=True)
class Trouble:
    """How the other side behaves; ``doubt`` where nobody can know, ``final`` where it is a no."""

    name: str
    order: dict[str, Any]
    doubt: bool = False
    final: bool = False


def _at(phase: str, deed: str, **more: Any) -> dict[str, Any]:
    return {"at": phase, "do": deed} | more


SMTP = (
    Trouble("nobody listens", {}),
    Trouble("hangs up at the greeting", _at("connect", "drop")),
    Trouble("greets with 421", _at("connect", "say 421 too busy")),
    Trouble("stalls at the greeting", _at("connect", "stall", seconds=3)),
    Trouble("stalls at MAIL", _at("MAIL", "stall", seconds=3)),
    Trouble("stalls at RCPT", _at("RCPT", "stall", seconds=3)),
    Trouble("wakes up at RCPT after the deadline", _at("RCPT", "wait", seconds=2)),
    Trouble("stalls at DATA", _at("DATA", "stall", seconds=3)),
    Trouble("451 to MAIL", _at("MAIL", "say 451 later")),
    Trouble("450 to RCPT", _at("RCPT", "say 450 greylisted")),
    Trouble("550 to RCPT", _at("RCPT", "say 550 5.1.1 no such user"), final=True),
    Trouble("hangs up after RCPT", _at("RCPT", "drop")),
    Trouble("hangs up at DATA", _at("DATA", "drop")),
    Trouble("554 to DATA", _at("DATA", "say 554 no"), final=True),
    Trouble("hangs up in the text", _at("half", "drop"), doubt=True),
    Trouble("stalls in the text", _at("half", "stall", seconds=3), doubt=True),
    Trouble("451 after the text", _at("dot", "say 451 later")),
    Trouble("554 after the text", _at("dot", "say 554 no"), final=True),
    Trouble("421 after the text", _at("dot", "say 421 closing"), doubt=True),
    Trouble("takes the text and hangs up", _at("dot", "drop"), doubt=True),
    Trouble("takes the text and stalls", _at("dot", "stall", seconds=3), doubt=True),
    Trouble("answers 250 and hangs up", _at("answer", "drop")),
)
API = (
    Trouble("429 with Retry-After", {"mode": "429"}),
    Trouble("401, our key is refused", {"mode": "401"}),
    Trouble("422", {"mode": "422"}, final=True),
    Trouble("500, not taken", {"mode": "500"}, doubt=True),
    Trouble("500, taken all the same", {"mode": "500 after"}, doubt=True),
    Trouble("503", {"mode": "503"}, doubt=True),
    Trouble("silence until the deadline", {"mode": "silence"}, doubt=True),
    Trouble("drips its answer", {"mode": "drip"}, doubt=True),
    Trouble("half a status line", {"mode": "half status line"}, doubt=True),
    Trouble("half a body", {"mode": "half body"}, doubt=True),
    Trouble("200 with a web page", {"mode": "html"}, doubt=True),
    Trouble("200 with an empty object", {"mode": "empty object"}, doubt=True),
    Trouble("redirects elsewhere", {"mode": "redirect"}, doubt=True),
    Trouble("resets before it read", {"mode": "reset before"}, doubt=True),
    Trouble("resets after it read", {"mode": "reset after"}, doubt=True),
)


def smtp(world: World, trouble: Trouble, tries: int) -> Result:
    """A pass against the trouble, then passes when it is over."""
    world.reset()
    wanted = [customer.pk for customer in world.people(tries)]
    world.plan()
    mailers = world.sink.mailers
    if not trouble.order:
        mailers = {"default": mailer_from_url(f"smtp://127.0.0.1:{NOBODY}")}
    with world.sink.ordered(**(trouble.order or {"at": "nothing"})):
        _pass(mailers)
    recover(world, step=QUARTER)
    return _judged(world, trouble, wanted, "SMTP")


def _pass(mailers: dict[str, Any]) -> None:
    fork(send, MAILERS=mailers, SEND_LEASE_SECONDS=20, SEND_DEADLINE_SECONDS=1).wait()


def _judged(world: World, trouble: Trouble, wanted: list[int], variant: str) -> Result:
    found = judge(world, most_unknown=len(wanted) if trouble.doubt else 0)
    if not trouble.final:
        nobody_forgotten(found, world, wanted)
    kind = "mail server" if variant == "SMTP" else "provider"
    return Result(f"{kind}: {trouble.name}", "", variant, len(wanted), found)


def api(world: World, trouble: Trouble, tries: int) -> Result:
    """The same against a provider's API."""
    world.reset()
    wanted = [customer.pk for customer in world.people(tries)]
    world.plan()
    with _provider(world) as (mailers, place):
        (place / "mode").write_text(str(trouble.order["mode"]))
        _pass(mailers)
        (place / "mode").unlink()
        recover(world, step=QUARTER, MAILERS=mailers, SEND_LEASE_SECONDS=LEASE)
    return _judged(world, trouble, wanted, "API")


@contextmanager
def _provider(world: World) -> Iterator[tuple[dict[str, Any], Path]]:
    """A Postmark that is not Postmark."""
    place = world.place / f"api-{time.monotonic_ns()}"
    place.mkdir()
    log = world.sink.place / "log"
    words = [sys.executable, "-m", "tests.faults.harness.api", str(place), str(log)]
    process = subprocess.Popen(words, cwd=ROOT)
    try:
        while not (place / "port").exists():
            time.sleep(0.02)
        port = (place / "port").read_text()
        url = f"postmark://token@?api_url=http://127.0.0.1:{port}/"
        yield {"default": mailer_from_url(url)}, place
    finally:
        process.kill()
        process.wait()
