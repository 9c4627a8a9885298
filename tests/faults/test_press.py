"""PDFs are made in a child that can be killed: what is too heavy fails for certain (D13)."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO

import pytest
from pypdf import PdfReader, PdfWriter

from dunning.delivery.pdf import merge, page_count, pages_of_theirs, render_letter
from dunning.delivery.pressing import PRESS, ForeignAsset, PdfNotMade, Press
from tests.notices import final_demand

PDF = {"do": "pdf", "sheets": ["letter.css"], "styles": []}


def page(body: str, style: str = "") -> list[bytes]:
    head = f"<!doctype html><html lang=en><title>x</title><style>{style}</style>"
    return [f"{head}<body>{body}".encode()]


HOSTILE = {
    "a page as narrow as a letter": page("word " * 60_000, "@page { size: 1cm 1cm; margin: 0 }"),
    "a grid of a hundred columns": page(
        "<div class=g>" + "<p>x</p>" * 6_000 + "</div>",
        ".g { display: grid; grid-template-columns: repeat(100, auto) }",
    ),
    "boxes in boxes": page("<div>" * 3_000 + "x" + "</div>" * 3_000),
    "a table as wide as a year": page(
        "<table>" + ("<tr>" + "<td>x</td>" * 3_000 + "</tr>") * 3 + "</table>"
    ),
    "sixty columns of a newspaper": page(
        "<div style='columns: 60'>" + "<p>words and words</p>" * 8_000 + "</div>"
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_f61_a_hostile_layout_is_stopped_and_said_so(what: str) -> None:
    began = time.monotonic()
    with pytest.raises(PdfNotMade, match="it took too|nested too deeply"):
        PRESS.run(PDF, HOSTILE[what], cpu=2, seconds=15)
    assert time.monotonic() - began < 20


def test_after_a_job_that_was_stopped_the_next_letter_is_made() -> None:
    with pytest.raises(PdfNotMade):
        PRESS.run(PDF, HOSTILE["a page as narrow as a letter"], cpu=1)
    assert page_count(render_letter(final_demand())) >= 1


def test_a_job_that_sleeps_is_stopped_by_the_clock_on_the_wall() -> None:
    with pytest.raises(PdfNotMade, match="took too long"):
        PRESS.run(PDF, HOSTILE["a page as narrow as a letter"], cpu=60, seconds=1)


def test_f47_memory_is_bounded_for_each_job() -> None:
    with pytest.raises(PdfNotMade, match="memory|stopped|too"):
        PRESS.run(PDF, page("w" * 20_000_000), megabytes=300, cpu=20)
    assert page_count(render_letter(final_demand())) >= 1


@contextmanager
def crashing(press: Press, number: int, times: int) -> Iterator[list[int]]:
    """So many jobs of that press get the signal as soon as they run; the jobs that did."""
    assert press._process is not None
    children = f"/proc/{press._process.pid}/task/{press._process.pid}/children"
    hit: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set() and len(hit) < times:
            with open(children, encoding="ascii") as file:
                fresh = [int(pid) for pid in file.read().split() if int(pid) not in hit]
            for pid in fresh:
                os.kill(pid, number)
                hit.append(pid)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield hit
    over.set()
    watcher.join()


@pytest.fixture
def press() -> Iterator[Press]:
    """One of our own that is warm."""
    mine = Press()
    mine.run(PDF, page("warm"))
    yield mine
    mine.close()


LONG = page("<p>words and words</p>" * 400)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_f47_a_job_that_crashes_twice_is_given_up_and_the_press_lives(
    press: Press, number: int
) -> None:
    before = press._process
    with (
        crashing(press, number, times=9) as hit,
        pytest.raises(PdfNotMade, match=f"the renderer stopped .signal {number}."),
    ):
        press.run(PDF, LONG)
    assert len(hit) == 2
    assert press._process is before
    assert press.run(PDF, page("the next letter"))[:5] == b"%PDF-"


def test_f47_a_job_that_crashes_once_is_made_at_the_second_try(press: Press) -> None:
    with crashing(press, signal.SIGSEGV, times=1) as hit:
        assert press.run(PDF, LONG)[:5] == b"%PDF-"
    assert len(hit) == 1


def test_limits_count_for_each_job_and_do_not_add_up() -> None:
    for _ in range(12):
        assert PRESS.run(PDF, page("<p>short</p>" * 200), cpu=3)[:5] == b"%PDF-"


def test_f47_a_press_that_was_killed_is_started_again() -> None:
    press = Press()
    press.run(PDF, page("one"))
    child = press._process
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert press.run(PDF, page("two"))[:5] == b"%PDF-"
    press.close()


def test_a_press_that_dies_during_a_job_is_tried_once_more() -> None:
    press = Press()
    press.run(PDF, page("warm"))
    child = press._process
    assert child is not None
    killer = threading.Timer(0.3, lambda: os.kill(child.pid, signal.SIGKILL))
    killer.start()
    made = press.run(PDF, page("<p>words and words</p>" * 1_200))
    assert made[:5] == b"%PDF-"
    assert press._process is not child
    press.close()


def test_the_press_gets_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "never to be seen")
    monkeypatch.setenv("DATABASE_URL", "postgres://u:secret@db/x")
    press = Press()
    press.run(PDF, page("x"))
    assert press._process is not None
    with open(f"/proc/{press._process.pid}/environ", "rb") as file:
        names = {line.partition(b"=")[0] for line in file.read().split(b"\0")}
    press.close()
    assert b"SECRET_KEY" not in names
    assert b"DATABASE_URL" not in names


def test_the_press_goes_when_the_pipe_to_it_is_closed() -> None:
    press = Press()
    press.run(PDF, page("x"))
    child = press._process
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=10) == 0


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that notes who calls."""
    calls: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Noting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", calls
    server.shutdown()


