"""Mail servers that misbehave at a chosen point, on a port of their own."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

GREETING = "220 test ESMTP"
STEPS = ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA")


class SmtpHandler(socketserver.StreamRequestHandler):
    """Just enough SMTP; ``server.mode`` says where it goes wrong."""

    server: "FakeSmtp"

    def handle(self) -> None:
        mode = self.server.mode
        if not self._step("greeting", mode, GREETING):
            return
        while line := self.rfile.readline():
            word = line.decode("ascii", "replace").strip().upper()
            if not self._answer(word, mode):
                return

    def _answer(self, word: str, mode: str) -> bool:
        """False ends the connection."""
        step = next((step for step in STEPS if word.startswith(step)), "")
        if step == "RCPT":
            self.server.named.append(word)
        if step == "DATA":
            return self._step("DATA", mode, "354 go on") and self._text(mode)
        if word == "QUIT":
            self._say("221 bye")
            return False
        return self._step(step, mode, _extensions(mode) if step == "EHLO" else "250 ok")

    def _step(self, step: str, mode: str, usual: str) -> bool:
        if mode == f"drop at {step}":
            return False
        if mode == f"stall at {step}":
            self._wait(self.server.silence)
            return False
        if mode == f"slow at {step}":
            self._wait(self.server.silence)
        if mode.startswith(f"{step} "):  # "RCPT 550", or with the words that it says
            code, _, words = mode.removeprefix(f"{step} ").partition(" ")
            self._say(f"{code} {words or f'{step} refused'}")
            return code != "421"
        self._say(usual)
        return True

    def _wait(self, seconds: float) -> None:
        """As long as that, or until the test is over."""
        until = time.monotonic() + seconds
        while not self.server.stopping and time.monotonic() < until:
            time.sleep(0.02)

    def _text(self, mode: str) -> bool:
        if mode.startswith("DATA "):
            return True
        body = b""
        while (line := self.rfile.readline()) != b".\r\n":
            body += line
            if mode == "stall in text":
                self._wait(self.server.silence)
            if mode in ("drop in text", "stall in text") or not line:
                return False
        return self._after_text(mode, body)

    def _after_text(self, mode: str, body: bytes) -> bool:
        if mode.startswith("dot "):
            code = mode.split()[1]
            if code == "421":
                self.server.taken.append(body)
            self._say(f"{code} after the text")
            return code != "421"
        self.server.taken.append(body)
        if mode == "drop after text":
            return False
        if mode == "silent after text":
            self._wait(self.server.silence)
            return False
        self._say("250 queued")
        return mode != "drop after 250"

    def _say(self, line: str) -> None:
        with suppress(OSError):
            self.wfile.write(line.encode() + b"\r\n")


def _extensions(mode: str) -> str:
    """TLS and log-in are offered where the trouble is about them."""
    offered = [name for name in ("STARTTLS", "AUTH PLAIN") if name.split()[0] in mode]
    return "\r\n".join(["250-test", *(f"250-{name}" for name in offered), "250 8BITMIME"])


class FakeSmtp(socketserver.ThreadingTCPServer):
    """``taken`` are the texts it accepted, whatever it answered."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mode: str, silence: float = 3.0) -> None:
        super().__init__(("127.0.0.1", 0), SmtpHandler)
        self.mode, self.silence, self.stopping = mode, silence, False
        self.taken: list[bytes] = []
        self.named: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class ApiHandler(socketserver.StreamRequestHandler):
    """Just enough HTTP for one POST; ``server.mode`` says how it answers."""

    server: "FakeApi"

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            part = self.rfile.readline()
            if not part:
                return
            head += part
        if head.startswith(b"GET"):
            self._search(head.decode())
            return
        mode = self.server.mode
        if mode == "reset before":
            return
        body = self.rfile.read(_length(head))
        self.server.seen.append(body)
        if not _refuses(mode):
            self.server.taken.append(_message(body))
            self.server.heads.append(head.decode())
        self._answer(mode)

    def _answer(self, mode: str) -> None:
        if mode == "reset after":
            return
        if mode == "silence":
            time.sleep(self.server.silence)
            return
        if mode == "late":
            time.sleep(0.7)
            mode = "ok"
        if mode == "drip":
            self._drip()
            return
        if mode.startswith("redirect "):  # "redirect 307 http://…"
            _, status, place = mode.split()
            self.wfile.write(_http(f"{status} Moved", "", f"Location: {place}\r\n"))
            return
        raw = ANSWERS.get(mode) or _status(mode)
        self.wfile.write(raw)

    def _search(self, head: str) -> None:
        """Whoever asks what became of a message gets what the test has put into ``found``."""
        self.server.asked.append(head)
        mode = self.server.search
        if mode == "ok":
            self.wfile.write(_http("200 OK", json.dumps(self.server.found)))
        else:
            self._answer(mode)

    def _drip(self) -> None:
        try:
            for byte in ANSWERS["ok"]:
                if self.server.stopping:
                    return
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            return


def _message(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body))
    except ValueError:  # Mailgun is told in a form
        return {"form": body}


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _refuses(mode: str) -> bool:
    return mode[:3].isdigit() and mode != "500 after" or mode == "reset before"


def _http(status: str, body: str, extra: str = "") -> bytes:
    length = f"Content-Length: {len(body)}\r\nConnection: close\r\n{extra}"
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{length}\r\n{body}".encode()


def _status(mode: str) -> bytes:
    extra = "Retry-After: 7\r\n" if mode.startswith("429") else ""
    return _http(f"{mode.split()[0]} Told", '{"ErrorCode": 1, "Message": "no"}', extra)


TAKEN = json.dumps({"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "x@example.test"})
ANSWERS = {
    "ok": _http("200 OK", TAKEN),
    "resend ok": _http("200 OK", '{"id": "re-1"}'),
    "brevo ok": _http("201 Created", '{"messageId": "<br-1@smtp-relay.mailin.fr>"}'),
    "brevo double": _http(
        "400 Bad Request",
        '{"code": "duplicate_parameter", "message": "Duplicate idempotencyKey"}',
    ),
    "half status line": b"HTTP/1.1 20",
    "half body": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "html": _http("200 OK", "<html>welcome</html>"),
    "empty object": _http("200 OK", "{}"),
    "redirect": _http("307 Moved", "", "Location: http://127.0.0.1:9/\r\n"),
}


class FakeApi(socketserver.ThreadingTCPServer):
    """A Postmark-like API; ``taken`` are the messages it accepted, whatever it answered,
    ``seen`` all that were posted."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mode: str, silence: float = 5.0) -> None:
        super().__init__(("127.0.0.1", 0), ApiHandler)
        self.mode, self.silence, self.stopping = mode, silence, False
        self.taken: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.asked: list[str] = []
        self.search, self.found = "ok", dict[str, Any]()
        self.seen: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


@contextmanager
def running[Server: FakeSmtp | FakeApi](server: Server) -> Iterator[Server]:
    """Serve in the background until the end of the block; no delivery outlives it."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping = True
        server.shutdown()
        server.server_close()
        thread.join()
        for other in threading.enumerate():
            if other.name.startswith("delivery-"):
                other.join(timeout=10)
