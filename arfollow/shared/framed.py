"""A message shown inside one of our pages, in a frame where it can do nothing."""

from django.http import HttpResponse

# The message keeps its own inline styles; scripts, forms, links and foreign images are off.
FRAMED_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


def sandboxed_html(html: str) -> HttpResponse:
    """The answer for ``_parts/preview.html``: the bytes as sent, without any power."""
    response = HttpResponse(html, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = FRAMED_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "no-store"
    return response
