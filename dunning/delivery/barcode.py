"""The Code 128 of a letter's number, drawn as SVG: read by hand scanners at the mail desk."""

import base64
from functools import lru_cache

from barcode import Code128

MODULE_MM = 0.33
HEIGHT_MM = 8.0


@lru_cache(maxsize=256)
def code128(number: str) -> str:
    """A data: URL with the bars; ValueError for characters outside Code 128."""
    modules = Code128(number).build()[0]
    bars = "".join(
        f'<rect x="{start}" y="0" width="{length}" height="1"/>' for start, length in _runs(modules)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{len(modules) * MODULE_MM:.2f}mm"'
        f' height="{HEIGHT_MM}mm" viewBox="0 0 {len(modules)} 1" preserveAspectRatio="none">'
        f"{bars}</svg>"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _runs(modules: str) -> list[tuple[int, int]]:
    """Start and length of every bar."""
    runs: list[tuple[int, int]] = []
    for position, module in enumerate(modules):
        if module != "1":
            continue
        if runs and sum(runs[-1]) == position:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((position, 1))
    return runs