@pytest.mark.parametrize(
    "body",
    [
        "<link rel=attachment href={url}>",
        "<a rel=attachment href={url}>x</a>",
        "<img src={url}>",
        "<style>@import url({url});</style>",
        "<object data={url}></object>",
        "<p style='background: url({url})'>x</p>",
    ],
)
def test_f60_no_document_reaches_the_network_or_a_file(
    body: str, listener: tuple[str, list[str]]
) -> None:
    address, calls = listener
    for url in (f"{address}/stolen", "file:///etc/passwd"):
        with pytest.raises(ForeignAsset, match="refused to load"):
            PRESS.run(PDF, page(body.format(url=url)))
    assert calls == []


@pytest.mark.parametrize(
    "what",
    [
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
        "subprocess.run(['true'])",
        "os.system('true')",
    ],
)
def test_f60_a_job_has_no_network_and_starts_nothing(what: str) -> None:
    """Whichever library asks, below our own fetcher too."""
    program = (
        "import os, socket, subprocess\n"
        "from dunning.delivery import press\n"
        "press._limit({'megabytes': 4096, 'cpu': 20})\n"
        f"try: {what}\n"
        "except OSError as error: os._exit(7 if 'may not' in str(error) else 8)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 7


def sheet(*sizes: tuple[float, float]) -> bytes:
    writer = PdfWriter()
    for width, height in sizes:
        writer.add_blank_page(width, height)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_damaged_file_of_theirs_is_named_and_harms_nobody() -> None:
    with pytest.raises(PdfNotMade, match="damaged"):
        pages_of_theirs(b"%PDF-1.7\nnothing of the kind")
    assert pages_of_theirs(sheet((595, 842), (595, 842))) == 2


def test_a_file_locked_with_a_password_is_named() -> None:
    writer = PdfWriter()
    writer.add_blank_page(595, 842)
    writer.encrypt("secret")
    out = BytesIO()
    writer.write(out)
    with pytest.raises(PdfNotMade, match="password"):
        pages_of_theirs(out.getvalue())


def test_f62_many_letters_leave_the_parent_as_small_as_it_was() -> None:
    render_letter(final_demand())
    before = resident()
    for _ in range(15):
        render_letter(final_demand())
    assert resident() - before < 20_000


def resident() -> int:
    """Resident memory of this process in kB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


A4, LETTER = (210.0, 297.0), (215.9, 279.4)
POINTS = 72 / 25.4


def test_each_document_of_a_pile_starts_on_a_sheet_of_its_own() -> None:
    a4 = (595.3, 841.9)
    made = merge([sheet(a4), sheet(a4, a4), sheet(a4, a4, a4), sheet(a4)], A4)
    # 1 + blank, 2, 3 + blank, 1
    assert page_count(made) == 9


def test_pages_of_another_size_are_set_onto_our_paper() -> None:
    made = merge([sheet((612, 792), (842, 595), (1684, 2384), (300, 200))], A4)
    sizes = {tuple(round(float(x)) for x in p.mediabox[2:]) for p in PdfReader(BytesIO(made)).pages}
    assert sizes == {(595, 842)}


def test_without_a_paper_the_files_stay_as_they_are() -> None:
    assert page_count(merge([sheet((612, 792)), sheet((595, 842))])) == 2


def test_a_wait_that_was_cut_short_never_hands_out_the_late_answer() -> None:
    """A worker's soft time limit is raised anywhere: the next document is still the right one."""
    press = Press()
    press.run(PDF, page("warm"))

    class SoftLimit(Exception):
        pass

    def ring(_number: int, _frame: object) -> None:
        raise SoftLimit

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(SoftLimit):
            press.run(PDF, page("<p>the first document</p>" * 4_000))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    made = press.run(PDF, page("the second document"))
    assert "second" in PdfReader(BytesIO(made)).pages[0].extract_text()
    press.close()


def test_pages_with_words_that_lie_across_are_turned_and_stay_whole() -> None:
    across = PRESS.run(
        {"do": "pdf", "sheets": [], "styles": ["@page { size: letter landscape }"]},
        page("<h1>Invoice 77</h1>"),
    )
    made = PdfReader(BytesIO(merge([across], A4))).pages[0]
    assert "Invoice 77" in made.extract_text()
    assert round(float(made.mediabox.width)) == 595
