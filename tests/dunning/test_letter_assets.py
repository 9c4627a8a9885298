"""A document loads our own static files and data: URLs, nothing else (DELIVERY 2.5)."""

from pathlib import Path

import pytest
from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError

from dunning.delivery.assets import (
    BASE_URL,
    STATIC_FOLDER,
    fetcher,
    fonts,
    is_own,
    parsed,
    style_sheet,
)

OUTSIDE = [
    "file:///etc/passwd",
    f"{BASE_URL}../manage.py",
    f"{BASE_URL}%2e%2e/manage.py",
    f"{BASE_URL}css/../../manage.py",
    f"{BASE_URL}css",
    "file://somewhere/etc/passwd",
    "http://127.0.0.1/",
    "https://example.test/a.css",
    "ftp://example.test/a",
    "//example.test/a",
    "/etc/passwd",
    "javascript:alert(1)",
    "",
]
PAGES = [
    '<link rel="attachment" href="{url}">',
    '<a rel="attachment" href="{url}">x</a>',
    '<link rel="stylesheet" href="{url}">',
    "<style>@import url({url});</style>",
    '<img src="{url}">',
    "<style>@font-face {{ font-family: x; src: url({url}) }}</style><p style='font: 9pt x'>x</p>",
    '<p style="background: url({url})">x</p>',
    '<object data="{url}"></object>',
    '<embed src="{url}">',
]


@pytest.mark.parametrize("url", OUTSIDE)
def test_what_is_not_ours_is_refused(url: str) -> None:
    assert not is_own(url)
    with pytest.raises(FatalURLFetchingError):
        fetcher().fetch(url)


def test_our_own_files_and_data_are_loaded() -> None:
    assert is_own(f"{BASE_URL}css/letter.css")
    assert fetcher().fetch("data:text/plain,hello").read() == b"hello"


def test_a_link_out_of_the_static_folder_is_followed_before_it_is_judged(tmp_path: Path) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red }")
    assert not is_own(secret.as_uri())
    assert STATIC_FOLDER.is_dir()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:9/x"])
@pytest.mark.parametrize("page", PAGES)
def test_a_document_that_asks_for_more_is_never_written(page: str, url: str) -> None:
    source = f"<html lang='en'><title>x</title><body>{page.format(url=url)}"
    document = HTML(string=source, base_url=BASE_URL, url_fetcher=fetcher())
    with pytest.raises(FatalURLFetchingError):
        document.write_pdf(font_config=fonts())


def test_fetcher_fonts_and_style_sheets_are_made_once() -> None:
    assert fetcher() is fetcher()
    assert fonts() is fonts()
    assert style_sheet("letter.css") is style_sheet("letter.css")
    assert parsed("p { color: red }") is parsed("p { color: red }")
