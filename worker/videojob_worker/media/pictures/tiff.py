"""What of TIFF is read, and what is not: compressions by an allow list, no camera raw, the first page."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from videojob_contract.errors import Reason
from videojob_worker.media.pictures.tiff_layout import (
    COMPRESSION,
    DNG,
    ORIENTATION,
    PARTS,
    PHOTOMETRIC,
    SUBFILE,
    BrokenTiffError,
    TiffLayout,
    read_tiff_layout,
)
from videojob_worker.media.pictures.tiff_strips import TiffStrips, tiff_strips
from videojob_worker.pixels.upright import LARGE_PIXELS

if TYPE_CHECKING:
    from videojob_worker.media.files.source import Source

MAX_WHOLE_TIFF_BYTES: Final = 256 * 1024**2
"""Largest file that is decoded from memory."""

# TIFF 6.0, and its supplements: none, CCITT's three, LZW, JPEG, deflate by two numbers, PackBits.
COMPRESSIONS: Final = frozenset((1, 2, 3, 4, 5, 7, 8, 32946, 32773))
# Colour filter array and linear raw (TIFF/EP, DNG 1.7).
_RAW: Final = frozenset((32803, 34892))
_REDUCED: Final = 1


@dataclass(frozen=True, slots=True)
class OpenTiff:
    """A TIFF of which the header is read."""

    image: ImageFile.ImageFile
    is_raw: bool
    """Whether it is a camera's, of which a TIFF reader would show the thumbnail."""
    has_further_pages: bool = False
    strips: TiffStrips | None = None
    """How it is decoded, if not by Pillow; `image` then has no pixels, and is turned by `orientation`."""
    orientation: int = 1


def open_tiff(source: Source) -> OpenTiff:
    """Open a TIFF.

    Raises:
        PermanentError: it is of a kind that is not read, or larger than it may be.
        PIL.UnidentifiedImageError: its header cannot be read.
        OSError: likewise.
    """
    size = source.path.stat().st_size
    with source.path.open("rb") as file:
        try:
            layout = read_tiff_layout(file)
        except BrokenTiffError:  # Pillow may make more of it
            layout = TiffLayout({}, "<", has_further_pages=False)
    is_raw = _is_camera_raw(layout)
    strips = None if is_raw else tiff_strips(layout)
    if strips and (strips.is_unusual or size > MAX_WHOLE_TIFF_BYTES or prod(layout.size) > LARGE_PIXELS):
        if strips.is_float:
            source.warn("has numbers of floating point, of which those from 0 to 1 are shown, from black to white")
        image = Image.open(BytesIO(strips.header()), formats=["TIFF"])
        return OpenTiff(image, False, layout.has_further_pages, strips, layout.one(ORIENTATION, 1))
    if size > MAX_WHOLE_TIFF_BYTES:
        raise source.error(
            f"has {size / 1024**2:,.0f} MiB; at most {MAX_WHOLE_TIFF_BYTES // 1024**2} MiB are allowed of such a TIFF",
            Reason.SOURCE_TOO_LARGE,
        )
    image = Image.open(source.path, formats=["TIFF"])
    try:
        if not is_raw:
            _check(source, image)
    except BaseException:
        image.close()
        raise
    return OpenTiff(image, is_raw, layout.has_further_pages)


def _is_camera_raw(layout: TiffLayout) -> bool:
    """Tell whether a TIFF is a camera's raw file, of which a TIFF reader would show the thumbnail."""
    is_thumbnail = bool(layout.one(SUBFILE) & _REDUCED) and PARTS in layout.tags
    return DNG in layout.tags or is_thumbnail or layout.one(PHOTOMETRIC) in _RAW


def _check(source: Source, image: ImageFile.ImageFile) -> None:
    """Check that a TIFF is of a kind that is read, and have it turned by its own tag alone.

    Raises:
        PermanentError: it is not.
    """
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if (compression := tags.get(COMPRESSION, 1)) not in COMPRESSIONS:
        raise source.error(f"is a TIFF with compression {compression}, which is not read; save it with LZW or deflate")
    if image.mode in {"F", "I"}:
        raise source.error("is a TIFF of numbers with a sign, which are no colours; save it with 8 or 16 bits")
    for name in ("xmp", "XML:com.adobe.xmp"):  # Pillow would turn it by what stands there
        image.info.pop(name, None)
