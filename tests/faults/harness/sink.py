"""A mail server as its own process: writes down every message by its phases, and does harm.

    python -m tests.faults.harness.sink DIRECTORY

``DIRECTORY/port`` says where it listens. ``DIRECTORY/orders`` is read at every phase:
``{"at": "RCPT", "nth": 2, "do": "kill"}`` ends the process at the other end of the connection
with SIGKILL when the second RCPT arrives. ``DIRECTORY/log`` holds one JSON object a line;
what is *taken* there has been accepted, whatever was answered.
"""

import json
import os
import signal
import socketserver
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

PHASES = ("connect", "MAIL", "RCPT", "DATA", "half", "dot", "answer")
HALF = 2_000
REFUSALS = ("say 45", "say 5")
GO, SAID, END = "go", "said", "end"


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    server: "Sink"

    def handle(self) -> None:
        if self._phase("connect") != GO:
            return
        self._say("220 sink ESMTP")
        while line := self.rfile.readline():
            word = line.decode("ascii", "replace").strip().upper()
            if self._answer(word) == END:
                return

    def _answer(self, word: str) -> str:
        verb = word[:4]
        if verb in ("MAIL", "RCPT"):
            return self._step(verb, "250 ok")
        if verb == "DATA":
            turn = self._step("DATA", "354 go on")
            return self._text() if turn == GO else turn
        if verb == "EHLO":
            self._say("250-sink")
        self._say("221 bye" if verb == "QUIT" else "250 ok")
        return END if verb == "QUIT" else GO

    def _step(self, phase: str, usual: str) -> str:
        turn = self._phase(phase)
        if turn == GO:
            self._say(usual)
        return turn

    def _text(self) -> str:
        body, halved = b"", False
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return END
            body += line
            if len(body) > HALF and not halved:
                halved = True
                if self._phase("half") == END:
                    return END
        return self._take(body)

    def _take(self, body: bytes) -> str:
        """What was refused clearly is not ours; anything else is, whatever we answer."""
        order = self.server.order("dot")
        refused = str(order.get("do", "")).startswith(REFUSALS)
        self.server.note("refused" if refused else "taken", body)
        turn = self._carry_out(order)
        if turn == GO:
            self._say("250 queued")
            turn = self._phase("answer")
        return turn

    def _phase(self, name: str) -> str:
        return self._carry_out(self.server.order(name))

    def _carry_out(self, order: dict[str, Any]) -> str:
        """GO on as usual, SAID something else instead, or END the connection."""
        deed = str(order.get("do", ""))
        if deed == "kill":
            ours = self.connection.getsockname()[1]
            os.kill(peer_of(self.client_address[1], ours), signal.SIGKILL)
            (self.server.place / "killed").write_text("1")
        elif deed.startswith("say "):
            self._say(deed[4:])
            return END if deed.startswith("say 421") else SAID
        elif deed in ("stall", "wait"):
            time.sleep(float(order["seconds"]))
            return END if deed == "stall" else GO
        return END if deed else GO

    def _say(self, line: str) -> None:
        with suppress(OSError):
            self.wfile.write(line.encode() + b"\r\n")


class Sink(socketserver.ThreadingTCPServer):
    """The server; everything it knows is in its directory."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, place: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.place, self.lock = place, threading.Lock()
        self.passed: Counter[str] = Counter()
        self.orders_seen = ""

    def order(self, phase: str) -> dict[str, Any]:
        """What is ordered for this phase, if it is this one's turn."""
        with self.lock:
            text = self._orders()
            self.passed[phase] += 1
            order: dict[str, Any] = json.loads(text) if text else {}
            if order.get("at") != phase:
                return {}
            wanted = order.get("nth")
            return order if wanted in (None, self.passed[phase]) else {}

    def _orders(self) -> str:
        try:
            text = (self.place / "orders").read_text()
        except FileNotFoundError:
            text = ""
        if text != self.orders_seen:
            self.orders_seen = text
            self.passed.clear()
        return text

    def note(self, what: str, body: bytes) -> None:
        """One line of the log."""
        with self.lock, (self.place / "log").open("a") as log:
            log.write(json.dumps(line_of(what, body)) + "\n")


def line_of(what: str, body: bytes) -> dict[str, Any]:
    """A message as the log has it."""
    head = message_from_bytes(body, policy=policy.default)
    own = str(head["Message-ID"]).strip()
    return {"what": what, "at": time.time(), "id": own, "to": str(head["To"])}


def peer_of(port: int, ours: int) -> int:
    """The process that holds the other end of a connection on this machine (Linux).

    Both ports are compared: a closed connection to another server may still hold the same one.
    """
    wanted = [f"0100007F:{port:04X}", f"0100007F:{ours:04X}"]
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in rows if row[1:3] == wanted)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _holds(entry, inode):
            return int(entry.name)
    raise LookupError(f"nobody holds port {port}")


def _holds(entry: Path, inode: str) -> bool:
    try:
        links = list((entry / "fd").iterdir())
    except OSError:  # it is gone, or not ours
        return False
    return any(_target(link) == f"socket:[{inode}]" for link in links)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed since
        return ""


def main() -> None:
    """Serve until somebody ends the process."""
    place = Path(sys.argv[1])
    with Sink(place) as sink:
        draft = place / "port.part"
        draft.write_text(str(sink.server_address[1]))
        draft.rename(place / "port")
        sink.serve_forever(poll_interval=0.5)


if __name__ == "__main__":
    main()
