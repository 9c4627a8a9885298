"""Scans that somebody gave us, drawn anew: nothing but pixels is left of them. In the press."""

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST = 2000
QUALITY = 85
FORMATS = ("PNG", "JPEG")


def as_jpeg(data: bytes) -> bytes:
    """The picture upright, at most 2,000 pixels a side. ValueError where it is none."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            image.draft("RGB", (LARGEST, LARGEST))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise ValueError("the picture is damaged or far too large") from error
    upright.thumbnail((LARGEST, LARGEST))
    out = BytesIO()
    upright.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
