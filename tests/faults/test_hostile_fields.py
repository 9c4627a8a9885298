"""F-60: whatever people type into whatever field, no letter, statement or e-mail fetches it."""

import dataclasses
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import StreamObject

from dunning.delivery.mime import render_email
from dunning.delivery.pdf import render_letter, render_statement
from dunning.wording import Text, preset
from dunning.wording.notice import Notice, Purpose
from tests.notices import courtesy, credit, final_demand, for_purpose, line, notice, table

SECRET = b"the-content-of-a-file-of-the-server"

PAYLOADS = {
    "attached file": "<link rel=attachment href={url}>",
    "attachment link": "<a rel=attachment href={url}>x</a>",
    "stylesheet": "<link rel=stylesheet href={url}>",
    "import": "<style>@import url({url});</style>",
    "image": '"><img src={url}>',
    "font": "<style>@font-face{{font-family:x;src:url({url})}}*{{font-family:x}}</style>",
    "object": "<object data={url}></object>",
    "drawing in a drawing": (
        '<img src=\'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg"%3E'
        '%3Cimage href="{url}"/%3E%3C/svg%3E\'>'
    ),
    "style": "x; background: url({url})",
    "template": "{{% include '{url}' %}}{{{{ settings.SECRET_KEY }}}}",
}
"""The eight of the contract, and two that are no markup."""

CODES = frozenset(
    {
        "currency",
        "kind",
        "channel",
        "tone",
        "window",
        "country",
        "language",
        "legal_type",
        "purpose",
    }
)
"""Chosen from lists of ours, never typed."""


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that notes who calls."""
    calls: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Noting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/x", calls
    server.shutdown()


@pytest.fixture
def traps(listener: tuple[str, list[str]], tmp_path: Path) -> tuple[str, str]:
    """An address of the network and one of a file with a secret."""
    file = tmp_path / "s"
    file.write_bytes(SECRET)
    return listener[0], file.as_uri()


def filled(value: Any, payload: str) -> Any:
    """The same with that text in every field that people type."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value) if field.name not in CODES)
        return dataclasses.replace(
            value, **{name: filled(getattr(value, name), payload) for name in names}
        )
    if isinstance(value, tuple):
        return tuple(filled(each, payload) for each in value)
    return payload if isinstance(value, str) else value


def everything(payload: str) -> Notice:
    """A final demand with a line, a query and a credit; every word of it is the payload."""
    long = {"note": "n", "po_number": "p", "account": "a", "terms": "t"}
    rows = table(
        line("I", "100.00", **long), credit("C", "-10.00"), in_query=[line("Q", "5.00", **long)]
    )
    typed = filled(final_demand(rows, reference="r", preferences_link="l"), payload)
    # an address has lines of some millimetres: what does not fit is refused before it is drawn
    small = filled(final_demand().recipient.address, payload[:30])
    recipient = dataclasses.replace(typed.recipient, address=small)
    return dataclasses.replace(typed, recipient=recipient)


def bytes_within(document: bytes) -> bytes:
    """Every stream of a PDF, unpacked."""
    reader = PdfReader(BytesIO(document))
    assert dict(reader.attachments) == {}
    parts = [document]
    for number in range(1, int(str(reader.trailer["/Size"]))):
        found = reader.get_object(number)
        if isinstance(found, StreamObject):
            parts.append(found.get_data())
    return b"".join(parts)


class Fetched(HTMLParser):
    """Addresses that a reader of an e-mail would load by itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loads = {"src", "data", "background", "srcset", "poster"} | (
            {"href"} if tag in ("link", "image", "use") else set()
        )
        self.found += [value or "" for name, value in attrs if name in loads]
        self.found += [
            value for name, value in attrs if name == "style" and "url(" in (value or "")
        ]
        if tag in ("object", "iframe", "script", "base", "form"):
            self.found.append(tag)


def set_for(what: str, traps: tuple[str, str]) -> str:
    """The payload, once for the network and once for the file."""
    return " ".join(PAYLOADS[what].format(url=url) for url in traps)


def loaded(page: str, traps: tuple[str, str]) -> list[str]:
    return [found for found in Fetched(page).found if any(url in found for url in traps)]


@pytest.mark.parametrize("what", PAYLOADS)
def test_f60_no_field_of_a_letter_or_statement_fetches_anything(
    what: str, listener: tuple[str, list[str]], traps: tuple[str, str]
) -> None:
    told = everything(set_for(what, traps))
    assert SECRET not in bytes_within(render_letter(told))
    assert SECRET not in bytes_within(render_statement(told))
    assert listener[1] == []


@pytest.mark.parametrize("what", PAYLOADS)
def test_f60_no_field_of_an_email_has_its_reader_fetch_anything(
    what: str, traps: tuple[str, str]
) -> None:
    for purpose, tone in ((Purpose.REMINDER, "firm"), (Purpose.PROMISE, "friendly")):
        told = filled(for_purpose(purpose, tone, "email"), set_for(what, traps))
        content = render_email(told, preset(purpose, "email", tone), with_files=False)
        assert loaded(content.html, traps) == []
        assert "\n" not in content.subject


def test_f60_words_that_staff_edit_are_words(
    listener: tuple[str, list[str]], traps: tuple[str, str]
) -> None:
    """The linter refuses markup; were it saved all the same, it would be shown as it stands."""
    words = "\n\n".join(set_for(what, traps) for what in PAYLOADS if what != "template")
    body = f"{words}\n\n{{{{ invoice_table }}}}\n\n{{{{ deadline }}}}"
    text = Text(
        purpose=Purpose.REMINDER, channel="letter", tone="firm", subject=words[:200], body=body
    )
    assert SECRET not in bytes_within(render_letter(notice(channel="letter"), text=text))
    content = render_email(notice(), dataclasses.replace(text, channel="email"), with_files=False)
    assert loaded(content.html, traps) == []
    assert listener[1] == []


def test_the_trap_works(listener: tuple[str, list[str]]) -> None:
    """A page that loads is seen by the listener's eye, or these tests could not fail."""
    url, calls = listener
    assert Fetched(f"<p><img src={url}></p>").found == [url]
    assert Fetched(f"<p style='background: url({url})'>x</p>").found != []
    assert filled(courtesy(), "typed").recipient.address.city == "typed"
    assert calls == []
