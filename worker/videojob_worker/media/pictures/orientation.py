"""How a picture is turned, by EXIF alone, as browsers take it."""

from typing import Final

from PIL import Image

from videojob_worker.media.files.source import Source
from videojob_worker.pixels.upright import ORIENTATIONS

_TAG: Final = 0x0112


def orientation_of(source: Source, exif: bytes) -> int:
    """Return how a picture is turned, as EXIF numbers it; upright where that cannot be read."""
    if not exif:
        return 1
    found = Image.Exif()
    try:
        found.load(exif)
        orientation = found.get(_TAG, 1)
    except Exception as error:  # noqa: BLE001 - what Pillow raises on broken EXIF has no common base
        source.warn(f"has EXIF data that cannot be read ({error}), and is shown as it is stored")
        return 1
    return orientation if orientation in ORIENTATIONS else 1
