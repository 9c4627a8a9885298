"""HTML and CSS to a tagged PDF: the only module that knows WeasyPrint. Runs in the press."""

from collections.abc import Sequence
from functools import lru_cache

from weasyprint import HTML

from dunning.delivery.assets import BASE_URL, fetcher, fonts, parsed, style_sheet

VARIANT = "pdf/ua-1"


def write_pdf(page: str, sheets: Sequence[str], styles: Sequence[str]) -> bytes:
    """The page as PDF/UA; ``sheets`` are files under static/css, ``styles`` CSS of ours.

    FatalURLFetchingError where it asks for anything that is not ours.
    """
    document = HTML(string=page, base_url=BASE_URL, url_fetcher=fetcher())
    written: bytes = document.write_pdf(
        stylesheets=[*map(style_sheet, sheets), *map(parsed, styles)],
        font_config=fonts(),
        pdf_variant=VARIANT,
        pdf_tags=True,
    )
    return written


@lru_cache(maxsize=1)
def warm_up() -> bytes:
    """A first page, so that fonts and style sheets are read before they are waited for."""
    page = "<!doctype html><html lang='en'><title>.</title><p>Warm <b>up</b> 1,234.50</p>"
    return write_pdf(page, ["letter.css"], [])
